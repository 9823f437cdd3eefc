//! Names: of wallets, ceremonies, devices, parties, key kinds and epochs.

use core::{fmt, str::FromStr};

use frost_secp256k1_tr::Identifier;

use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer},
};

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                write_hex(f, &self.0)?;
                f.write_str(")")
            }
        }

        impl FromStr for $name {
            type Err = Fault;

            /// Lower-case hex, nothing else.
            fn from_str(text: &str) -> Result<Self, Fault> {
                read_hex(text).map(Self)
            }
        }

        impl From<[u8; $len]> for $name {
            fn from(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = Fault;

            fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
                bytes.try_into().map(Self).map_err(|_| FaultKind::Length.into())
            }
        }

        impl Encode for $name {
            fn encode(&self, writer: Writer) -> Writer {
                writer.fixed(&self.0)
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
                reader.array().map(Self)
            }
        }
    };
}

identifier!(
    /// A wallet: 16 random bytes.
    WalletId, 16
);
identifier!(
    /// One run of a ceremony: 16 random bytes.
    CeremonyId, 16
);
identifier!(
    /// A device: the tagged hash of its identity key ([`crate::identity::IdentityKey::device_id`]).
    DeviceId, 32
);
identifier!(
    /// The digest of a whole signed request, the device's commitments included.
    RequestDigest, 32
);

/// Writes lower-case hex.
pub(crate) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Reads lower-case hex of exactly `N` bytes.
pub(crate) fn read_hex<const N: usize>(text: &str) -> Result<[u8; N], Fault> {
    fn digit(byte: u8) -> Option<u8> {
        match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        }
    }
    let text = text.as_bytes();
    if text.len() != 2 * N {
        return Err(FaultKind::Text.into());
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let (high, low) = digit(pair[0]).zip(digit(pair[1])).ok_or(FaultKind::Text)?;
        *byte = high << 4 | low;
    }
    Ok(bytes)
}

/// A holder of one share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// The cosigner.
    Server,
    /// The user's devices: all of them hold this one share.
    Device,
    /// The recovery words, another machine, or a hardware signer.
    Recovery,
}

impl Party {
    /// All three, in the order of their identifiers.
    pub const ALL: [Self; 3] = [Self::Server, Self::Device, Self::Recovery];

    /// The party's number, which is its FROST identifier: 1, 2 or 3.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Server => 1,
            Self::Device => 2,
            Self::Recovery => 3,
        }
    }

    /// The FROST identifier.
    #[must_use]
    pub fn identifier(self) -> Identifier {
        Identifier::try_from(u16::from(self.number())).unwrap_or_else(|_| unreachable!("1, 2 and 3 are not zero"))
    }

    pub(crate) const fn index(self) -> usize {
        self.number() as usize - 1
    }

    pub(crate) fn from_identifier(identifier: Identifier) -> Option<Self> {
        Self::ALL.into_iter().find(|party| party.identifier() == identifier)
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Device => "device",
            Self::Recovery => "recovery",
        })
    }
}

impl FromStr for Party {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        match text {
            "server" => Ok(Self::Server),
            "device" => Ok(Self::Device),
            "recovery" => Ok(Self::Recovery),
            _ => Err(FaultKind::UnknownName.into()),
        }
    }
}

impl TryFrom<u8> for Party {
    type Error = Fault;

    fn try_from(number: u8) -> Result<Self, Fault> {
        Self::ALL
            .into_iter()
            .find(|party| party.number() == number)
            .ok_or_else(|| FaultKind::UnknownName.into())
    }
}

impl Encode for Party {
    fn encode(&self, writer: Writer) -> Writer {
        writer.u8(self.number())
    }
}

impl Decode for Party {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.u8()?.try_into()
    }
}

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyKind {
    /// FROST on secp256k1: BIP-340 signatures.
    Taproot,
    /// DKLs23 on secp256k1: ECDSA signatures.
    Ecdsa,
}

impl KeyKind {
    /// The number that stands for it in records.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Taproot => 1,
            Self::Ecdsa => 2,
        }
    }

    /// Refuses what is of another kind than the protocol at hand makes.
    pub(crate) fn only(self, kind: Self) -> Result<Self, Fault> {
        if self == kind {
            Ok(self)
        } else {
            Err(FaultKind::UnknownName.into())
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Taproot => "taproot",
            Self::Ecdsa => "ecdsa",
        })
    }
}

impl TryFrom<u8> for KeyKind {
    type Error = Fault;

    fn try_from(number: u8) -> Result<Self, Fault> {
        [Self::Taproot, Self::Ecdsa]
            .into_iter()
            .find(|kind| kind.number() == number)
            .ok_or_else(|| FaultKind::UnknownName.into())
    }
}

impl Encode for KeyKind {
    fn encode(&self, writer: Writer) -> Writer {
        writer.u8(self.number())
    }
}

impl Decode for KeyKind {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.u8()?.try_into()
    }
}

/// An epoch of a key: how many times it was dealt, and the transcript of the last time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochId {
    /// Counts from 1; numbers may be skipped after a restore, never used again.
    pub number: u32,
    /// H(T) of the ceremony that made it.
    pub transcript: [u8; 32],
}

impl EpochId {
    /// What precedes the first epoch.
    pub const NONE: Self = Self {
        number: 0,
        transcript: [0; 32],
    };
}

impl fmt::Display for EpochId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.number)?;
        write_hex(f, &self.transcript)
    }
}

impl Encode for EpochId {
    fn encode(&self, writer: Writer) -> Writer {
        writer.u32(self.number).fixed(&self.transcript)
    }
}

impl Decode for EpochId {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            number: reader.u32()?,
            transcript: reader.array()?,
        })
    }
}
