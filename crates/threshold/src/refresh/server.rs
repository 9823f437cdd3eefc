//! The server's part.

use alloc::vec::Vec;

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::{
    Closing, Completion, Envelopes, Ground, Link, Opening, RefreshTranscript, ServerRound, SignedRefresh,
    envelopes::open_pair,
    increment::{Polynomial, grown},
    message::Terms,
    transcript::Digests,
};
use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    create::names_its_run,
    device_list::{Act, Change},
    envelope::{Purpose, SealSecret},
    id::Party,
    identity::{Domain, IdentitySecret},
    package::{SealToRecovery, seal_to},
    seal::{self, Aad, Schema},
    secret::{Secret32, UnlockKey},
    share::{PublicShares, Share},
    words::RecoveryRecipient,
};

/// What the server brings to a refresh.
#[derive(Debug)]
pub struct Start<'a> {
    /// Where the wallet stands.
    pub ground: &'a Ground,
    /// The server's share.
    pub share: &'a Share,
    /// The short-lived key that the opening is sealed to.
    pub seal_key: &'a SealSecret,
    /// The operator's offline backup key, if there is one.
    pub backup: Option<&'a RecoveryRecipient>,
}

impl Start<'_> {
    /// Deals, seals to whoever is absent, and works out the server's new share. What comes out with the answer is the new
    /// unlock key: the state is to be sealed under it.
    pub fn begin(
        self,
        opening: Opening,
        sealer: &impl SealToRecovery,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(AwaitClosing, ServerRound, UnlockKey), Fault> {
        let Self {
            ground,
            share,
            seal_key,
            backup,
        } = self;
        check_opening(ground, &opening)?;
        if seal_key.public() != opening.server_key {
            return Err(FaultKind::Internal.into());
        }
        let terms = opening.terms;
        let binding = terms.binding(Party::Device, Party::Server);
        let (dealt, unlock) = open_pair(seal_key, &binding, Purpose::Dealt, &opening.to_server)?;
        unlock.check(&opening.unlock_digest)?;
        let theirs = Polynomial::through(Party::Server, &dealt, &opening.commitment, Party::Device)?;
        let own = Polynomial::deal(&ground.public, rng)?;
        let whole = own.plus(&theirs, Party::Device)?;
        let binding = terms.binding(Party::Server, Party::Device);
        let to_device = opening
            .device_key
            .seal(&binding, Purpose::Dealt, &*own.at(Party::Device), rng)?;
        let envelopes = Envelopes::seal(&terms, Party::Server, ground, &whole, &unlock, sealer, rng)?;
        let new = grown(
            share,
            &whole.increment(Party::Server),
            opening.run.epoch_to_come(opening.terms.number),
        )?;
        let kept = match backup {
            Some(key) => keep(&new, &terms, ground, &unlock, (sealer, key), rng)?,
            None => Vec::new(),
        };
        let round = ServerRound {
            run: opening.run,
            commitment: *own.commitment(),
            to_device,
            envelopes,
            kept,
        };
        let state = AwaitClosing {
            opening,
            round: round.clone(),
            own: Secret32::new(*new.secret_bytes()),
        };
        Ok((state, round, unlock))
    }
}

/// Refuses an opening that starts from elsewhere.
fn check_opening(ground: &Ground, opening: &Opening) -> Result<(), Fault> {
    let foreign = |yes: bool, kind: FaultKind| if yes { Err(Fault::from(kind)) } else { Ok(()) };
    let terms = &opening.terms;
    foreign(opening.run.wallet != ground.wallet, FaultKind::ForeignCeremony)?;
    foreign(terms.kind != ground.public.kind(), FaultKind::ForeignCeremony)?;
    foreign(terms.previous != ground.public.epoch(), FaultKind::StaleEpoch)?;
    ground.check_number(terms.number)?;
    foreign(opening.list_head != *ground.list.head(), FaultKind::ForeignCeremony)?;
    foreign(!ground.lists(&opening.device), FaultKind::UnexpectedIdentity)
}

/// Associated data of the server's share to come, as a device keeps it.
fn kept_aad(terms: &Terms, group_key: &[u8; 33]) -> Aad {
    Aad {
        schema: Schema::KEPT_SHARE,
        public_key: *group_key,
        ..between_aad(terms)
    }
}

/// Associated data of the server's state between the two requests.
fn between_aad(terms: &Terms) -> Aad {
    Aad {
        wallet: terms.run.wallet,
        party: Party::Server,
        kind: terms.kind,
        epoch: terms.run.epoch_to_come(terms.number),
        schema: Schema::REFRESH_SERVER,
        public_key: [0; 33],
    }
}

