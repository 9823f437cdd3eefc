//! Repair: two parties give the third its share back, as it is at the current epoch, and neither they nor whoever carries
//! their messages learns it.
//!
//! Each helper splits its part of the lost share into two *deltas*, keeps one and seals the other to its fellow; what a
//! helper keeps and what it is given add up to its *sigma*, which it seals to the one repaired; the two sigmas are the
//! share. Each helper shows delta·G of both its deltas. They must sum to lambda·Y of its verifying share, and sigma·G must
//! be the sum of the deltas that it is made of, so a lie has a name.
//!
//! ```text
//! first helper         second helper        the one repaired
//!    | Opening            |                     |
//!    |------------------->|                     |  deltas shown, one sealed to the second
//!    |             Answer |                     |
//!    |<-------------------|-------------------->|  its deltas shown, one sealed to the first, its sigma
//!    | Closing            |                     |
//!    |----------------------------------------->|  the first's sigma, and the unlock key
//!    |                    |                     |  the share, held against its verifying share
//! ```
//!
//! The second helper answers in one request and keeps nothing. Recovery goes first where it helps, for it may be on
//! another machine; with it, the server repairs the device ([`Party::Device`](crate::id::Party)) and the device the server.
//! For new words the device goes first and the server second. A [`hub`] carries the messages and checks each as it passes.
//! A repair makes no epoch: a refresh follows at once, so that what was lost is dead.

pub mod first;
pub mod hub;
mod message;
mod part;
pub mod repaired;
pub mod second;

pub use message::{Answer, Claim, Closing, Helpers, Opening, Signed, ToSign};

#[cfg(test)]
mod tests;
