//! The messages of a repair. Each has one encoding and is signed by the helper that sends it; each names the one before.

use alloc::vec::Vec;

use super::part::Shown;
use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Kind, Reader, Writer},
    envelope::{Binding, OVERHEAD, SealPublic},
    hash,
    id::{CeremonyId, EpochId, KeyKind, Party, WalletId},
    identity::{Domain, IdentityKey, Signature64},
    share::PublicShares,
};

/// A delta, a sigma or an unlock key under HPKE.
const SEALED: usize = 32 + OVERHEAD;

/// What is to be repaired, for whom, and by whose leave. Both helpers sign over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose wallet.
    pub wallet: WalletId,
    /// A fresh name for the run.
    pub ceremony: CeremonyId,
    /// Of which key.
    pub kind: KeyKind,
    /// The epoch that the share is of; the repair leaves it as it is.
    pub epoch: EpochId,
    /// Whose share.
    pub repaired: Party,
    /// The identity of the one repaired.
    pub identity: IdentityKey,
    /// What is sealed to the one repaired is sealed to this, made for this run or short-lived.
    pub key: SealPublic,
    /// H(unlock key) of the epoch.
    pub unlock_digest: [u8; 32],
    /// The digest of what called for the repair, for example recovery's signed request: a repair serves that and no other.
    pub mandate: [u8; 32],
}

impl Claim {
    /// Where what `from` seals to `to` belongs.
    pub(super) const fn binding(&self, from: Party, to: Party) -> Binding {
        Binding {
            wallet: self.wallet,
            ceremony: self.ceremony,
            epoch_number: self.epoch.number,
            previous: self.epoch,
            kind: self.kind,
            from,
            to,
        }
    }

    /// Holds the claim to the key and the helpers that it is about.
    pub(super) fn check(&self, public: &PublicShares, helpers: &Helpers) -> Result<(), Fault> {
        if self.kind != public.kind() || self.epoch != public.epoch() {
            return Err(FaultKind::StaleEpoch.into());
        }
        let (first, second) = (helpers.first.0, helpers.second.0);
        if first == second || first == self.repaired || second == self.repaired {
            return Err(FaultKind::Count.into());
        }
        Ok(())
    }
}

impl Encode for Claim {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.wallet)
            .field(&self.ceremony)
            .field(&self.kind)
            .field(&self.epoch)
            .field(&self.repaired)
            .field(&self.identity)
            .field(&self.key)
            .fixed(&self.unlock_digest)
            .fixed(&self.mandate)
    }
}

impl Decode for Claim {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            wallet: reader.field()?,
            ceremony: reader.field()?,
            kind: reader.field()?,
            epoch: reader.field()?,
            repaired: reader.field()?,
            identity: reader.field()?,
            key: reader.field()?,
            unlock_digest: reader.array()?,
            mandate: reader.array()?,
        })
    }
}

/// The two helpers and the identities that they sign with, known beforehand from the wallet's transcript and device list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Helpers {
    /// Opens and closes.
    pub first: (Party, IdentityKey),
    /// Answers.
    pub second: (Party, IdentityKey),
}

/// A message with its sender's signature. It is held to the sender's identity when it is taken in, not when it is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed<M> {
    pub(super) message: M,
    pub(super) signature: Signature64,
}

/// A message that its sender's identity key has still to sign, wherever that lives, and what the sender goes on with.
#[derive(Debug)]
#[must_use]
pub struct ToSign<S, M> {
    pub(super) state: S,
    pub(super) message: M,
    pub(super) body: Vec<u8>,
    pub(super) signer: (Party, IdentityKey),
}

impl<S, M> ToSign<S, M> {
    /// The bytes that the identity key signs.
    #[must_use]
    pub fn signing_bytes(&self) -> Vec<u8> {
        Domain::REPAIR.signing_bytes(&self.body)
    }

