//! The messages of a signature. Every field has one length, so what is cut short or too long is refused by its shape.

use alloc::vec::Vec;
use core::fmt;

use dkls23_core::{
    protocols::{
        PartiesMessage,
        signing::{Broadcast3to4, TransmitPhase1to2, TransmitPhase2to3},
    },
    utilities::{
        multiplication::{L, MulDataToReceiver, OT_WIDTH},
        ot::extension::{BATCH_SIZE, KAPPA, OTEDataToSender},
    },
};

use super::super::{
    curve::{Curve, index},
    pair::{PairId, SetUp},
};
use crate::{
    Fault, FaultKind,
    codec::{self, Decode, Encode, Kind, Reader, Writer},
    hash,
    id::{EpochId, Party, WalletId},
    identity::Signature64,
};

/// A salt of the library's commitments.
const SALT: usize = 64;

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

/// The library's first message.
#[derive(Clone)]
pub(super) struct First {
    binding: [u8; 32],
    commitment: [u8; 32],
    extension: OTEDataToSender,
}

impl First {
    pub(super) fn of(message: &TransmitPhase1to2) -> Self {
        Self {
            binding: message.session_binding,
            commitment: message.commitment,
            extension: message.mul_transmit.clone(),
        }
    }

    /// As the library takes it from `set_up`'s other side.
    pub(super) fn library(self, set_up: &SetUp) -> TransmitPhase1to2 {
        TransmitPhase1to2 {
            parties: to_me(set_up),
            session_binding: self.binding,
            commitment: self.commitment,
            mul_transmit: self.extension,
        }
    }
}

fn to_me(set_up: &SetUp) -> PartiesMessage {
    PartiesMessage {
        sender: index(set_up.other().party),
        receiver: index(set_up.me),
    }
}

impl Encode for First {
    fn encode(&self, writer: Writer) -> Writer {
        let writer = writer
            .fixed(&self.binding)
            .fixed(&self.commitment)
            .fixed(&self.extension.nonce);
        let writer = self.extension.u.iter().fold(writer, |writer, row| writer.fixed(row));
        let writer = writer.fixed(&self.extension.verify_x);
        let rows = &self.extension.verify_t;
        rows.iter().fold(writer, |writer, row| writer.fixed(row))
    }
}

impl Decode for First {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let rows = usize::from(KAPPA);
        Ok(Self {
            binding: reader.array()?,
            commitment: reader.array()?,
            extension: OTEDataToSender {
                nonce: reader.array()?,
                u: reader.arrays(rows)?,
                verify_x: reader.array()?,
                verify_t: reader.arrays(rows)?,
            },
        })
    }
}

/// The library's second message.
#[derive(Clone)]
pub(super) struct Second(TransmitPhase2to3<Curve>);

impl Second {
    pub(super) fn of(message: &TransmitPhase2to3<Curve>) -> Result<Self, Fault> {
        if message.salt.len() == SALT {
            Ok(Self(message.clone()))
        } else {
            Err(FaultKind::Internal.into())
        }
    }

    /// As the library takes it from `set_up`'s other side.
    pub(super) fn library(mut self, set_up: &SetUp) -> TransmitPhase2to3<Curve> {
        self.0.parties = to_me(set_up);
        self.0
    }
}

impl Encode for Second {
    fn encode(&self, writer: Writer) -> Writer {
        let Self(message) = self;
        let writer = writer
            .fixed(&message.session_binding)
            .point(&message.gamma_u)
            .point(&message.gamma_v)
            .scalar(&message.psi)
            .point(&message.public_share)
            .point(&message.instance_point)
            .fixed(&message.salt);
        let multiplied = &message.mul_transmit;
        let rows = &multiplied.vector_of_tau;
        rows.iter()
            .fold(writer, |writer, row| writer.scalars(row))
            .fixed(&multiplied.ote_salt)
            .fixed(&multiplied.verify_r)
            .scalars(&multiplied.verify_u)
            .scalars(&multiplied.gamma_sender)
    }
}

impl Decode for Second {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        // Whose it is, and for whom, the message's head says.
        let nobody = PartiesMessage {
            sender: index(Party::Server),
            receiver: index(Party::Server),
        };
        Ok(Self(TransmitPhase2to3 {
            parties: nobody,
            session_binding: reader.array()?,
            gamma_u: reader.point()?,
            gamma_v: reader.point()?,
            psi: reader.scalar()?,
            public_share: reader.point()?,
            instance_point: reader.point()?,
            salt: reader.array::<SALT>()?.to_vec(),
            mul_transmit: MulDataToReceiver {
                vector_of_tau: (0..OT_WIDTH)
                    .map(|_| reader.scalars(usize::from(BATCH_SIZE)))
                    .collect::<Result<_, _>>()?,
                ote_salt: reader.array()?,
                verify_r: reader.array()?,
                verify_u: reader.scalars(usize::from(L))?,
                gamma_sender: reader.scalars(usize::from(L))?,
            },
        }))
    }
}

/// Asker to answerer: fresh bytes.
#[derive(Clone)]
pub struct Hello {
    pub(super) head: Head,
    pub(super) fresh: [u8; 32],
}

impl Encode for Hello {
    fn encode(&self, writer: Writer) -> Writer {
        writer.field(&self.head).fixed(&self.fresh)
    }
}

impl Decode for Hello {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            head: reader.field()?,
            fresh: reader.array()?,
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

/// Asker to answerer: its first and second phases.
#[derive(Clone)]
pub struct Half {
    pub(super) head: Head,
    pub(super) before: [u8; 32],
    pub(super) first: First,
    pub(super) second: Second,
}

impl Encode for Half {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.head)
            .fixed(&self.before)
            .field(&self.first)
            .field(&self.second)
    }
}

impl Decode for Half {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            head: reader.field()?,
            before: reader.array()?,
            first: reader.field()?,
            second: reader.field()?,
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

impl Offer {
    /// What the answerer signs: all of it.
    pub(super) fn signed(&self) -> [u8; 32] {
        unsigned(self.to_bytes())
    }
}

impl Answer {
    /// What the answerer signs: all of it.
    pub(super) fn signed(&self) -> [u8; 32] {
        unsigned(self.to_bytes())
    }
}

/// A hash of a message but for the signature at its end.
fn unsigned(mut bytes: Vec<u8>) -> [u8; 32] {
    bytes.truncate(bytes.len() - 64);
    hash::tagged("twofold/ecdsa/answer", &[&bytes])
}

/// A hash of all that was said so far.
pub(super) fn then(before: &[u8; 32], message: &[u8]) -> [u8; 32] {
    hash::tagged("twofold/ecdsa/said", &[before, message])
}

macro_rules! messages {
    ($($name:ident, $kind:ident;)*) => {
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
    Hello, EcdsaHello;
    Offer, EcdsaOffer;
    Half, EcdsaHalf;
    Answer, EcdsaAnswer;
}
