//! The device's states as its keystore has them, and what each has said last, to be said again. A state is read back
//! against where the wallet stands now: a keystore is not trusted more than a peer, and an epoch that has come since ends the
//! run.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::{
    super::{
        super::{EcdsaTranscript, Ground, LIBRARY, proof::Proof, same_library, transcript::proof_digest},
        dealing::{Own, read_dealt},
        message::{Closing, Committing, Dealing, Opening, ServerProof, ToProve, ToRecovery},
        outcome::Outcome,
    },
    AwaitCompletion, AwaitProof, AwaitRecovery, AwaitRecoveryProof,
};
use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    envelope::SealSecret,
    id::Party,
    package::{FirstPackage, MAX_SEALED},
    secret::Secret32,
    share::{PublicShares, Share},
    transcript::FirstTranscript,
};

/// What a state begins with: the library, and the run's first two messages, held to `ground`.
fn opened(reader: &mut Reader<'_>, ground: &Ground, max: usize) -> Result<(Opening, Dealing), Fault> {
    same_library(reader)?;
    let opening = Opening::try_from(reader.var(max)?)?;
    let dealing = Dealing::try_from(reader.var(max)?)?;
    ground.check(&opening.ground, Party::Device)?;
    dealing.verify(&opening)?;
    Ok((opening, dealing))
}

impl AwaitRecovery {
    /// What recovery is to be told.
    #[must_use]
    pub fn message(&self) -> ToRecovery {
        ToRecovery {
            run: self.opening.run,
            opening: self.opening.clone(),
            dealing: self.dealing.clone(),
            sealed: self.sealed.clone(),
        }
    }

    /// The record to seal.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (opening, dealing) = (self.opening.to_bytes(), self.dealing.to_bytes());
        let rest = LIBRARY.len() + opening.len() + dealing.len() + self.sealed.len();
        let writer = Writer::with_capacity(Kind::EcdsaDeviceDealt, 2 + 5 * 32 + 4 * 4 + rest)
            .var(LIBRARY)
            .var(&opening)
            .var(&dealing)
            .fixed(self.ceremony_key.expose().expose());
        let writer = self.dealt.iter().fold(writer, |writer, dealt| writer.fixed(&**dealt));
        writer.fixed(&*self.from_server).var(&self.sealed).finish_secret()
    }

    /// The other direction.
    pub fn from_secret_bytes(bytes: &[u8], ground: &Ground) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::EcdsaDeviceDealt)?;
        let (opening, dealing) = opened(&mut reader, ground, bytes.len())?;
        let ceremony_key = SealSecret::new(Secret32::new(reader.array()?));
        let state = Self {
            dealt: [
                read_dealt(&mut reader)?,
                read_dealt(&mut reader)?,
                read_dealt(&mut reader)?,
            ],
            from_server: read_dealt(&mut reader)?,
            sealed: reader.var(MAX_SEALED)?.to_vec(),
            opening,
            dealing,
            ceremony_key,
        };
        reader.finish()?;
        if state.ceremony_key.public() == state.opening.device_key {
            Ok(state)
        } else {
            Err(FaultKind::PublicKey.into())
        }
    }
}

impl AwaitProof {
    /// The second request; after a crash, or a lost reply, the same again.
    #[must_use]
    pub const fn message(&self) -> &Committing {
        &self.committing
    }

    /// The record to seal.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.write(Kind::EcdsaDeviceCommitted, &[])
    }

    fn write(&self, kind: Kind, server: &[u8]) -> Zeroizing<Vec<u8>> {
        let (opening, dealing) = (self.opening.to_bytes(), self.dealing.to_bytes());
        let committing = self.committing.to_bytes();
        let rest = LIBRARY.len() + opening.len() + dealing.len() + committing.len() + server.len();
        let writer = Writer::with_capacity(kind, 2 + Own::RECORD + 4 * 4 + rest)
            .var(LIBRARY)
            .var(&opening)
            .var(&dealing)
            .var(&committing);
        self.own.write(writer).fixed(server).finish_secret()
    }

    fn read(reader: &mut Reader<'_>, ground: &Ground, max: usize) -> Result<Self, Fault> {
        let (opening, dealing) = opened(reader, ground, max)?;
        let committing = Committing::try_from(reader.var(max)?)?;
        opening.run.check(committing.run, Party::Device)?;
        let own = Own::read(reader)?;
        if committing.commitments[0] != own.commitment {
            return Err(FaultKind::ShareMismatch.into());
        }
        Ok(Self {
            opening,
            dealing,
            committing,
            own,
        })
    }

    /// The other direction.
    pub fn from_secret_bytes(bytes: &[u8], ground: &Ground) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::EcdsaDeviceCommitted)?;
        let state = Self::read(&mut reader, ground, bytes.len())?;
        reader.finish()?;
        Ok(state)
    }
}