    /// Takes the signature.
    pub fn signed(self, signature: Signature64) -> Result<(S, Signed<M>), Fault> {
        let Self {
            state,
            message,
            body,
            signer: (_, key),
        } = self;
        key.verify(Domain::REPAIR, &body, &signature)?;
        Ok((state, Signed { message, signature }))
    }
}

macro_rules! message {
    ($name:ident, $kind:ident) => {
        impl $name {
            /// What is signed.
            pub(super) fn body(&self) -> Vec<u8> {
                Writer::new(Kind::$kind).field(self).finish()
            }
        }

        impl Signed<$name> {
            /// Canonical bytes.
            #[must_use]
            pub fn to_bytes(&self) -> Vec<u8> {
                Writer::new(Kind::$kind)
                    .field(&self.message)
                    .field(&self.signature)
                    .finish()
            }

            /// Holds the message to whoever should have sent it.
            pub(super) fn check_sender(&self, (party, key): &(Party, IdentityKey)) -> Result<(), Fault> {
                key.verify(Domain::REPAIR, &self.message.body(), &self.signature)
                    .map_err(|fault| fault.by(*party))
            }
        }

        impl TryFrom<&[u8]> for Signed<$name> {
            type Error = Fault;

            fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
                let mut reader = Reader::new(bytes, Kind::$kind)?;
                let (message, signature) = (reader.field()?, reader.field()?);
                reader.finish()?;
                Ok(Self { message, signature })
            }
        }
    };
}

/// What names a message in the next: its canonical bytes, signature and all.
pub(super) fn named(message: &[u8]) -> [u8; 32] {
    hash::tagged("twofold/repair", &[message])
}

/// First helper to second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub(super) claim: Claim,
    /// The second seals the first's delta to this.
    pub(super) key: SealPublic,
    pub(super) shown: Shown,
    pub(super) to_second: Vec<u8>,
}
message!(Opening, RepairOpening);

impl Signed<Opening> {
    /// What it opens a repair of.
    #[must_use]
    pub const fn claim(&self) -> &Claim {
        &self.message.claim
    }
}

impl Encode for Opening {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.claim)
            .field(&self.key)
            .field(&self.shown)
            .var(&self.to_second)
    }
}

impl Decode for Opening {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            claim: reader.field()?,
            key: reader.field()?,
            shown: reader.field()?,
            to_second: reader.var_exactly(SEALED)?,
        })
    }
}

/// Second helper to first, and to the one repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub(super) ceremony: CeremonyId,
    /// The opening that it answers.
    pub(super) opening: [u8; 32],
    pub(super) shown: Shown,
    pub(super) to_first: Vec<u8>,
    pub(super) to_repaired: Vec<u8>,
}
message!(Answer, RepairAnswer);

impl Encode for Answer {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.ceremony)
            .fixed(&self.opening)
            .field(&self.shown)
            .var(&self.to_first)
            .var(&self.to_repaired)
    }
}

impl Decode for Answer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            ceremony: reader.field()?,
            opening: reader.array()?,
            shown: reader.field()?,
            to_first: reader.var_exactly(SEALED)?,
            to_repaired: reader.var_exactly(SEALED)?,
        })
    }
}

/// First helper to the one repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    pub(super) ceremony: CeremonyId,
    /// The answer that the first has checked.
    pub(super) answer: [u8; 32],
    pub(super) to_repaired: Vec<u8>,
    /// The unlock key, sealed to the one repaired.
    pub(super) unlock: Vec<u8>,
}
message!(Closing, RepairClosing);

impl Encode for Closing {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.ceremony)
            .fixed(&self.answer)
            .var(&self.to_repaired)
            .var(&self.unlock)
    }
}

impl Decode for Closing {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            ceremony: reader.field()?,
            answer: reader.array()?,
            to_repaired: reader.var_exactly(SEALED)?,
            unlock: reader.var_exactly(SEALED)?,
        })
    }
}
