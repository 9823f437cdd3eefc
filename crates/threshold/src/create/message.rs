//! The messages of a create ceremony. Each names its wallet and ceremony, and has one encoding.

use alloc::{boxed::Box, vec::Vec};

use super::{dealt::SEALED_SHARE, round1::Round1, run::Run};
use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer, message},
    device_list::Entry,
    envelope::SealPublic,
    hash,
    id::{KeyKind, Party},
    identity::{Domain, IdentityKey, Signature64},
    package::{FirstPackage, MAX_SEALED},
    sign::{Commitment, SignatureShare},
    transcript::sealed_digest,
    words::RecoveryIdentity,
};

const MAX_ENTRY: usize = 512;

/// Recovery to device: who recovery is, and its polynomial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryOpening {
    pub(crate) run: Run,
    pub(crate) identity: RecoveryIdentity,
    pub(crate) round1: Round1,
}
message!(RecoveryOpening, RecoveryOpening);

impl RecoveryOpening {
    /// Who recovery is, as it says.
    #[must_use]
    pub const fn identity(&self) -> &RecoveryIdentity {
        &self.identity
    }
}

impl Encode for RecoveryOpening {
    fn encode(&self, writer: Writer) -> Writer {
        writer.field(&self.run).field(&self.identity).field(&self.round1)
    }
}

impl Decode for RecoveryOpening {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            identity: reader.field()?,
            round1: reader.field()?,
        })
    }
}

/// Device to server, first request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub(crate) run: Run,
    pub(crate) kind: KeyKind,
    pub(crate) recovery: RecoveryIdentity,
    pub(crate) device_key: SealPublic,
    pub(crate) unlock_digest: [u8; 32],
    /// The list's first entry, which names and is signed by the device's identity.
    pub(crate) entry: Entry,
    pub(crate) device_round1: Round1,
    pub(crate) recovery_round1: Round1,
}
message!(Opening, Opening);

impl Opening {
    /// Of which key.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The device's identity.
    #[must_use]
    pub const fn device(&self) -> &IdentityKey {
        self.entry.identity()
    }

    /// Recovery's identity.
    #[must_use]
    pub const fn recovery(&self) -> &RecoveryIdentity {
        &self.recovery
    }

    /// The first entry of the device list.
    #[must_use]
    pub const fn entry(&self) -> &Entry {
        &self.entry
    }

    /// H(unlock key).
    #[must_use]
    pub const fn unlock_digest(&self) -> &[u8; 32] {
        &self.unlock_digest
    }
}

impl Encode for Opening {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .field(&self.kind)
            .field(&self.recovery)
            .field(&self.device_key)
            .fixed(&self.unlock_digest)
            .var(&self.entry.to_bytes())
            .field(&self.device_round1)
            .field(&self.recovery_round1)
    }
}

impl Decode for Opening {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let by = |party| move |fault: Fault| fault.by(party);
        let opening = Self {
            run: reader.field()?,
            kind: reader.field::<KeyKind>()?.only(KeyKind::Taproot)?,
            recovery: reader.field()?,
            device_key: reader.field()?,
            unlock_digest: reader.array()?,
            entry: reader.var(MAX_ENTRY)?.try_into()?,
            device_round1: reader.field().map_err(by(Party::Device))?,
            recovery_round1: reader.field().map_err(by(Party::Recovery))?,
        };
        opening
            .entry
            .check_first(opening.run.wallet)
            .map_err(by(Party::Device))?;
        Ok(opening)
    }
}

/// Server to device, answering the first request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRound {
    pub(crate) run: Run,
    pub(crate) identity: IdentityKey,
    pub(crate) server_key: SealPublic,
    pub(crate) round1: Round1,
    pub(crate) to_device: Vec<u8>,
    pub(crate) to_recovery: Vec<u8>,
    pub(crate) signature: Signature64,
}
message!(ServerRound, ServerRound);

impl ServerRound {
    /// The server's identity, as it claims.
    #[must_use]
    pub const fn identity(&self) -> &IdentityKey {
        &self.identity
    }

    /// H(T1): all identities, ceremony keys, round-1 packages, H(unlock key), and what the server sealed.
    pub(crate) fn first_half(&self, opening: &Opening) -> [u8; 32] {
        hash::tagged(
            "twofold/create/first-half",
            &[
                &opening.to_bytes(),
                &self.identity.to_bytes(),
                self.server_key.as_bytes(),
                self.round1.as_bytes(),
                &sealed_digest(&self.to_device),
                &sealed_digest(&self.to_recovery),
            ],
        )
    }