impl AwaitRecoveryProof {
    /// What recovery is to be told.
    #[must_use]
    pub fn message(&self) -> ToProve {
        ToProve {
            run: self.server.run,
            committing: self.before.committing.clone(),
            server: self.server.clone(),
            proof: self.before.own.proof.clone(),
        }
    }

    /// The record to seal, where recovery is on another machine.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.before.write(Kind::EcdsaDeviceProved, &self.server.to_bytes())
    }

    /// The other direction.
    pub fn from_secret_bytes(bytes: &[u8], ground: &Ground) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::EcdsaDeviceProved)?;
        let before = AwaitProof::read(&mut reader, ground, bytes.len())?;
        let server = ServerProof::try_from(reader.rest())?;
        before.opening.run.check(server.run, Party::Server)?;
        Ok(Self { before, server })
    }
}

impl AwaitCompletion {
    /// What everybody knows. No address is shown before device and server have signed a test with it.
    #[must_use]
    pub const fn public(&self) -> &PublicShares {
        &self.outcome.public
    }

    /// The third request; after a crash, or a lost reply, the same again.
    #[must_use]
    pub fn closing(&self) -> Closing {
        let [device_signature, recovery_signature] = self.signatures;
        Closing {
            run: self.outcome.transcript.run,
            proofs: self.proofs.clone(),
            package: self.package.clone(),
            device_signature,
            recovery_signature,
        }
    }

    /// The record to seal.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let Outcome { share, transcript, .. } = &self.outcome;
        let (share, transcript, package) = (share.to_secret_bytes(), transcript.to_bytes(), self.package.to_bytes());
        let rest = LIBRARY.len() + share.len() + transcript.len() + package.len();
        let writer = Writer::with_capacity(Kind::EcdsaDeviceSigned, 2 + 4 * 4 + 2 * (Proof::BYTES + 64) + rest)
            .var(LIBRARY)
            .var(&share)
            .var(&transcript)
            .var(&package);
        let writer = self.proofs.iter().fold(writer, Writer::field);
        self.signatures.iter().fold(writer, Writer::field).finish_secret()
    }

    /// The other direction. The key is of the epoch that its transcript names: whether that is still the wallet's, the server
    /// says when it is asked to close.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::EcdsaDeviceSigned)?;
        same_library(&mut reader)?;
        let max = bytes.len();
        let share = Share::from_secret_bytes(reader.var(max)?)?;
        let transcript = EcdsaTranscript::try_from(reader.var(max)?)?;
        let package = FirstPackage::try_from(reader.var(max)?)?;
        let proofs: [Proof; 2] = [reader.field()?, reader.field()?];
        let signatures = [reader.field()?, reader.field()?];
        reader.finish()?;
        let public = transcript.public_shares()?;
        if share.wallet() != transcript.wallet() || share.party() != Party::Device {
            return Err(FaultKind::ShareMismatch.into());
        }
        share.check(&public)?;
        for (party, (proof, signature)) in [Party::Device, Party::Recovery]
            .into_iter()
            .zip(proofs.iter().zip(&signatures))
        {
            if proof_digest(proof) != transcript.proofs[party.index()] {
                return Err(FaultKind::ProofOfPossession.into());
            }
            transcript.verify(party, signature)?;
        }
        package.verify(transcript.wallet(), &public, transcript.identity(Party::Recovery))?;
        Ok(Self {
            outcome: Outcome {
                share,
                public,
                transcript,
            },
            proofs,
            package,
            signatures,
        })
    }
}
