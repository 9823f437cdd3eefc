//! The server's part. It keeps its state between two requests sealed: under the unlock key inside, under its own key outside.

mod kept;

use rand_core::{CryptoRng, RngCore};

use super::{
    super::{Ground, SignedEcdsaTranscript},
    dealing::{Own, deal},
    message::{Closing, Committing, Completion, Dealing, Opening, ServerProof},
    outcome::{Outcome, Rounds},
};
use crate::{
    Fault, FaultKind,
    create::{Dealt, names_its_run},
    envelope::SealSecret,
    id::Party,
    identity::{Domain, IdentitySecret, Signature64},
    package::{FirstPackage, SealToRecovery},
    share::{PublicShares, Share},
    transcript::{FirstTranscript, sealed_digest},
};

/// Starts the server's part: deals, and signs what it dealt. `ground` is what the server itself holds of the wallet.
pub fn begin(
    opening: Opening,
    ground: &Ground,
    identity: &IdentitySecret,
    sealer: &impl SealToRecovery,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(AwaitCommitting, Dealing), Fault> {
    ground.check(&opening.ground, Party::Device)?;
    if identity.public() != ground.server {
        return Err(FaultKind::Internal.into());
    }
    let ceremony_key = SealSecret::generate(rng);
    let dealt = deal(Party::Server)?;
    let to = |to| opening.route(Party::Server, to);
    let mut dealing = Dealing {
        run: opening.run,
        server_key: ceremony_key.public(),
        to_device: to(Party::Device).seal(&opening.device_key, &dealt[Party::Device.index()], rng)?,
        to_recovery: to(Party::Recovery).seal_to_recovery(
            sealer,
            &ground.recovery.recipient,
            &dealt[Party::Recovery.index()],
            None,
        )?,
        signature: Signature64([0; 64]),
    };
    dealing.signature = identity.sign(Domain::ECDSA_DEALING, &dealing.signed(&opening));
    let [own, ..] = dealt;
    Ok((
        AwaitCommitting {
            opening,
            dealing: dealing.clone(),
            ceremony_key,
            own,
        },
        dealing,
    ))
}

/// Waiting for what device and recovery dealt and commit to.
///
/// It is taken once: whoever has seen what the server opens must not have another answer of it to something else. So the
/// caller stores the [`AwaitClosing`] in its place before the [`ServerProof`] leaves.
#[must_use]
pub struct AwaitCommitting {
    opening: Opening,
    dealing: Dealing,
    ceremony_key: SealSecret,
    own: Dealt,
}

impl AwaitCommitting {
    /// Opens what was dealt, commits as the last and opens its commitment.
    pub fn receive(self, committing: Committing) -> Result<(AwaitClosing, ServerProof), Fault> {
        let run = self.opening.run;
        run.check(committing.run, Party::Device)?;
        let open = |from, sealed: &[u8]| {
            let route = self.opening.route(from, Party::Server);
            route.open(&self.ceremony_key, sealed)
        };
        let from_device = open(Party::Device, &committing.from_device)?;
        let from_recovery = open(Party::Recovery, &committing.from_recovery)?;
        let own = Own::of(
            Party::Server,
            &self.dealing.session(&self.opening),
            [
                (Party::Server, &self.own),
                (Party::Device, &from_device),
                (Party::Recovery, &from_recovery),
            ],
        )?;
        let state = AwaitClosing {
            opening: self.opening,
            dealing: self.dealing,
            committing,
            own,
        };
        let message = state.proof();
        Ok((state, message))
    }
}

names_its_run! {
    AwaitCommitting as "ecdsa::server::AwaitCommitting", opening.run;
}

/// Waiting for what the others open, and their signatures. A closing that fails consumes it; what was sealed is then the
/// caller's to erase.
#[must_use]
pub struct AwaitClosing {
    opening: Opening,
    dealing: Dealing,
    committing: Committing,
    own: Own,
}

impl AwaitClosing {
    /// Checks everything, the server's own share included, and only then signs T. The caller stores the [`NewShare`] for
    /// good before the [`Completion`] leaves.
    pub fn receive(self, closing: Closing, identity: &IdentitySecret) -> Result<(NewShare, Completion), Fault> {
        let Self {
            opening,
            dealing,
            committing,
            own,
        } = self;
        opening.run.check(closing.run, Party::Device)?;
        if identity.public() != opening.ground.server {
            return Err(FaultKind::Internal.into());
        }
        let [device, recovery] = closing.proofs;
        let rounds = Rounds {
            opening: &opening,
            dealing: &dealing,
            sealed: sealed(&dealing, &committing),
            commitments: [own.commitment, committing.commitments[0], committing.commitments[1]],
            proofs: [own.proof, device, recovery],
        };
        let Outcome {
            share,
            public,
            transcript,
        } = rounds.outcome(Party::Server, &own.value)?;
        transcript.verify(Party::Device, &closing.device_signature)?;
        transcript.verify(Party::Recovery, &closing.recovery_signature)?;
        let recovery = opening.ground.identity(Party::Recovery);
        closing.package.verify(opening.run.wallet, &public, recovery)?;
        let signature = identity.sign(Domain::TRANSCRIPT, &transcript.hash());
        let transcript = SignedEcdsaTranscript::new(
            transcript,
            [signature, closing.device_signature, closing.recovery_signature],
        )?;
        let new = NewShare {
            share,
            public,
            transcript,
            package: closing.package,
        };
        let completion = complete(&new.transcript);
        Ok((new, completion))
    }
}

/// Answers a closing of a run that has already ended well: the stored signature.
#[must_use]
pub fn complete(transcript: &SignedEcdsaTranscript) -> Completion {
    Completion {
        run: transcript.transcript().run,
        signature: *transcript.signature(Party::Server),
    }
}

names_its_run! {
    AwaitClosing as "ecdsa::server::AwaitClosing", opening.run;
}

/// Digests of all that was sealed, from what crossed the line.
pub(super) fn sealed(dealing: &Dealing, committing: &Committing) -> [[u8; 32]; 6] {
    [
        sealed_digest(&dealing.to_device),
        sealed_digest(&dealing.to_recovery),
        sealed_digest(&committing.from_device),
        committing.between[0],
        sealed_digest(&committing.from_recovery),
        committing.between[1],
    ]
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
    pub transcript: SignedEcdsaTranscript,
    /// Recovery's first package of this key, to be kept.
    pub package: FirstPackage,
}
