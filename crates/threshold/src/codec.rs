//! Canonical bytes: fixed-width fields in a fixed order, lengths before what varies, a bound on each, nothing after.

use alloc::vec::Vec;

use zeroize::{Zeroize, Zeroizing};

use crate::{Fault, FaultKind};

/// The first byte of every message and record that this build writes.
const VERSION: u8 = 1;

/// What a byte string claims to be; its second byte. A message of another step is told apart from garbage by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Opening = 1,
    ServerRound = 2,
    Closing = 3,
    Completion = 4,
    RecoveryOpening = 5,
    ToRecovery = 6,
    RecoveryRound = 7,
    RefreshOpening = 8,
    RefreshRound = 9,
    RefreshClosing = 10,
    RefreshCompletion = 11,
    RepairOpening = 12,
    RepairAnswer = 13,
    RepairClosing = 14,
    Transcript = 16,
    SignedTranscript = 17,
    PublicShares = 18,
    FirstPackage = 19,
    DeviceEntry = 20,
    Checkpoint = 21,
    DeviceChange = 22,
    DeviceList = 23,
    RefreshTranscript = 24,
    RefreshLink = 25,
    Repair = 26,
    RefreshLinkBeside = 27,
    PackageChain = 28,
    Parcel = 29,
    CosignReply = 32,
    RefreshBothOpening = 33,
    RefreshBothRound = 34,
    RefreshBothClosing = 35,
    PairingCommitment = 36,
    PairingAnswer = 37,
    PairingReveal = 38,
    EcdsaOpening = 40,
    EcdsaDealing = 41,
    EcdsaToRecovery = 42,
    EcdsaRecoveryDealing = 43,
    EcdsaCommitting = 44,
    EcdsaServerProof = 45,
    EcdsaToProve = 46,
    EcdsaRecoveryProof = 47,
    EcdsaClosing = 48,
    EcdsaCompletion = 49,
    EcdsaTranscript = 50,
    SignedEcdsaTranscript = 51,
    PairOpening = 52,
    PairAnswer = 53,
    PairClosing = 54,
    PairCompletion = 55,
    EcdsaHello = 56,
    EcdsaOffer = 57,
    EcdsaHalf = 58,
    EcdsaAnswer = 59,
    Share = 64,
    ServerState = 65,
    DeviceState = 66,
    RecoveryState = 67,
    DealtToRecovery = 68,
    DeviceWaiting = 69,
    RefreshServerState = 72,
    RefreshDeviceState = 73,
    RepairState = 75,
    RefreshBothServerState = 76,
    RefreshBothDeviceState = 77,
    EcdsaPair = 80,
    EcdsaServerDealt = 81,
    EcdsaServerProved = 82,
    EcdsaDeviceDealt = 83,
    EcdsaDeviceCommitted = 84,
    EcdsaDeviceProved = 85,
    EcdsaDeviceSigned = 86,
    EcdsaRecoveryDealt = 87,
}

impl Kind {
    const ALL: &[Self] = &[
        Self::Opening,
        Self::ServerRound,
        Self::Closing,
        Self::Completion,
        Self::RecoveryOpening,
        Self::ToRecovery,
        Self::RecoveryRound,
        Self::RefreshOpening,
        Self::RefreshRound,
        Self::RefreshClosing,
        Self::RefreshCompletion,
        Self::Transcript,
        Self::SignedTranscript,
        Self::PublicShares,
        Self::FirstPackage,
        Self::DeviceEntry,
        Self::Checkpoint,
        Self::DeviceChange,
        Self::DeviceList,
        Self::Parcel,
        Self::RefreshTranscript,
        Self::RefreshLink,
        Self::PackageChain,
        Self::CosignReply,
        Self::PairingCommitment,
        Self::PairingAnswer,
        Self::PairingReveal,
        Self::Share,
        Self::ServerState,
        Self::DeviceState,
        Self::RecoveryState,
        Self::DealtToRecovery,
        Self::DeviceWaiting,
        Self::RepairOpening,
        Self::RepairAnswer,
        Self::RepairClosing,
        Self::Repair,
        Self::RepairState,
        Self::RefreshServerState,
        Self::RefreshDeviceState,
        Self::EcdsaOpening,
        Self::EcdsaDealing,
        Self::EcdsaToRecovery,
        Self::EcdsaRecoveryDealing,
        Self::EcdsaCommitting,
        Self::EcdsaServerProof,
        Self::EcdsaToProve,
        Self::EcdsaRecoveryProof,
        Self::EcdsaClosing,
        Self::EcdsaCompletion,
        Self::EcdsaTranscript,
        Self::SignedEcdsaTranscript,
        Self::PairOpening,
        Self::PairAnswer,
        Self::PairClosing,
        Self::PairCompletion,
        Self::EcdsaHello,
        Self::EcdsaOffer,
        Self::EcdsaHalf,
        Self::EcdsaAnswer,
        Self::RefreshLinkBeside,
        Self::RefreshBothOpening,
        Self::RefreshBothRound,
        Self::RefreshBothClosing,
        Self::RefreshBothServerState,
        Self::RefreshBothDeviceState,
        Self::EcdsaPair,
        Self::EcdsaServerDealt,
        Self::EcdsaServerProved,
        Self::EcdsaDeviceDealt,
        Self::EcdsaDeviceCommitted,
        Self::EcdsaDeviceProved,
        Self::EcdsaDeviceSigned,
        Self::EcdsaRecoveryDealt,
    ];
}

