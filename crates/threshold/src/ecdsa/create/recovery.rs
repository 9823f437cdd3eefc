//! Recovery's part: its words are there for two messages.

use alloc::vec::Vec;

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::{
    super::{Ground, LIBRARY, same_library},
    dealing::{Own, deal},
    message::{Dealing, Opening, RecoveryDealing, RecoveryProof, ToProve, ToRecovery},
    outcome::{Outcome, Rounds},
    server::sealed,
};
use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    create::names_its_run,
    id::Party,
    identity::{Domain, IdentitySecret},
    package::{FirstPackage, OpenAsRecovery, SealToRecovery},
    secret::UnlockKey,
    share::PublicShares,
    transcript::{FirstTranscript, sealed_digest},
    words::RecoverySecret,
};

/// Deals, and commits to the share that comes of it. `ground` is what recovery itself holds of the wallet, by its package.
pub fn begin(
    secret: &RecoverySecret,
    ground: &Ground,
    message: ToRecovery,
    opener: &impl OpenAsRecovery,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(AwaitProofs, RecoveryDealing), Fault> {
    let ToRecovery {
        run,
        opening,
        dealing,
        sealed,
    } = message;
    run.check(opening.run, Party::Device)?;
    ground.check(&opening.ground, Party::Device)?;
    if secret.public() != ground.recovery {
        return Err(FaultKind::Internal.into());
    }
    // The server signed for *this* ground: otherwise the hub may be playing it.
    dealing.verify(&opening).map_err(|fault| fault.or(Party::Device))?;
    let dealt = deal(Party::Recovery)?;
    let route = |from, to| opening.route(from, to);
    let to_me = |from| route(from, Party::Recovery);
    let (from_server, none) = to_me(Party::Server).open_as_recovery(opener, &dealing.to_recovery)?;
    let (from_device, nothing) = to_me(Party::Device).open_as_recovery(opener, &sealed)?;
    for (unlock, from) in [(none, Party::Server), (nothing, Party::Device)] {
        if unlock.is_some() {
            return Err(Fault::of(FaultKind::SealedPackage, from));
        }
    }
    let own = Own::of(
        Party::Recovery,
        &dealing.session(&opening),
        [
            (Party::Server, &from_server),
            (Party::Device, &from_device),
            (Party::Recovery, &dealt[Party::Recovery.index()]),
        ],
    )?;
    let from_me = |to| route(Party::Recovery, to);
    let answer = RecoveryDealing {
        run,
        to_server: from_me(Party::Server).seal(&dealing.server_key, &dealt[Party::Server.index()], rng)?,
        to_device: from_me(Party::Device).seal(&opening.device_key, &dealt[Party::Device.index()], rng)?,
        commitment: own.commitment,
    };
    let state = AwaitProofs {
        signer: secret.identity(),
        opening,
        dealing,
        from_device: sealed_digest(&sealed),
        answer: answer.clone(),
        own,
    };
    Ok((state, answer))
}

/// Waiting for what the others open.
#[must_use]
pub struct AwaitProofs {
    signer: IdentitySecret,
    opening: Opening,
    dealing: Dealing,
    from_device: [u8; 32],
    answer: RecoveryDealing,
    own: Own,
}

impl AwaitProofs {
    /// What recovery has said, to be said again.
    #[must_use]
    pub const fn message(&self) -> &RecoveryDealing {
        &self.answer
    }

    /// The record to seal, for a machine that is turned off between the two messages.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (opening, dealing, answer) = (self.opening.to_bytes(), self.dealing.to_bytes(), self.answer.to_bytes());
        let rest = LIBRARY.len() + opening.len() + dealing.len() + answer.len();
        let writer = Writer::with_capacity(Kind::EcdsaRecoveryDealt, 2 + Own::RECORD + 32 + 4 * 4 + rest).var(LIBRARY);
        self.own
            .write(writer)
            .fixed(&self.from_device)
            .var(&opening)
            .var(&dealing)
            .var(&answer)
            .finish_secret()
    }

    /// The other direction; the words are typed again, and `ground` is what recovery holds of the wallet now.
    pub fn from_secret_bytes(bytes: &[u8], secret: &RecoverySecret, ground: &Ground) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::EcdsaRecoveryDealt)?;
        same_library(&mut reader)?;
        let max = bytes.len();
        let own = Own::read(&mut reader)?;
        let from_device = reader.array()?;
        let opening = Opening::try_from(reader.var(max)?)?;
        let dealing = Dealing::try_from(reader.var(max)?)?;
        let answer = RecoveryDealing::try_from(reader.var(max)?)?;
        reader.finish()?;
        ground.check(&opening.ground, Party::Device)?;
        dealing.verify(&opening)?;
        opening.run.check(answer.run, Party::Recovery)?;
        if secret.public() != ground.recovery {
            return Err(FaultKind::UnexpectedIdentity.into());
        }
        if answer.commitment != own.commitment {
            return Err(FaultKind::ShareMismatch.into());
        }
        Ok(Self {
            signer: secret.identity(),
            opening,
            dealing,
            from_device,
            answer,
            own,
        })
    }

    /// Checks everything, opens its own, seals the share to itself with the unlock key that it holds, and signs T.
    pub fn receive(
        self,
        message: ToProve,
        unlock: &UnlockKey,
        sealer: &impl SealToRecovery,
    ) -> Result<(Finished, RecoveryProof), Fault> {
        let Self {
            signer,
            opening,
            dealing,
            from_device,
            answer,
            own,
        } = self;
        let run = opening.run;
        run.check(message.run, Party::Device)?;
        run.check(message.committing.run, Party::Device)?;
        run.check(message.server.run, Party::Server)?;
        unlock.check(&opening.ground.unlock_digest)?;
        let ToProve {
            committing,
            server,
            proof,
            ..
        } = message;
        // What the hub told the server of recovery is what recovery said.
        let said = [from_device, sealed_digest(&answer.to_device)];
        if committing.commitments[1] != own.commitment
            || committing.from_recovery != answer.to_server
            || committing.between != said
        {
            return Err(Fault::of(FaultKind::Equivocation, Party::Device));
        }
        let rounds = Rounds {
            opening: &opening,
            dealing: &dealing,
            sealed: sealed(&dealing, &committing),
            commitments: [server.commitment, committing.commitments[0], own.commitment],
            proofs: [server.proof, proof, own.proof.clone()],
        };
        let Outcome {
            share,
            public,
            transcript,
        } = rounds.outcome(Party::Recovery, &own.value)?;
        let recipient = &opening.ground.recovery.recipient;
        let package = FirstPackage::seal(&share, unlock, recipient, sealer, &signer)?;
        let signature = signer.sign(Domain::TRANSCRIPT, &transcript.hash());
        let answer = RecoveryProof {
            run,
            proof: own.proof,
            package,
            signature,
        };
        Ok((Finished { public }, answer))
    }
}

names_its_run! {
    AwaitProofs as "ecdsa::recovery::AwaitProofs", opening.run;
}

/// What recovery may show at the end. It keeps nothing but its words.
#[derive(Debug)]
#[must_use]
pub struct Finished {
    /// The group key and what belongs to it.
    pub public: PublicShares,
}
