//! The device's part.

use alloc::vec::Vec;

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::{
    super::{
        Completion,
        device::{self, NextKey, Refreshed},
    },
    Closing, Grounds, Opening, ServerRound,
};
use crate::{
    Fault,
    codec::{Kind, Reader, Writer},
    create::Run,
    envelope::SealPublic,
    id::{CeremonyId, Party},
    identity::{Domain, IdentityKey, Signature64},
    package::SealToRecovery,
    secret::{Secret32, UnlockKey},
    share::Share,
};

/// What the device brings to a refresh of both keys.
#[derive(Debug)]
pub struct Start {
    /// Where the wallet stands.
    pub grounds: Grounds,
    /// A fresh name for the run.
    pub ceremony: CeremonyId,
    /// The number of both epochs to come: the next, or further on where a restored server has seen later ones.
    pub number: u32,
    /// This device.
    pub device: IdentityKey,
    /// The server's short-lived key, verified to be the server's.
    pub server_key: SealPublic,
    /// A fresh unlock key, of both.
    pub unlock: UnlockKey,
}

impl Start {
    /// Makes the first request. The old unlock key goes to the server beside it.
    pub fn begin(self, rng: &mut (impl RngCore + CryptoRng)) -> Result<(AwaitServer, Opening), Fault> {
        let Self {
            grounds,
            ceremony,
            number,
            device,
            server_key,
            unlock,
        } = self;
        let copy = UnlockKey::new(Secret32::new(*unlock.expose().expose()));
        let mut start = |ground, unlock| {
            let start = device::Start {
                ground,
                ceremony,
                number,
                device,
                server_key,
                unlock,
            };
            start.begin(rng)
        };
        let (first, first_opening) = start(grounds.first, unlock)?;
        let (second, second_opening) = start(grounds.second, copy)?;
        let opening = Opening::new(first_opening, second_opening)?;
        let run = opening.run;
        Ok((AwaitServer { run, first, second }, opening))
    }
}

/// Waiting for the server's answer to the first request. It lives in memory: after a crash a refresh starts afresh, and the
/// server lets the later one win.
#[derive(Debug)]
#[must_use]
pub struct AwaitServer {
    run: Run,
    first: device::AwaitServer,
    second: device::AwaitServer,
}

impl AwaitServer {
    /// Checks the server's answer for both keys, and works both new shares out from the old ones. What comes out is signed by
    /// the device's identity key, wherever that lives.
    pub fn receive(
        self,
        round: ServerRound,
        (first, second): (&Share, &Share),
        next: Option<NextKey>,
        sealer: &impl SealToRecovery,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<ToSign, Fault> {
        self.run.check(round.run, Party::Server)?;
        Ok(ToSign {
            first: self.first.receive(round.first, first, next, sealer, rng)?,
            second: self.second.receive(round.second, second, None, sealer, rng)?,
        })
    }
}

/// The device's new shares are good: both transcripts are to be signed.
#[derive(Debug)]
#[must_use]
pub struct ToSign {
    first: device::ToSign,
    second: device::ToSign,
}

impl ToSign {
    /// The bytes that the device's identity key signs.
    #[must_use]
    pub fn signing_bytes(&self) -> Vec<u8> {
        let beside = self.second.transcript().hash();
        Domain::TRANSCRIPT.signing_bytes(&self.first.transcript().signed(Some(&beside)))
    }

    /// Takes the device's signature over both.
    pub fn signed(self, signature: Signature64) -> Result<Pending, Fault> {
        let Self { first, second } = self;
        let (of_first, of_second) = (first.transcript().hash(), second.transcript().hash());
        Ok(Pending {
            first: first.signed_with(Some(of_second), signature)?,
            second: second.signed_with(Some(of_first), signature)?,
        })
    }
}

/// Both epochs to come as the device has them, in one record. It is made durable, sealed, before the closing leaves, beside the
/// current epochs: those are erased when the server's signature is durable, and not before.
#[derive(Debug)]
#[must_use]
pub struct Pending {
    first: device::Pending,
    second: device::Pending,
}

impl Pending {
    /// The epoch to come of the key that the wallet was made with, and of the one that it gained.
    pub const fn each(&self) -> (&device::Pending, &device::Pending) {
        (&self.first, &self.second)
    }

    /// The new unlock key, to be sealed to the server beside the closing.
    #[must_use]
    pub const fn unlock(&self) -> &UnlockKey {
        self.first.unlock()
    }

    /// The second request; after a crash, or a lost reply, the same again.
    pub fn closing(&self) -> Result<Closing, Fault> {
        Closing::new(self.first.closing(), self.second.closing())
    }

    /// Checks the server's signature over both. From here on the new epochs are the only ones.
    pub fn finish(self, completion: &Completion) -> Result<(Refreshed, Refreshed), Fault> {
        Ok((self.first.finish(completion)?, self.second.finish(completion)?))
    }

    /// The record to seal.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (first, second) = (self.first.to_secret_bytes(), self.second.to_secret_bytes());
        Writer::with_capacity(Kind::RefreshBothDeviceState, 2 + 2 * 4 + first.len() + second.len())
            .var(&first)
            .var(&second)
            .finish_secret()
    }

    /// The other direction. Everything is checked again: a keystore is not trusted more than a peer.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::RefreshBothDeviceState)?;
        let first = device::Pending::read(reader.var(bytes.len())?)?;
        let second = device::Pending::read(reader.var(bytes.len())?)?;
        reader.finish()?;
        let (of_first, of_second) = (first.transcript().hash(), second.transcript().hash());
        Ok(Self {
            first: first.with(Some(of_second))?,
            second: second.with(Some(of_first))?,
        })
    }
}
