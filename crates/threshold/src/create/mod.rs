//! The create ceremony: three parties make a key that exists nowhere, two round trips to the server, the device as the
//! hub that carries recovery's messages.
//!
//! ```text
//! recovery            device               server
//!    | RecoveryOpening  |                     |
//!    |----------------->| Opening             |
//!    |                  |-------------------->|  parts 1 and 2, signs the first half
//!    |                  |         ServerRound |
//!    | ToRecovery       |<--------------------|
//!    |<-----------------|  part 2             |
//!    | RecoveryRound    |                     |   parts 2 and 3, own package, signs T
//!    |----------------->|  part 3, signs T,   |
//!    |                  |  makes it durable   |
//!    |                  | Closing             |
//!    |                  |-------------------->|  part 3, stores, signs T, test share
//!    |                  |          Completion |
//!    |                  |<--------------------|
//!    |                  |  test signature     |
//! ```
//!
//! Recovery knows the server's identity from the invitation and asks for the server's signature over recovery's own
//! identity, so a hostile hub cannot play the server to recovery and recovery to the server. Where device and recovery
//! run on one machine, that machine is trusted wholly for those seconds.

mod dealt;
pub mod device;
mod message;
pub mod recovery;
mod round1;
mod run;
pub mod server;

#[cfg(feature = "ecdsa")]
pub(crate) use dealt::Route;
pub(crate) use dealt::{SEALED_SHARE, open_as_recovery, open_dealt, seal_to_recovery};
pub use message::{Closing, Completion, Opening, RecoveryOpening, RecoveryRound, ServerRound, ToRecovery};
pub(crate) use round1::{Dealt, Round1};
pub(crate) use run::{Run, names_its_run};

/// The number of a created key's epoch.
pub(crate) const FIRST_EPOCH: u32 = 1;

#[cfg(test)]
mod tests;
