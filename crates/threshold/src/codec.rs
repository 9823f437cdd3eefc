//! Canonical bytes: fixed-width fields in a fixed order, lengths before what varies, a bound on each, nothing after.

use alloc::vec::Vec;

use zeroize::{Zeroize, Zeroizing};

use crate::{Fault, FaultKind};

/// The first byte of every message and record that this build writes.
const VERSION: u8 = 1;

/// What a byte string claims to be; its second byte. A message of another step is told apart from garbage by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Opening = 1,
    ServerRound = 2,
    Closing = 3,
    Completion = 4,
    RecoveryOpening = 5,
    ToRecovery = 6,
    RecoveryRound = 7,
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
    Repair = 26,
    CosignReply = 32,
    Share = 64,
    ServerState = 65,
    DeviceState = 66,
    RecoveryState = 67,
    DealtToRecovery = 68,
    DeviceWaiting = 69,
    RepairState = 75,
}

impl Kind {
    const ALL: [Self; 26] = [
        Self::Opening,
        Self::ServerRound,
        Self::Closing,
        Self::Completion,
        Self::RecoveryOpening,
        Self::ToRecovery,
        Self::RecoveryRound,
        Self::Transcript,
        Self::SignedTranscript,
        Self::PublicShares,
        Self::FirstPackage,
        Self::DeviceEntry,
        Self::Checkpoint,
        Self::DeviceChange,
        Self::CosignReply,
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
    ];
}

pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Vec::from([VERSION, kind as u8]))
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
pub(crate) trait Encode {
    fn encode(&self, writer: Writer) -> Writer;
}

/// The other direction.
pub(crate) trait Decode: Sized {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault>;
}

#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

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

    pub(crate) fn finish(self) -> Result<(), Fault> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(FaultKind::TrailingBytes.into())
        }
    }
}
