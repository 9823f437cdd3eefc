//! The server's part.

use alloc::vec::Vec;

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::{
    super::{
        Completion,
        server::{self, Refreshed, complete},
    },
    Closing, Grounds, Opening, ServerRound,
};
use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    create::names_its_run,
    envelope::SealSecret,
    id::Party,
    identity::IdentitySecret,
    package::SealToRecovery,
    seal::{Aad, Schema},
    secret::UnlockKey,
    share::Share,
    words::RecoveryRecipient,
};

/// What the server brings to a refresh of both keys.
#[derive(Debug)]
pub struct Start<'a> {
    /// Where the wallet stands.
    pub grounds: &'a Grounds,
    /// The server's shares: of the key that the wallet was made with, and of the one that it gained.
    pub shares: (&'a Share, &'a Share),
    /// The short-lived key that the opening is sealed to.
    pub seal_key: &'a SealSecret,
    /// The operator's offline backup key, if there is one.
    pub backup: Option<&'a RecoveryRecipient>,
}

impl Start<'_> {
    /// Deals for both keys, seals to whoever is absent, and works out the server's new shares. What comes out with the answer
    /// is the new unlock key: the state is to be sealed under it.
    pub fn begin(
        self,
        opening: Opening,
        sealer: &impl SealToRecovery,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(AwaitClosing, ServerRound, UnlockKey), Fault> {
        let Self {
            grounds,
            shares: (first, second),
            seal_key,
            backup,
        } = self;
        let mut start = |ground, share, opening| {
            let start = server::Start {
                ground,
                share,
                seal_key,
                backup,
            };
            start.begin(opening, sealer, rng)
        };
        let run = opening.run;
        let (first, first_round, unlock) = start(&grounds.first, first, opening.first)?;
        let (second, second_round, same) = start(&grounds.second, second, opening.second)?;
        // Each was held to the digest that both openings name.
        drop(same);
        let round = ServerRound::new(first_round, second_round)?;
        Ok((AwaitClosing { run, first, second }, round, unlock))
    }
}

/// Between the two requests. The server keeps it sealed: under the new unlock key inside, under its own key outside.
///
/// A closing that fails consumes it; what was sealed is then the caller's to erase.
#[must_use]
pub struct AwaitClosing {
    run: crate::create::Run,
    first: server::AwaitClosing,
    second: server::AwaitClosing,
}

names_its_run! {
    AwaitClosing as "refresh::both::AwaitClosing", run;
}

impl AwaitClosing {
    /// Associated data for sealing this state.
    #[must_use]
    pub fn aad(opening: &Opening) -> Aad {
        Aad {
            schema: Schema::REFRESH_BOTH_SERVER,
            ..server::AwaitClosing::aad(&opening.first)
        }
    }

    /// The opening that this run started with.
    pub fn opening(&self) -> Result<Opening, Fault> {
        Opening::new(self.first.opening().clone(), self.second.opening().clone())
    }

    /// The record to seal.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (first, second) = (self.first.to_secret_bytes(), self.second.to_secret_bytes());
        Writer::with_capacity(Kind::RefreshBothServerState, 2 + 2 * 4 + first.len() + second.len())
            .var(&first)
            .var(&second)
            .finish_secret()
    }

    /// The other direction.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::RefreshBothServerState)?;
        let first = server::AwaitClosing::from_secret_bytes(reader.var(bytes.len())?)?;
        let second = server::AwaitClosing::from_secret_bytes(reader.var(bytes.len())?)?;
        reader.finish()?;
        let Opening { run, .. } = Opening::new(first.opening().clone(), second.opening().clone())?;
        Ok(Self { run, first, second })
    }

    /// Takes the device's second request: holds both keys to where the wallet stands *now*, checks the device's signature over
    /// both transcripts and both of the server's own shares, and only then signs both.
    ///
    /// The caller stores what comes of both for good, in one step with erasing both epochs before, ere the [`Completion`]
    /// leaves.
    pub fn receive(
        self,
        grounds: &Grounds,
        closing: &Closing,
        identity: &IdentitySecret,
    ) -> Result<(Refreshed, Refreshed, Completion), Fault> {
        let Self { run, first, second } = self;
        run.check(closing.run, Party::Device)?;
        // One entry of the list, or none.
        if closing.second.reseal.is_some() {
            return Err(Fault::of(FaultKind::Count, Party::Device));
        }
        let of_first = first.transcript(&grounds.first, &closing.first, identity)?;
        let of_second = second.transcript(&grounds.second, &closing.second, identity)?;
        let (beside_second, beside_first) = (of_first.hash(), of_second.hash());
        let of_first = (of_first, Some(beside_first));
        let first = first.take(&grounds.first, &closing.first, of_first, identity)?;
        let of_second = (of_second, Some(beside_second));
        let second = second.take(&grounds.second, &closing.second, of_second, identity)?;
        let completion = complete(&first.link);
        Ok((first, second, completion))
    }
}
