//! The messages of a refresh. Each names its wallet and ceremony, and has one encoding.

use alloc::vec::Vec;

use super::{Envelopes, increment::Commitment};
use crate::{
    Fault,
    codec::{Decode, Encode, Reader, Writer, message},
    create::{Run, SEALED_SHARE},
    device_list::{Change, MAX_ENTRY},
    envelope::{Binding, OVERHEAD, SealPublic},
    id::{EpochId, KeyKind, Party},
    identity::{IdentityKey, Signature64},
    package::MAX_SEALED,
    point,
};

/// A scalar and an unlock key under HPKE.
const SEALED_PAIR: usize = 64 + OVERHEAD;

/// What a refresh is of: named in every message, bound into everything that is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) run: Run,
    pub(crate) kind: KeyKind,
    /// The number of the epoch to come.
    pub(crate) number: u32,
    /// The epoch that it follows.
    pub(crate) previous: EpochId,
}

impl Terms {
    /// Where a sealed package belongs.
    pub(super) const fn binding(&self, from: Party, to: Party) -> Binding {
        Binding {
            wallet: self.run.wallet,
            ceremony: self.run.ceremony,
            epoch_number: self.number,
            previous: self.previous,
            kind: self.kind,
            from,
            to,
        }
    }
}

impl Encode for Terms {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .field(&self.kind)
            .u32(self.number)
            .field(&self.previous)
    }
}

impl Decode for Terms {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            kind: reader.field()?,
            number: reader.u32()?,
            previous: reader.field()?,
        })
    }
}

/// Device to server, first request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub(crate) run: Run,
    pub(crate) terms: Terms,
    pub(crate) device: IdentityKey,
    pub(crate) device_key: SealPublic,
    /// The server's short-lived key that `to_server` is sealed to.
    pub(crate) server_key: SealPublic,
    pub(crate) list_head: [u8; 32],
    pub(crate) unlock_digest: [u8; 32],
    pub(crate) commitment: Commitment,
    /// What the device's polynomial comes to for the server, and the new unlock key.
    pub(crate) to_server: Vec<u8>,
}
message!(Opening, RefreshOpening);

impl Opening {
    /// The device that asks.
    #[must_use]
    pub const fn device(&self) -> &IdentityKey {
        &self.device
    }

    /// Of which key.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.terms.kind
    }

    /// The number of the epoch to come.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.terms.number
    }

    /// The epoch that it follows.
    #[must_use]
    pub const fn previous(&self) -> EpochId {
        self.terms.previous
    }

    /// The head of the device list that it goes by.
    #[must_use]
    pub const fn list_head(&self) -> &[u8; 32] {
        &self.list_head
    }

    /// H(new unlock key).
    #[must_use]
    pub const fn unlock_digest(&self) -> &[u8; 32] {
        &self.unlock_digest
    }

    /// The server's key that the device sealed to.
    #[must_use]
    pub const fn server_key(&self) -> &SealPublic {
        &self.server_key
    }
}

impl Encode for Opening {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.terms)
            .field(&self.device)
            .field(&self.device_key)
            .field(&self.server_key)
            .fixed(&self.list_head)
            .fixed(&self.unlock_digest)
            .fixed(&self.commitment)
            .var(&self.to_server)
    }
}

impl Decode for Opening {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let terms: Terms = reader.field()?;
        Ok(Self {
            run: terms.run,
            terms,
            device: reader.field()?,
            device_key: reader.field()?,
            server_key: reader.field()?,
            list_head: reader.array()?,
            unlock_digest: reader.array()?,
            commitment: commitment(reader, Party::Device)?,
            to_server: reader.var_exactly(SEALED_PAIR)?,
        })
    }
}

/// Server to device, answering the first request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRound {
    pub(crate) run: Run,
    pub(crate) commitment: Commitment,
    /// What the server's polynomial comes to for the device.
    pub(crate) to_device: Vec<u8>,
    pub(crate) envelopes: Envelopes,
    /// The server's share to come, for the device to keep; empty where the operator has no offline backup key.
    pub(crate) kept: Vec<u8>,
}
message!(ServerRound, RefreshRound);

impl Encode for ServerRound {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .fixed(&self.commitment)
            .var(&self.to_device)
            .field(&self.envelopes)
            .var(&self.kept)
    }
}

impl Decode for ServerRound {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            commitment: commitment(reader, Party::Server)?,
            to_device: reader.var_exactly(SEALED_SHARE)?,
            envelopes: reader.field()?,
            kept: reader.var(MAX_SEALED)?.to_vec(),
        })
    }
}

/// Device to server, second request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    pub(crate) run: Run,
    pub(crate) envelopes: Envelopes,
    /// The list's next entry, by which the device takes a fresh sealing key: it erases the one that all this is sealed
    /// to. None on a list that is too long for it.
    pub(crate) reseal: Option<Change>,
    pub(crate) signature: Signature64,
}
message!(Closing, RefreshClosing);

impl Encode for Closing {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .field(&self.envelopes)
            .var(&self.reseal.as_ref().map(Change::to_bytes).unwrap_or_default())
            .field(&self.signature)
    }
}

impl Decode for Closing {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            envelopes: reader.field()?,
            reseal: match reader.var(MAX_ENTRY)? {
                [] => None,
                entry => Some(Change::try_from(entry)?),
            },
            signature: reader.field()?,
        })
    }
}

/// Server to device, answering the second request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    pub(crate) run: Run,
    pub(crate) signature: Signature64,
}
message!(Completion, RefreshCompletion);

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

/// A point that a dealer committed to, checked to be one.
pub(super) fn commitment(reader: &mut Reader<'_>, dealer: Party) -> Result<Commitment, Fault> {
    let bytes = reader.array()?;
    point::decode(&bytes).map_err(|fault| fault.by(dealer))?;
    Ok(bytes)
}
