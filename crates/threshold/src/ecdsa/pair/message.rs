//! The messages of a pair's set-up.

use alloc::vec::Vec;

use super::{
    super::{
        LIBRARY,
        said::{asked, unsigned},
        same_library,
    },
    Setting,
    multiplication::Shown,
};
use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer, message},
    create::{Run, names_its_run},
    envelope::{OVERHEAD, SealPublic},
    identity::Signature64,
};

/// A seed and the salt of its commitment, under HPKE.
pub(super) const SALT: usize = 64;
const SEALED_SEED: usize = 32 + SALT + OVERHEAD;

/// What each side begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Fresh bytes.
    pub(super) fresh: [u8; 32],
    /// What its seed is committed to by.
    pub(super) commitment: [u8; 32],
    /// What the other seals its seed to.
    pub(super) key: SealPublic,
}

impl Encode for Head {
    fn encode(&self, writer: Writer) -> Writer {
        writer.fixed(&self.fresh).fixed(&self.commitment).field(&self.key)
    }
}

impl Decode for Head {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            fresh: reader.array()?,
            commitment: reader.array()?,
            key: reader.field()?,
        })
    }
}

/// Asker to answerer. The library's version follows it, so that another one is refused before it costs anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairOpening {
    pub(crate) run: Run,
    pub(super) setting: Setting,
    pub(super) head: Head,
    pub(super) signature: Signature64,
}
message!(PairOpening, PairOpening);

impl PairOpening {
    /// Who sets up with whom, as the asker says.
    #[must_use]
    pub const fn setting(&self) -> &Setting {
        &self.setting
    }
}

impl Encode for PairOpening {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .field(&self.setting)
            .field(&self.head)
            .var(LIBRARY)
            .field(&self.signature)
    }
}

impl Decode for PairOpening {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let (run, setting, head) = (reader.field()?, reader.field()?, reader.field()?);
        same_library(reader)?;
        let opening = Self {
            run,
            setting,
            head,
            signature: reader.field()?,
        };
        if opening.setting.wallet == opening.run.wallet {
            Ok(opening)
        } else {
            Err(FaultKind::ForeignCeremony.into())
        }
    }
}

/// Answerer to asker.
#[derive(Clone)]
pub struct PairAnswer {
    pub(crate) run: Run,
    pub(super) head: Head,
    pub(super) part: Shown,
    pub(super) before: [u8; 32],
    pub(super) signature: Signature64,
}
message!(PairAnswer, PairAnswer);

impl Encode for PairAnswer {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .field(&self.head)
            .field(&self.part)
            .fixed(&self.before)
            .field(&self.signature)
    }
}

impl Decode for PairAnswer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            head: reader.field()?,
            part: reader.field()?,
            before: reader.array()?,
            signature: reader.field()?,
        })
    }
}

/// Asker to answerer.
#[derive(Clone)]
pub struct PairClosing {
    pub(crate) run: Run,
    pub(super) part: Shown,
    pub(super) seed: Vec<u8>,
    pub(super) before: [u8; 32],
    pub(super) signature: Signature64,
}
message!(PairClosing, PairClosing);

impl Encode for PairClosing {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .field(&self.part)
            .var(&self.seed)
            .fixed(&self.before)
            .field(&self.signature)
    }
}

impl Decode for PairClosing {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            part: reader.field()?,
            seed: reader.var_exactly(SEALED_SEED)?,
            before: reader.array()?,
            signature: reader.field()?,
        })
    }
}

/// Answerer to asker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairCompletion {
    pub(crate) run: Run,
    pub(super) seed: Vec<u8>,
    pub(super) before: [u8; 32],
    pub(super) signature: Signature64,
}
message!(PairCompletion, PairCompletion);

impl Encode for PairCompletion {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.run)
            .var(&self.seed)
            .fixed(&self.before)
            .field(&self.signature)
    }
}

impl Decode for PairCompletion {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            run: reader.field()?,
            seed: reader.var_exactly(SEALED_SEED)?,
            before: reader.array()?,
            signature: reader.field()?,
        })
    }
}

/// What each message's sender signs: all of it.
macro_rules! signed {
    ($($name:ident, $tag:literal;)*) => {
        $(
            impl $name {
                pub(super) fn signed(&self) -> [u8; 32] {
                    unsigned($tag, self.to_bytes())
                }
            }
        )*
    };
}
signed! {
    PairOpening, "twofold/ecdsa/pair-ask";
    PairAnswer, "twofold/ecdsa/pair-answer";
    PairClosing, "twofold/ecdsa/pair-ask";
    PairCompletion, "twofold/ecdsa/pair-answer";
}
asked!(PairOpening, PairClosing);

names_its_run! {
    PairAnswer as "PairAnswer", run;
    PairClosing as "PairClosing", run;
}
