//! The device list: which devices a wallet has, which of them approve, and who said so.
//!
//! It is a chain of signed entries. The first is the first device's own ([`Entry`]); each later one ([`Change`]) names the
//! hash of the one before, and is signed by whoever asks for it. [`DeviceList`] is what a chain comes to, and is made by
//! verifying all of it: nobody but listed devices and recovery can put anything in, and a server that keeps the chain
//! vouches for no key. What each set of signers may do, and after which wait, is one table ([`powers`]).

mod change;
mod fault;
mod first;
mod list;
mod parcel;
pub mod powers;

pub use change::{Act, Change, Proposal, Signer};
pub use fault::ListFault;
pub use first::{Draft, Entry};
pub use list::{Device, DeviceList, Origin, Succession, succession};
pub use parcel::{Opened, Parcel};

/// Most entries in a chain. The last few are kept for what can't wait: a device takes a fresh sealing key only below
/// [`MAX_RESEALED`].
pub const MAX_ENTRIES: usize = 1000;
/// From this length on no device takes a fresh sealing key: revoking must still be possible.
pub const MAX_RESEALED: usize = 900;
/// Most devices on a list at once.
pub const MAX_DEVICES: usize = MAX_ENROLLED + 2;
/// Most devices that devices enrol. The places above are for recovery alone: a thief who fills the list must not keep it from
/// a lost device's place.
pub const MAX_ENROLLED: usize = 16;
/// Most bytes in one entry.
pub const MAX_ENTRY: usize = 512;