/// A message of a ceremony: a type with a `run`, an encoding, and a kind of its own.
macro_rules! message {
    ($name:ident, $kind:ident) => {
        impl $name {
            /// Whose wallet.
            #[must_use]
            pub const fn wallet(&self) -> $crate::id::WalletId {
                self.run.wallet
            }

            /// Which run.
            #[must_use]
            pub const fn ceremony(&self) -> $crate::id::CeremonyId {
                self.run.ceremony
            }

            /// Canonical bytes.
            #[must_use]
            pub fn to_bytes(&self) -> alloc::vec::Vec<u8> {
                $crate::codec::Writer::new($crate::codec::Kind::$kind)
                    .field(self)
                    .finish()
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = $crate::Fault;

            fn try_from(bytes: &[u8]) -> Result<Self, $crate::Fault> {
                $crate::codec::read(bytes, $crate::codec::Kind::$kind)
            }
        }
    };
}
pub(crate) use message;

pub struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Vec::from([VERSION, kind as u8]))
    }

    /// For a part of a message that is hashed on its own.
    #[cfg(feature = "ecdsa")]
    pub(crate) fn bare() -> Self {
        Self(Vec::new())
    }

    /// For a record that holds secrets: no growth, so no copy is left behind in freed memory.
    pub(crate) fn with_capacity(kind: Kind, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(&[VERSION, kind as u8]);
        Self(bytes)
    }

    pub(crate) fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(crate) fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(crate) fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(crate) fn fixed(mut self, bytes: &[u8]) -> Self {
        self.grow(bytes.len());
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn field(self, field: &impl Encode) -> Self {
        field.encode(self)
    }

    /// Bytes with their length before them. Bounds are checked by the reader.
    pub(crate) fn var(self, bytes: &[u8]) -> Self {
        // A message of 4 GiB cannot be built from bounded parts; saturating keeps this infallible.
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.u32(len).fixed(bytes)
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn finish_secret(self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0)
    }

    /// Grows by hand so that the old buffer is wiped: a `Vec` would free it as it is.
    fn grow(&mut self, more: usize) {
        if self.0.capacity() - self.0.len() < more {
            let mut bigger = Vec::with_capacity((self.0.len() + more) * 2);
            bigger.extend_from_slice(&self.0);
            self.0.zeroize();
            self.0 = bigger;
        }
    }
}

/// Something with one canonical encoding inside a message.
pub trait Encode {
    fn encode(&self, writer: Writer) -> Writer;
}

/// The other direction.
pub trait Decode: Sized {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault>;
}

/// Reads bytes that are one `T` of this kind, and nothing after it.
pub(crate) fn read<T: Decode>(bytes: &[u8], kind: Kind) -> Result<T, Fault> {
    let mut reader = Reader::new(bytes, kind)?;
    let read = reader.field()?;
    reader.finish()?;
    Ok(read)
}

#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], kind: Kind) -> Result<Self, Fault> {
        let (&[version, found], rest) = bytes.split_first_chunk::<2>().ok_or(FaultKind::Length)?;
        if version != VERSION {
            return Err(FaultKind::UnknownVersion.into());
        }
        if found == kind as u8 {
            return Ok(Self(rest));
        }
        // Another message of ours is out of order; anything else is noise.
        Err(if Kind::ALL.iter().any(|k| *k as u8 == found) {
            FaultKind::UnexpectedMessage.into()
        } else {
            FaultKind::UnknownName.into()
        })
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Fault> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Fault> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Fault> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(FaultKind::Length)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(crate) fn field<T: Decode>(&mut self) -> Result<T, Fault> {
        T::decode(self)
    }

    /// A length of at most `max`, and as many bytes. The length is checked before anything is copied.
    pub(crate) fn var(&mut self, max: usize) -> Result<&'a [u8], Fault> {
        let len = usize::try_from(self.u32()?).map_err(|_| FaultKind::Length)?;
        if len > max || len > self.0.len() {
            return Err(FaultKind::Length.into());
        }
        let (head, rest) = self.0.split_at(len);
        self.0 = rest;
        Ok(head)
    }

    /// A length that can only be `len`, and as many bytes.
    pub(crate) fn var_exactly(&mut self, len: usize) -> Result<Vec<u8>, Fault> {
        let bytes = self.var(len)?;
        if bytes.len() == len {
            Ok(bytes.to_vec())
        } else {
            Err(FaultKind::Length.into())
        }
    }

    /// All that is left: a message that ends a record.
    #[cfg(feature = "ecdsa")]
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn finish(self) -> Result<(), Fault> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(FaultKind::TrailingBytes.into())
        }
    }
}
