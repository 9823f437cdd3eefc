//! The messages: each is two, of the key that the wallet was made with and of the one that it gained, of one run.

use super::super::{Closing as OneClosing, Opening as OneOpening, ServerRound as OneRound};
use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer, message},
    create::Run,
    id::{KeyKind, Party},
};

fn foreign(from: Party) -> Fault {
    Fault::of(FaultKind::ForeignCeremony, from)
}

/// Device to server, first request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub(crate) run: Run,
    pub(crate) first: OneOpening,
    pub(crate) second: OneOpening,
}
message!(Opening, RefreshBothOpening);

impl Opening {
    /// Both must be of one device, list, number and unlock key: one refresh, of two keys.
    pub(super) fn new(first: OneOpening, second: OneOpening) -> Result<Self, Fault> {
        let alike = first.run == second.run
            && first.number() == second.number()
            && first.device == second.device
            && first.server_key == second.server_key
            && first.list_head == second.list_head
            && first.unlock_digest == second.unlock_digest;
        if alike && first.kind() == KeyKind::Taproot && second.kind() == KeyKind::Ecdsa {
            Ok(Self {
                run: first.run,
                first,
                second,
            })
        } else {
            Err(foreign(Party::Device))
        }
    }

    /// What it says of the key that the wallet was made with, and of the unlock key and the device of both.
    #[must_use]
    pub const fn first(&self) -> &OneOpening {
        &self.first
    }

    /// What it says of the key that the wallet gained.
    #[must_use]
    pub const fn second(&self) -> &OneOpening {
        &self.second
    }
}

impl Encode for Opening {
    fn encode(&self, writer: Writer) -> Writer {
        writer.field(&self.first).field(&self.second)
    }
}

impl Decode for Opening {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Self::new(reader.field()?, reader.field()?)
    }
}

macro_rules! both {
    ($($name:ident, $one:ident, $kind:ident, $from:ident, $doc:literal;)*) => {
        $(
            #[doc = $doc]
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $name {
                pub(crate) run: Run,
                pub(crate) first: $one,
                pub(crate) second: $one,
            }
            message!($name, $kind);

            impl $name {
                pub(super) fn new(first: $one, second: $one) -> Result<Self, Fault> {
                    if first.run == second.run {
                        Ok(Self { run: first.run, first, second })
                    } else {
                        Err(foreign(Party::$from))
                    }
                }
            }

            impl Encode for $name {
                fn encode(&self, writer: Writer) -> Writer {
                    writer.field(&self.first).field(&self.second)
                }
            }

            impl Decode for $name {
                fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
                    Self::new(reader.field()?, reader.field()?)
                }
            }
        )*
    };
}
both! {
    ServerRound, OneRound, RefreshBothRound, Server, "Server to device, answering the first request.";
    Closing, OneClosing, RefreshBothClosing, Device, "Device to server, second request. The list's next entry, if there is one, comes with the first.";
}
