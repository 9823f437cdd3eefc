//! The server's part.

use alloc::vec::Vec;

use frost_secp256k1_tr::keys::dkg;
use k256::{Scalar, elliptic_curve::PrimeField};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::{
    dealt::Route,
    message::{Closing, Completion, Opening, ServerRound},
    names_its_run,
    round1::{self, Round1},
    run::Run,
};
use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    derive::ExtendedKey,
    envelope::SealSecret,
    id::{CeremonyId, Party, RequestDigest},
    identity::{Domain, IdentitySecret, Signature64},
    package::{FirstPackage, SealToRecovery},
    point,
    seal::{Aad, Schema},
    secret::{Secret32, UnlockKey},
    share::{PublicShares, Share},
    sign::{Commitment, server_test_share},
    transcript::{FirstTranscript, Outcome, SealedDigests, SignedTranscript, Transcript, sealed_digest},
};

/// Starts the server's part: deals, and signs the first half of the transcript.
///
/// `unlock` came sealed beside the opening; the server checks that it is the one the opening names.
pub fn begin(
    opening: Opening,
    unlock: &UnlockKey,
    identity: &IdentitySecret,
    sealer: &impl SealToRecovery,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(AwaitClosing, ServerRound), Fault> {
    unlock.check(&opening.unlock_digest)?;
    let ceremony_key = SealSecret::generate(rng);
    let (secret, round1) = round1::part1(Party::Server, rng)?;
    let mut answer = ServerRound {
        run: opening.run,
        identity: identity.public(),
        server_key: ceremony_key.public(),
        round1,
        to_device: Vec::new(),
        to_recovery: Vec::new(),
        signature: Signature64([0; 64]),
    };
    let (secret, dealt) = round1::part2(Party::Server, secret, &answer.all_round1(&opening))?;
    let to = |to| Route::first(opening.run, opening.kind, Party::Server, to);
    answer.to_device = to(Party::Device).seal(&opening.device_key, &dealt[Party::Device.index()], rng)?;
    answer.to_recovery = to(Party::Recovery).seal_to_recovery(
        sealer,
        &opening.recovery.recipient,
        &dealt[Party::Recovery.index()],
        None,
    )?;
    answer.signature = identity.sign(Domain::FIRST_HALF, &answer.first_half(&opening));
    let own = Secret32::new(secret.secret_share().to_repr().into());
    Ok((
        AwaitClosing {
            opening,
            round: answer.clone(),
            ceremony_key,
            own,
        },
        answer,
    ))
}

/// All round-1 packages of a run: what its key will be is known from here on.
#[derive(Clone, Debug)]
pub struct Committed {
    ceremony: CeremonyId,
    round1: [Round1; 3],
}

impl Committed {
    /// Group key and chain code of the wallet that the run makes, if it ends well.
    pub fn group(&self) -> Result<ExtendedKey, Fault> {
        Outcome::of(self.ceremony, &self.round1).map(|outcome| outcome.group)
    }
}

/// Between the two requests. The server keeps it sealed: under the unlock key inside, under its own key outside.
///
/// A closing that fails consumes it; what was sealed is then the caller's to erase.
#[must_use]
pub struct AwaitClosing {
    opening: Opening,
    round: ServerRound,
    ceremony_key: SealSecret,
    own: Secret32,
}

impl AwaitClosing {
    /// The opening that this run started with.
    #[must_use]
    pub const fn opening(&self) -> &Opening {
        &self.opening
    }

    /// What is public and settled already.
    #[must_use]
    pub fn committed(&self) -> Committed {
        Committed {
            ceremony: self.opening.run.ceremony,
            round1: *self.round.all_round1(&self.opening),
        }
    }

    /// What was answered to the opening.
    #[must_use]
    pub const fn round(&self) -> &ServerRound {
        &self.round
    }

    /// Associated data for sealing this state.
    #[must_use]
    pub fn aad(opening: &Opening) -> Aad {
        Aad {
            wallet: opening.run.wallet,
            party: Party::Server,
            kind: opening.kind,
            epoch: opening.run.epoch_to_come(0),
            schema: Schema::CREATE_SERVER,
            public_key: [0; 33],
        }
    }

    /// The record to seal.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (opening, round) = (self.opening.to_bytes(), self.round.to_bytes());
        Writer::with_capacity(Kind::ServerState, 2 + 64 + 8 + opening.len() + round.len())
            .fixed(self.ceremony_key.expose().expose())
            .fixed(self.own.expose())
            .var(&opening)
            .var(&round)
            .finish_secret()
    }

    /// The other direction.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::ServerState)?;
        let ceremony_key = SealSecret::new(Secret32::new(reader.array()?));
        let own = Secret32::new(reader.array()?);
        let opening = Opening::try_from(reader.var(bytes.len())?)?;
        let round = ServerRound::try_from(reader.var(bytes.len())?)?;
        reader.finish()?;
        Ok(Self {
            opening,
            round,
            ceremony_key,
            own,
        })
    }

    /// Takes the device's second request: opens what was dealt, checks the server's own share, compares transcripts, and
    /// only then signs. `request` is the digest of the request that brought the closing.
    ///
    /// The caller stores the [`NewShare`] for good before the [`Completion`] leaves.
    pub fn receive(
        self,
        closing: &Closing,
        unlock: &UnlockKey,
        request: &RequestDigest,
        identity: &IdentitySecret,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(NewShare, Completion), Fault> {
        let Self {
            opening,
            round,
            ceremony_key,
            own,
        } = &self;
        opening.run.check(closing.run, Party::Device)?;
        unlock.check(&opening.unlock_digest)?;
        if identity.public() != round.identity {
            return Err(FaultKind::Internal.into());
        }
        let all = round.all_round1(opening);
        let transcript = assemble(opening, round, &all, closing)?;
        transcript.verify(Party::Device, &closing.device_signature)?;
        transcript.verify(Party::Recovery, &closing.recovery_signature)?;
        let from = |from| Route::first(opening.run, opening.kind, from, Party::Server);
        let dealt = [
            (
                Party::Device,
                from(Party::Device).open(ceremony_key, &closing.from_device)?,
            ),
            (
                Party::Recovery,
                from(Party::Recovery).open(ceremony_key, &closing.from_recovery)?,
            ),
        ];
        let public = transcript.public_shares()?;
        let share = own_share(Party::Server, own, &all, &dealt, &transcript, &public)?;
        closing
            .package
            .verify(opening.run.wallet, &public, &opening.recovery.signing)?;

        let signature = identity.sign(Domain::TRANSCRIPT, &transcript.hash());
        let signed = SignedTranscript::new(
            transcript,
            [signature, closing.device_signature, closing.recovery_signature],
        )?;
        let new = NewShare {
            share,
            public,
            transcript: signed,
            package: closing.package.clone(),
        };
        let completion = complete(
            &new.share,
            &new.public,
            &new.transcript,
            &closing.commitment,
            request,
            identity,
            rng,
        )?;
        Ok((new, completion))
    }
}

