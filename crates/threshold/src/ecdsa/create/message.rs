//! The messages of the ceremony. Each names its wallet and run, and has one encoding.

use alloc::vec::Vec;

use super::super::{Ground, proof::Proof};
use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer, message},
    create::{Route, Run, SEALED_SHARE},
    envelope::SealPublic,
    hash,
    id::{KeyKind, Party},
    identity::{Domain, Signature64},
    package::{FirstPackage, MAX_SEALED},
    transcript::sealed_digest,
};

/// Device to server, first request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub(crate) run: Run,
    pub(crate) ground: Ground,
    pub(crate) device_key: SealPublic,
}
message!(Opening, EcdsaOpening);

impl Opening {
    /// Where what `from` deals to `to` belongs: to the wallet's epoch, in which the key begins.
    pub(crate) const fn route(&self, from: Party, to: Party) -> Route {
        let epoch = self.ground.epoch;
        Route::of(self.run, KeyKind::Ecdsa, (epoch.number, epoch), (from, to))
    }
}

impl Encode for Opening {
    fn encode(&self, writer: Writer) -> Writer {
        writer.field(&self.run).field(&self.ground).field(&self.device_key)
    }
}

impl Decode for Opening {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let opening = Self {
            run: reader.field()?,
            ground: reader.field()?,
            device_key: reader.field()?,
        };
        if opening.ground.wallet == opening.run.wallet {
            Ok(opening)
        } else {
            Err(FaultKind::ForeignCeremony.into())
        }
    }
}

/// Server to device: what the server dealt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dealing {
    pub(crate) run: Run,
    pub(crate) server_key: SealPublic,
    pub(crate) to_device: Vec<u8>,
    pub(crate) to_recovery: Vec<u8>,
    pub(crate) signature: Signature64,
}
message!(Dealing, EcdsaDealing);

impl Dealing {
    /// What the server signs: the opening that it answers, whose ground names everybody, and what it sealed.
    pub(super) fn signed(&self, opening: &Opening) -> [u8; 32] {
        hash::tagged(
            "twofold/ecdsa/dealing",
            &[
                &opening.to_bytes(),
                self.server_key.as_bytes(),
                &sealed_digest(&self.to_device),
                &sealed_digest(&self.to_recovery),
            ],
        )
    }

    /// Checks that the server of the ground answered exactly `opening`.
    pub(super) fn verify(&self, opening: &Opening) -> Result<(), Fault> {
        opening.run.check(self.run, Party::Server)?;
        let server = opening.ground.identity(Party::Server);
        server
            .verify(Domain::ECDSA_DEALING, &self.signed(opening), &self.signature)
            .map_err(|fault| fault.by(Party::Server))
    }

    /// What proofs are made for: this run, with these keys to seal to.
    pub(super) fn session(&self, opening: &Opening) -> [u8; 32] {
        hash::tagged(
            "twofold/ecdsa/create",
            &[&opening.to_bytes(), self.server_key.as_bytes()],
        )
    }
}

impl Encode for Dealing {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .field(&self.server_key)
            .var(&self.to_device)
            .var(&self.to_recovery)
            .field(&self.signature)
    }
}

impl Decode for Dealing {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            server_key: reader.field()?,
            to_device: reader.var_exactly(SEALED_SHARE)?,
            to_recovery: reader.var(MAX_SEALED)?.to_vec(),
            signature: reader.field()?,
        })
    }
}

/// Device to recovery: all that recovery needs to deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToRecovery {
    pub(crate) run: Run,
    pub(crate) opening: Opening,
    pub(crate) dealing: Dealing,
    pub(crate) sealed: Vec<u8>,
}
message!(ToRecovery, EcdsaToRecovery);

impl Encode for ToRecovery {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .field(&self.opening)
            .field(&self.dealing)
            .var(&self.sealed)
    }
}

impl Decode for ToRecovery {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            opening: reader.field()?,
            dealing: reader.field()?,
            sealed: reader.var(MAX_SEALED)?.to_vec(),
        })
    }
}

/// Recovery to device: what recovery dealt, and what it commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryDealing {
    pub(crate) run: Run,
    pub(crate) to_server: Vec<u8>,
    pub(crate) to_device: Vec<u8>,
    pub(crate) commitment: [u8; 32],
}
message!(RecoveryDealing, EcdsaRecoveryDealing);

impl Encode for RecoveryDealing {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .var(&self.to_server)
            .var(&self.to_device)
            .fixed(&self.commitment)
    }
}

