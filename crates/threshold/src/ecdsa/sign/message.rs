//! The messages of a signature. Every field has one length, so what is cut short or too long is refused by its shape.

use alloc::vec::Vec;
use core::fmt;

use dkls23_core::protocols::signing::Broadcast3to4;

use super::{
    super::{
        curve::Curve,
        pair::{PairId, SetUp},
        said::{asked, unsigned},
    },
    phase::{First, Second},
};
use crate::{
    Fault, FaultKind,
    codec::{self, Decode, Encode, Kind, Reader, Writer},
    id::{EpochId, Party, WalletId},
    identity::Signature64,
};

/// What every message begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) wallet: WalletId,
    pub(super) epoch: EpochId,
    pub(super) pair: PairId,
    pub(super) from: Party,
}

impl Head {
    pub(super) const fn of(set_up: &SetUp, from: Party) -> Self {
        Self {
            wallet: set_up.setting.wallet,
            epoch: set_up.setting.epoch,
            pair: set_up.id,
            from,
        }
    }

    /// Whether a message with this head is of this pair, and from its other side.
    pub(super) fn check(&self, set_up: &SetUp) -> Result<(), Fault> {
        let other = set_up.other().party;
        let wanted = Self::of(set_up, other);
        if *self == wanted {
            Ok(())
        } else if self.wallet == wanted.wallet && self.epoch != wanted.epoch {
            Err(FaultKind::StaleEpoch.into())
        } else {
            Err(Fault::of(FaultKind::ForeignCeremony, other))
        }
    }
}

impl Encode for Head {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.wallet)
            .field(&self.epoch)
            .field(&self.pair)
            .field(&self.from)
    }
}

impl Decode for Head {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            wallet: reader.field()?,
            epoch: reader.field()?,
            pair: reader.field()?,
            from: reader.field()?,
        })
    }
}

/// Asker to answerer: fresh bytes, signed.
#[derive(Clone)]
pub struct Hello {
    pub(super) head: Head,
    pub(super) fresh: [u8; 32],
    pub(super) signature: Signature64,
}

impl Encode for Hello {
    fn encode(&self, writer: Writer) -> Writer {
        writer.field(&self.head).fixed(&self.fresh).field(&self.signature)
    }
}

impl Decode for Hello {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            head: reader.field()?,
            fresh: reader.array()?,
            signature: reader.field()?,
        })
    }
}

/// Answerer to asker: fresh bytes, and its first phase.
#[derive(Clone)]
pub struct Offer {
    pub(super) head: Head,
    pub(super) fresh: [u8; 32],
    pub(super) before: [u8; 32],
    pub(super) first: First,
    pub(super) signature: Signature64,
}

impl Encode for Offer {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.head)
            .fixed(&self.fresh)
            .fixed(&self.before)
            .field(&self.first)
            .field(&self.signature)
    }
}

impl Decode for Offer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            head: reader.field()?,
            fresh: reader.array()?,
            before: reader.array()?,
            first: reader.field()?,
            signature: reader.field()?,
        })
    }
}

/// Asker to answerer: its first and second phases, signed.
#[derive(Clone)]
pub struct Half {
    pub(super) head: Head,
    pub(super) before: [u8; 32],
    pub(super) first: First,
    pub(super) second: Second,
    pub(super) signature: Signature64,
}

impl Encode for Half {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.head)
            .fixed(&self.before)
            .field(&self.first)
            .field(&self.second)
            .field(&self.signature)
    }
}

impl Decode for Half {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            head: reader.field()?,
            before: reader.array()?,
            first: reader.field()?,
            second: reader.field()?,
            signature: reader.field()?,
        })
    }
}

/// Answerer to asker: its second and third phases.
#[derive(Clone)]
pub struct Answer {
    pub(super) head: Head,
    pub(super) before: [u8; 32],
    pub(super) second: Second,
    pub(super) last: Broadcast3to4<Curve>,
    pub(super) signature: Signature64,
}

impl Encode for Answer {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.head)
            .fixed(&self.before)
            .field(&self.second)
            .scalar(&self.last.u)
            .scalar(&self.last.w)
            .field(&self.signature)
    }
}

impl Decode for Answer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            head: reader.field()?,
            before: reader.array()?,
            second: reader.field()?,
            last: Broadcast3to4 {
                u: reader.scalar()?,
                w: reader.scalar()?,
            },
            signature: reader.field()?,
        })
    }
}

asked!(Hello, Half);

macro_rules! messages {
    ($($name:ident, $kind:ident, $tag:literal;)*) => {
        $(
            impl $name {
                /// Whose wallet.
                #[must_use]
                pub const fn wallet(&self) -> WalletId {
                    self.head.wallet
                }

                /// With which pair.
                #[must_use]
                pub const fn pair(&self) -> PairId {
                    self.head.pair
                }

                /// Canonical bytes.
                #[must_use]
                pub fn to_bytes(&self) -> Vec<u8> {
                    Writer::new(Kind::$kind).field(self).finish()
                }

                /// What its sender signs: all of it.
                pub(super) fn signed(&self) -> [u8; 32] {
                    unsigned($tag, self.to_bytes())
                }
            }

            impl TryFrom<&[u8]> for $name {
                type Error = Fault;

                fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
                    codec::read(bytes, Kind::$kind)
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.debug_struct(stringify!($name)).field("head", &self.head).finish_non_exhaustive()
                }
            }
        )*
    };
}
messages! {
    Hello, EcdsaHello, "twofold/ecdsa/ask";
    Offer, EcdsaOffer, "twofold/ecdsa/answer";
    Half, EcdsaHalf, "twofold/ecdsa/ask";
    Answer, EcdsaAnswer, "twofold/ecdsa/answer";
}
