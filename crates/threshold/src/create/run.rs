//! Which run of a ceremony a message, a state or a sealed package is of.

use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer},
    hash,
    id::{CeremonyId, EpochId, Party, WalletId},
};

/// Which run of which wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) wallet: WalletId,
    pub(crate) ceremony: CeremonyId,
}

impl Run {
    /// A message of another run is refused, whoever sent it.
    pub(crate) fn check(self, other: Self, from: Party) -> Result<(), Fault> {
        if self == other {
            Ok(())
        } else {
            Err(Fault::of(FaultKind::ForeignCeremony, from))
        }
    }

    /// In the place of an epoch that no transcript has made yet: states of two runs cannot be exchanged.
    pub(crate) fn epoch_to_come(self, number: u32) -> EpochId {
        EpochId {
            number,
            transcript: hash::tagged("twofold/run", &[&self.ceremony.0]),
        }
    }
}

/// What a state with secrets in it says of itself: which run it is of.
macro_rules! names_its_run {
    ($($name:ident as $label:literal, $($at:ident).+;)*) => {
        $(
            impl core::fmt::Debug for $name {
                fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                    f.debug_struct($label).field("run", &self.$($at).+).finish_non_exhaustive()
                }
            }
        )*
    };
}
pub(crate) use names_its_run;

impl Encode for Run {
    fn encode(&self, writer: Writer) -> Writer {
        writer.field(&self.wallet).field(&self.ceremony)
    }
}

impl Decode for Run {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            wallet: reader.field()?,
            ceremony: reader.field()?,
        })
    }
}