    /// Checks that `server` answered exactly `opening`.
    pub(crate) fn verify(&self, opening: &Opening, server: &IdentityKey) -> Result<(), Fault> {
        opening.run.check(self.run, Party::Server)?;
        if self.identity != *server {
            return Err(Fault::of(FaultKind::UnexpectedIdentity, Party::Server));
        }
        server
            .verify(Domain::FIRST_HALF, &self.first_half(opening), &self.signature)
            .map_err(|fault| fault.by(Party::Server))
    }

    /// All round-1 packages, by party.
    pub(crate) fn all_round1(&self, opening: &Opening) -> Box<[Round1; 3]> {
        Box::new([
            self.round1.clone(),
            opening.device_round1.clone(),
            opening.recovery_round1.clone(),
        ])
    }
}

impl Encode for ServerRound {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .field(&self.identity)
            .field(&self.server_key)
            .field(&self.round1)
            .var(&self.to_device)
            .var(&self.to_recovery)
            .field(&self.signature)
    }
}

impl Decode for ServerRound {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            identity: reader.field()?,
            server_key: reader.field()?,
            round1: reader.field().map_err(|fault: Fault| fault.by(Party::Server))?,
            to_device: reader.var_exactly(SEALED_SHARE)?,
            to_recovery: reader.var(MAX_SEALED)?.to_vec(),
            signature: reader.field()?,
        })
    }
}

/// Device to recovery: everything that recovery needs to judge for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToRecovery {
    pub(crate) run: Run,
    pub(crate) opening: Opening,
    pub(crate) server: ServerRound,
    pub(crate) device_to_server: [u8; 32],
    pub(crate) sealed: Vec<u8>,
}
message!(ToRecovery, ToRecovery);

impl ToRecovery {
    /// The device that carries it, as its opening says.
    #[must_use]
    pub const fn device(&self) -> &IdentityKey {
        self.opening.device()
    }
}

impl Encode for ToRecovery {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .field(&self.opening)
            .field(&self.server)
            .fixed(&self.device_to_server)
            .var(&self.sealed)
    }
}

impl Decode for ToRecovery {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            opening: reader.field()?,
            server: reader.field()?,
            device_to_server: reader.array()?,
            sealed: reader.var(MAX_SEALED)?.to_vec(),
        })
    }
}

/// Recovery to device: recovery has checked everything and signed T.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryRound {
    pub(crate) run: Run,
    pub(crate) to_server: Vec<u8>,
    pub(crate) to_device: Vec<u8>,
    pub(crate) package: FirstPackage,
    pub(crate) signature: Signature64,
}
message!(RecoveryRound, RecoveryRound);

impl Encode for RecoveryRound {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .var(&self.to_server)
            .var(&self.to_device)
            .field(&self.package)
            .field(&self.signature)
    }
}

impl Decode for RecoveryRound {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            to_server: reader.var_exactly(SEALED_SHARE)?,
            to_device: reader.var_exactly(SEALED_SHARE)?,
            package: reader.field()?,
            signature: reader.field()?,
        })
    }
}

/// Device to server, second request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    pub(crate) run: Run,
    pub(crate) from_device: Vec<u8>,
    pub(crate) from_recovery: Vec<u8>,
    /// Digests of what device and recovery sealed to each other: device to recovery, then back.
    pub(crate) between: [[u8; 32]; 2],
    pub(crate) package: FirstPackage,
    pub(crate) device_signature: Signature64,
    pub(crate) recovery_signature: Signature64,
    pub(crate) commitment: Commitment,
}
message!(Closing, Closing);

impl Closing {
    /// Recovery's first package.
    #[must_use]
    pub const fn package(&self) -> &FirstPackage {
        &self.package
    }

    /// The device's commitment for the test signature: all that a server which has finished needs of this message.
    #[must_use]
    pub const fn test_commitment(&self) -> &Commitment {
        &self.commitment
    }
}

impl Encode for Closing {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .var(&self.from_device)
            .var(&self.from_recovery)
            .fixed(&self.between[0])
            .fixed(&self.between[1])
            .field(&self.package)
            .field(&self.device_signature)
            .field(&self.recovery_signature)
            .field(&self.commitment)
    }
}

impl Decode for Closing {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            from_device: reader.var_exactly(SEALED_SHARE)?,
            from_recovery: reader.var_exactly(SEALED_SHARE)?,
            between: [reader.array()?, reader.array()?],
            package: reader.field()?,
            device_signature: reader.field()?,
            recovery_signature: reader.field()?,
            commitment: reader.field()?,
        })
    }
}

/// Server to device, answering the second request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    pub(crate) run: Run,
    pub(crate) signature: Signature64,
    pub(crate) commitment: Commitment,
    pub(crate) share: SignatureShare,
}
message!(Completion, Completion);

impl Encode for Completion {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .field(&self.signature)
            .field(&self.commitment)
            .field(&self.share)
    }
}

impl Decode for Completion {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            signature: reader.field()?,
            commitment: reader.field()?,
            share: reader.field()?,
        })
    }
}