impl Decode for RecoveryDealing {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            to_server: reader.var_exactly(SEALED_SHARE)?,
            to_device: reader.var_exactly(SEALED_SHARE)?,
            commitment: reader.array()?,
        })
    }
}

/// Device to server, second request: what was dealt to the server, and what device and recovery commit to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committing {
    pub(crate) run: Run,
    pub(crate) from_device: Vec<u8>,
    pub(crate) from_recovery: Vec<u8>,
    /// Digests of what device and recovery sealed to each other: device to recovery, then back.
    pub(crate) between: [[u8; 32]; 2],
    /// Device's, then recovery's.
    pub(crate) commitments: [[u8; 32]; 2],
}
message!(Committing, EcdsaCommitting);

impl Encode for Committing {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .var(&self.from_device)
            .var(&self.from_recovery)
            .fixed(&self.between[0])
            .fixed(&self.between[1])
            .fixed(&self.commitments[0])
            .fixed(&self.commitments[1])
    }
}

impl Decode for Committing {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            from_device: reader.var_exactly(SEALED_SHARE)?,
            from_recovery: reader.var_exactly(SEALED_SHARE)?,
            between: [reader.array()?, reader.array()?],
            commitments: [reader.array()?, reader.array()?],
        })
    }
}

/// Server to device: the last commitment, and what it opens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerProof {
    pub(crate) run: Run,
    pub(crate) commitment: [u8; 32],
    pub(super) proof: Proof,
}
message!(ServerProof, EcdsaServerProof);

impl Encode for ServerProof {
    fn encode(&self, writer: Writer) -> Writer {
        writer.field(&self.run).fixed(&self.commitment).field(&self.proof)
    }
}

impl Decode for ServerProof {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            commitment: reader.array()?,
            proof: reader.field().map_err(|fault: Fault| fault.by(Party::Server))?,
        })
    }
}

/// Device to recovery: everybody has committed; device and server have opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToProve {
    pub(crate) run: Run,
    pub(crate) committing: Committing,
    pub(crate) server: ServerProof,
    pub(super) proof: Proof,
}
message!(ToProve, EcdsaToProve);

impl Encode for ToProve {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .field(&self.committing)
            .field(&self.server)
            .field(&self.proof)
    }
}

impl Decode for ToProve {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            committing: reader.field()?,
            server: reader.field()?,
            proof: reader.field().map_err(|fault: Fault| fault.by(Party::Device))?,
        })
    }
}

/// Recovery to device: recovery has opened, checked everything and signed T.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryProof {
    pub(crate) run: Run,
    pub(super) proof: Proof,
    pub(crate) package: FirstPackage,
    pub(crate) signature: Signature64,
}
message!(RecoveryProof, EcdsaRecoveryProof);

impl Encode for RecoveryProof {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .field(&self.proof)
            .field(&self.package)
            .field(&self.signature)
    }
}

impl Decode for RecoveryProof {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            proof: reader.field().map_err(|fault: Fault| fault.by(Party::Recovery))?,
            package: reader.field()?,
            signature: reader.field()?,
        })
    }
}

/// Device to server, third request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    pub(crate) run: Run,
    /// Device's, then recovery's.
    pub(super) proofs: [Proof; 2],
    pub(crate) package: FirstPackage,
    pub(crate) device_signature: Signature64,
    pub(crate) recovery_signature: Signature64,
}
message!(Closing, EcdsaClosing);

impl Encode for Closing {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .field(&self.proofs[0])
            .field(&self.proofs[1])
            .field(&self.package)
            .field(&self.device_signature)
            .field(&self.recovery_signature)
    }
}

impl Decode for Closing {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let by = |party| move |fault: Fault| fault.by(party);
        Ok(Self {
            run: reader.field()?,
            proofs: [
                reader.field().map_err(by(Party::Device))?,
                reader.field().map_err(by(Party::Recovery))?,
            ],
            package: reader.field()?,
            device_signature: reader.field()?,
            recovery_signature: reader.field()?,
        })
    }
}

/// Server to device, the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    pub(crate) run: Run,
    pub(crate) signature: Signature64,
}
message!(Completion, EcdsaCompletion);

impl Encode for Completion {
    fn encode(&self, writer: Writer) -> Writer {
        writer.field(&self.run).field(&self.signature)
    }
}

impl Decode for Completion {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            signature: reader.field()?,
        })
    }
}