/// The server's share to come as a device keeps it: under the unlock key inside, to the operator's offline key outside.
fn keep(
    share: &Share,
    terms: &Terms,
    ground: &Ground,
    unlock: &UnlockKey,
    (sealer, key): (&impl SealToRecovery, &RecoveryRecipient),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Vec<u8>, Fault> {
    let aad = kept_aad(terms, ground.public.group_key());
    let inner = seal::seal(unlock.expose(), &aad, &share.to_secret_bytes(), rng);
    seal_to(sealer, key, &inner)
}

/// Opens what a device kept for the server, once the operator's offline key has opened the outside: the server's share of
/// the epoch that `link` made.
pub fn open_kept(inner: &[u8], link: &Link, unlock: &UnlockKey, public: &PublicShares) -> Result<Share, Fault> {
    let transcript = link.signed().transcript();
    if transcript.epoch() != public.epoch() {
        return Err(FaultKind::StaleEpoch.into());
    }
    let aad = kept_aad(&transcript.terms, public.group_key());
    let record = seal::open(unlock.expose(), &aad, inner)?;
    let kept = Share::from_secret_bytes(&record)?;
    let share = Share::new(
        transcript.wallet(),
        Party::Server,
        transcript.terms.kind,
        public.epoch(),
        &kept.secret_bytes(),
    )?;
    share.check(public)?;
    Ok(share)
}

/// Between the two requests. The server keeps it sealed: under the new unlock key inside, under its own key outside.
///
/// A closing that fails consumes it; what was sealed is then the caller's to erase.
#[must_use]
pub struct AwaitClosing {
    opening: Opening,
    round: ServerRound,
    own: Secret32,
}

impl AwaitClosing {
    /// The opening that this run started with.
    #[must_use]
    pub const fn opening(&self) -> &Opening {
        &self.opening
    }

    #[cfg(test)]
    pub(super) fn round_mut(&mut self) -> &mut ServerRound {
        &mut self.round
    }

    /// Associated data for sealing this state.
    #[must_use]
    pub fn aad(opening: &Opening) -> Aad {
        between_aad(&opening.terms)
    }

    /// The record to seal.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (opening, round) = (self.opening.to_bytes(), self.round.to_bytes());
        Writer::with_capacity(Kind::RefreshServerState, 2 + 32 + 8 + opening.len() + round.len())
            .fixed(self.own.expose())
            .var(&opening)
            .var(&round)
            .finish_secret()
    }

    /// The other direction.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::RefreshServerState)?;
        let own = Secret32::new(reader.array()?);
        let opening = Opening::try_from(reader.var(bytes.len())?)?;
        let round = ServerRound::try_from(reader.var(bytes.len())?)?;
        reader.finish()?;
        Ok(Self { opening, round, own })
    }

    /// Takes the device's second request: holds the run to where the wallet stands *now*, checks the device's signature
    /// and the server's own share, and only then signs.
    ///
    /// Where the list changed meanwhile, an envelope may open for nobody or for somebody who is gone, and the run is over.
    /// The caller stores the [`Refreshed`] for good, in one step with
    /// erasing the epoch before, ere the [`Completion`] leaves.
    pub fn receive(
        self,
        ground: &Ground,
        closing: &Closing,
        identity: &IdentitySecret,
    ) -> Result<(Refreshed, Completion), Fault> {
        let transcript = self.transcript(ground, closing, identity)?;
        let refreshed = self.take(ground, closing, (transcript, None), identity)?;
        let completion = complete(&refreshed.link);
        Ok((refreshed, completion))
    }

    /// T, as a closing makes it where the wallet stands now.
    pub(super) fn transcript(
        &self,
        ground: &Ground,
        closing: &Closing,
        identity: &IdentitySecret,
    ) -> Result<RefreshTranscript, Fault> {
        let Self { opening, round, .. } = self;
        opening.run.check(closing.run, Party::Device)?;
        check_opening(ground, opening)?;
        if identity.public() != ground.server {
            return Err(FaultKind::Internal.into());
        }
        closing
            .envelopes
            .check_whole(ground.list.devices().len(), Party::Device)?;
        let digests = Digests {
            server: round.envelopes.digests(),
            device: closing.envelopes.digests(),
        };
        RefreshTranscript::assemble(ground, opening, round, digests)
    }

    /// Checks the device's signature over T, and over the other key's where there is one, and the server's own share, and only
    /// then signs.
    pub(super) fn take(
        self,
        ground: &Ground,
        closing: &Closing,
        (transcript, beside): (RefreshTranscript, Option<[u8; 32]>),
        identity: &IdentitySecret,
    ) -> Result<Refreshed, Fault> {
        let Self { opening, round, own } = self;
        transcript.verify(beside.as_ref(), Party::Device, &closing.signature)?;
        check_reseal(ground, &opening, closing.reseal.as_ref())?;
        let public = transcript.follows(ground.wallet, &ground.server, &ground.recovery, &ground.public)?;
        let share = Share::new(
            ground.wallet,
            Party::Server,
            public.kind(),
            public.epoch(),
            own.expose(),
        )?;
        share.check(&public)?;
        let signature = identity.sign(Domain::TRANSCRIPT, &transcript.signed(beside.as_ref()));
        let signed = SignedRefresh::new(transcript, beside, [signature, closing.signature])?;
        Ok(Refreshed {
            share,
            public,
            reseal: closing.reseal.clone(),
            link: Link::new(signed, [round.envelopes, closing.envelopes.clone()]),
        })
    }
}

/// An entry of the list that comes with a closing gives the device that closes a fresh sealing key, and does no more.
fn check_reseal(ground: &Ground, opening: &Opening, change: Option<&Change>) -> Result<(), Fault> {
    let Some(change) = change else { return Ok(()) };
    let own = matches!(change.act(), Act::Reseal { device, .. } if *device == opening.device.device_id());
    if own && ground.list.judge(change).is_ok() {
        Ok(())
    } else {
        Err(Fault::of(FaultKind::UnexpectedIdentity, Party::Device))
    }
}

names_its_run! {
    AwaitClosing as "refresh::AwaitClosing", opening.run;
}

/// Answers a closing of a run that has already ended well: the stored signature.
#[must_use]
pub fn complete(link: &Link) -> Completion {
    Completion {
        run: link.signed().transcript().terms.run,
        signature: *link.signed().server_signature(),
    }
}

/// What the server has at the end.
#[derive(Debug)]
#[must_use]
pub struct Refreshed {
    /// The server's share.
    pub share: Share,
    /// What everybody knows.
    pub public: PublicShares,
    /// The list's next entry, by which the device takes a fresh sealing key.
    pub reseal: Option<Change>,
    /// The signed transcript with all envelopes, to be kept for whoever was absent.
    pub link: Link,
}
