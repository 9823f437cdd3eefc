//! The device's part, and the carrying of recovery's messages.

mod kept;

use alloc::vec::Vec;

use rand_core::{CryptoRng, RngCore};

use super::{
    super::{Ground, SignedEcdsaTranscript},
    dealing::{DealtToAll, Own, deal},
    message::{
        Closing, Committing, Completion, Dealing, Opening, RecoveryDealing, RecoveryProof, ServerProof, ToProve,
        ToRecovery,
    },
    outcome::{Outcome, Rounds},
    server::sealed,
};
use crate::{
    Fault,
    create::{Dealt, Run, names_its_run},
    envelope::SealSecret,
    id::{CeremonyId, Party},
    identity::{Domain, Signature64},
    package::{FirstPackage, SealToRecovery},
    share::{PublicShares, Share},
    transcript::{FirstTranscript, sealed_digest},
};

/// Starts a run: the first request.
pub fn begin(
    ground: Ground,
    ceremony: CeremonyId,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(AwaitDealing, Opening), Fault> {
    let ceremony_key = SealSecret::generate(rng);
    let opening = Opening {
        run: Run {
            wallet: ground.wallet,
            ceremony,
        },
        ground,
        device_key: ceremony_key.public(),
    };
    let dealt = deal(Party::Device)?;
    Ok((
        AwaitDealing {
            opening: opening.clone(),
            ceremony_key,
            dealt,
        },
        opening,
    ))
}

/// Waiting for what the server dealt.
#[must_use]
pub struct AwaitDealing {
    opening: Opening,
    ceremony_key: SealSecret,
    dealt: DealtToAll,
}

impl AwaitDealing {
    /// Checks the server's answer and deals to recovery.
    pub fn receive(self, dealing: Dealing, sealer: &impl SealToRecovery) -> Result<(AwaitRecovery, ToRecovery), Fault> {
        let Self {
            opening,
            ceremony_key,
            dealt,
        } = self;
        dealing.verify(&opening)?;
        let from_server = opening
            .route(Party::Server, Party::Device)
            .open(&ceremony_key, &dealing.to_device)?;
        let package = opening.route(Party::Device, Party::Recovery).seal_to_recovery(
            sealer,
            &opening.ground.recovery.recipient,
            &dealt[Party::Recovery.index()],
            None,
        )?;
        let state = AwaitRecovery {
            opening,
            dealing,
            ceremony_key,
            dealt,
            from_server,
            sealed: package,
        };
        let message = state.message();
        Ok((state, message))
    }
}

/// Waiting for what recovery dealt and commits to. It is made durable, sealed, where recovery is on another machine.
#[must_use]
pub struct AwaitRecovery {
    opening: Opening,
    dealing: Dealing,
    ceremony_key: SealSecret,
    dealt: DealtToAll,
    from_server: Dealt,
    /// What the device dealt to recovery.
    sealed: Vec<u8>,
}

impl AwaitRecovery {
    /// Has its own share now, and commits to its point: the second request.
    pub fn receive(
        self,
        recovery: RecoveryDealing,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(AwaitProof, Committing), Fault> {
        let Self {
            opening,
            dealing,
            ceremony_key,
            dealt,
            from_server,
            sealed,
        } = self;
        let run = opening.run;
        run.check(recovery.run, Party::Recovery)?;
        let from_recovery = opening
            .route(Party::Recovery, Party::Device)
            .open(&ceremony_key, &recovery.to_device)?;
        let own = Own::of(
            Party::Device,
            &dealing.session(&opening),
            [
                (Party::Server, &from_server),
                (Party::Device, &dealt[Party::Device.index()]),
                (Party::Recovery, &from_recovery),
            ],
        )?;
        let to_server = &dealt[Party::Server.index()];
        let committing = Committing {
            run,
            from_device: opening
                .route(Party::Device, Party::Server)
                .seal(&dealing.server_key, to_server, rng)?,
            from_recovery: recovery.to_server,
            between: [sealed_digest(&sealed), sealed_digest(&recovery.to_device)],
            commitments: [own.commitment, recovery.commitment],
        };
        let state = AwaitProof {
            opening,
            dealing,
            committing: committing.clone(),
            own,
        };
        Ok((state, committing))
    }
}

/// Waiting for the server's commitment and what it opens to. It is made durable, sealed, before the second request leaves: the
/// server answers that one and no other.
#[must_use]
pub struct AwaitProof {
    opening: Opening,
    dealing: Dealing,
    committing: Committing,
    own: Own,
}

impl AwaitProof {
    /// Everybody has committed: shows recovery what server and device open.
    pub fn receive(self, server: ServerProof) -> Result<(AwaitRecoveryProof, ToProve), Fault> {
        self.opening.run.check(server.run, Party::Server)?;
        let state = AwaitRecoveryProof { before: self, server };
        let message = state.message();
        Ok((state, message))
    }
}

/// Waiting for what recovery opens.
#[must_use]
pub struct AwaitRecoveryProof {
    before: AwaitProof,
    server: ServerProof,
}

impl AwaitRecoveryProof {
    /// Checks everything, the device's own share included. What comes out is signed by the device's identity key,
    /// wherever that lives.
    pub fn receive(self, recovery: RecoveryProof) -> Result<ToSign, Fault> {
        let Self {
            before:
                AwaitProof {
                    opening,
                    dealing,
                    committing,
                    own,
                },
            server,
        } = self;
        opening.run.check(recovery.run, Party::Recovery)?;
        let [device_commitment, recovery_commitment] = committing.commitments;
        let proofs = [own.proof.clone(), recovery.proof.clone()];
        let rounds = Rounds {
            opening: &opening,
            dealing: &dealing,
            sealed: sealed(&dealing, &committing),
            commitments: [server.commitment, device_commitment, recovery_commitment],
            proofs: [server.proof, own.proof, recovery.proof],
        };
        let outcome = rounds.outcome(Party::Device, &own.value)?;
        outcome.transcript.verify(Party::Recovery, &recovery.signature)?;
        let signer = opening.ground.identity(Party::Recovery);
        recovery.package.verify(opening.run.wallet, &outcome.public, signer)?;
        Ok(ToSign {
            outcome,
            proofs,
            package: recovery.package,
            recovery_signature: recovery.signature,
        })
    }
}

names_its_run! {
    AwaitDealing as "ecdsa::device::AwaitDealing", opening.run;
    AwaitRecovery as "ecdsa::device::AwaitRecovery", opening.run;
    AwaitProof as "ecdsa::device::AwaitProof", opening.run;
    AwaitRecoveryProof as "ecdsa::device::AwaitRecoveryProof", server.run;
}

/// The device's share is good: T is to be signed.
#[derive(Debug)]
#[must_use]
pub struct ToSign {
    outcome: Outcome,
    proofs: [super::super::proof::Proof; 2],
    package: FirstPackage,
    recovery_signature: Signature64,
}

impl ToSign {
    /// The bytes that the device's identity key signs.
    #[must_use]
    pub fn signing_bytes(&self) -> Vec<u8> {
        Domain::TRANSCRIPT.signing_bytes(&self.outcome.transcript.hash())
    }

    /// What everybody knows.
    #[must_use]
    pub const fn public(&self) -> &PublicShares {
        &self.outcome.public
    }

    /// Takes the device's signature: the third request.
    pub fn signed(self, signature: Signature64) -> Result<(AwaitCompletion, Closing), Fault> {
        let transcript = &self.outcome.transcript;
        transcript.verify(Party::Device, &signature)?;
        let state = AwaitCompletion {
            outcome: self.outcome,
            proofs: self.proofs,
            package: self.package,
            signatures: [signature, self.recovery_signature],
        };
        let closing = state.closing();
        Ok((state, closing))
    }
}

/// Waiting for the server's signature over T. It is made durable, sealed, before the closing leaves: from then on the server
/// may have the key.
#[derive(Debug)]
#[must_use]
pub struct AwaitCompletion {
    outcome: Outcome,
    /// Device's, then recovery's.
    proofs: [super::super::proof::Proof; 2],
    package: FirstPackage,
    /// Device's, then recovery's.
    signatures: [Signature64; 2],
}

impl AwaitCompletion {
    /// Checks the server's signature.
    pub fn receive(self, completion: &Completion) -> Result<Created, Fault> {
        let Outcome {
            share,
            public,
            transcript,
        } = self.outcome;
        transcript.run.check(completion.run, Party::Server)?;
        let [device, recovery] = self.signatures;
        Ok(Created {
            share,
            public,
            transcript: SignedEcdsaTranscript::new(transcript, [completion.signature, device, recovery])?,
            package: self.package,
        })
    }
}

/// The key exists. No address of it is shown before device and server have signed a test with it
/// ([`super::super::pair::Untested`]).
#[derive(Debug)]
#[must_use]
pub struct Created {
    /// The device's share.
    pub share: Share,
    /// What everybody knows.
    pub public: PublicShares,
    /// T with all signatures.
    pub transcript: SignedEcdsaTranscript,
    /// Recovery's first package of this key.
    pub package: FirstPackage,
}