names_its_run! {
    AwaitClosing as "AwaitClosing", opening.run;
}

/// What the server has at the end.
#[derive(Debug)]
#[must_use]
pub struct NewShare {
    /// The server's share.
    pub share: Share,
    /// What everybody knows.
    pub public: PublicShares,
    /// T with all signatures.
    pub transcript: SignedTranscript,
    /// Recovery's first package, to be kept.
    pub package: FirstPackage,
}

/// Answers a closing of a run that has already ended well: the stored signature over T and a test share for fresh
/// commitments. A device asks for it after a crash, in the request that `request` is the digest of.
pub fn complete(
    share: &Share,
    public: &PublicShares,
    transcript: &SignedTranscript,
    device: &Commitment,
    request: &RequestDigest,
    identity: &IdentitySecret,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Completion, Fault> {
    let t = transcript.transcript();
    if public.transcript_hash() != &t.hash() {
        return Err(FaultKind::StaleEpoch.into());
    }
    let (commitment, test) = server_test_share(share, public, device, request, &identity.public(), rng)?;
    Ok(Completion {
        run: Run {
            wallet: t.wallet(),
            ceremony: t.ceremony(),
        },
        signature: *transcript.signature(Party::Server),
        commitment,
        share: test,
    })
}

fn assemble(opening: &Opening, round: &ServerRound, all: &[Round1; 3], closing: &Closing) -> Result<Transcript, Fault> {
    let sealed = [
        sealed_digest(&round.to_device),
        sealed_digest(&round.to_recovery),
        sealed_digest(&closing.from_device),
        closing.between[0],
        sealed_digest(&closing.from_recovery),
        closing.between[1],
    ];
    transcript(opening, round, all, SealedDigests(sealed))
}

/// Puts T together, the same way for all three.
pub(super) fn transcript(
    opening: &Opening,
    round: &ServerRound,
    all: &[Round1; 3],
    sealed: SealedDigests,
) -> Result<Transcript, Fault> {
    let Outcome {
        group,
        verifying_shares,
    } = Outcome::of(opening.run.ceremony, all)?;
    Ok(Transcript {
        wallet: opening.run.wallet,
        ceremony: opening.run.ceremony,
        kind: opening.kind,
        server: round.identity,
        device: *opening.entry.identity(),
        recovery: opening.recovery,
        server_key: round.server_key,
        device_key: opening.device_key,
        round1: alloc::boxed::Box::new(all.clone()),
        sealed,
        unlock_digest: opening.unlock_digest,
        device_list_head: opening.entry.head(),
        group,
        verifying_shares,
    })
}

/// Part 3 from what a party kept of its own polynomial; the share is checked before anything is signed.
pub(super) fn own_share(
    me: Party,
    own: &Secret32,
    all: &[Round1; 3],
    dealt: &[(Party, round1::Dealt); 2],
    transcript: &Transcript,
    public: &PublicShares,
) -> Result<Share, Fault> {
    let mut scalar: Scalar = point::scalar(own.expose())?;
    let commitment = all[me.index()].package().commitment().clone();
    let secret = dkg::round2::SecretPackage::new(me.identifier(), commitment, scalar, 2, 3);
    zeroize::Zeroize::zeroize(&mut scalar);
    let key = round1::part3(me, &secret, all, dealt)?;
    let bytes = Zeroizing::new(key.signing_share().serialize());
    let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| FaultKind::Internal)?;
    let share = Share::new(transcript.wallet, me, transcript.kind, public.epoch(), bytes)?;
    share.check(public)?;
    Ok(share)
}
