//! Signing with two of the three shares, in two round trips that live in memory alone.
//!
//! ```text
//! asker                           answerer
//!   | Hello                          |   fresh bytes
//!   |------------------------------->|   judges; the library's first phase, without the share
//!   |                          Offer |
//!   |<-------------------------------|
//!   | Half                           |   the first and second phases
//!   |------------------------------->|   judges again; only then the share: the second and third phases
//!   |                         Answer |
//!   |<-------------------------------|
//!   |  third and fourth phases       |
//! ```
//!
//! The session is a hash of wallet, epoch, pair and *both* sides' fresh bytes, and the library mixes it into every number
//! of the first phase already: so the asker cannot begin with that phase, as one would expect, but says hello first. It
//! costs no round trip, and the answerer's share is untouched until it has judged twice.
//!
//! Each message names wallet, epoch, pair and sender, hashes all before it, and is signed by its sender, the asker's in a
//! domain of its own ([`Unsigned`](super::Unsigned)). Nothing secret is done with what fails of this. So a line that
//! garbles ends a session, and no pair: only what the other side itself said can do that.
//!
//! Steps of one pair are taken one at a time, in whichever sessions, and none once the pair has ended: a failed proof tells
//! of its secrets, and hundreds of sessions at once would tell all. What this process can't know, that another has ended
//! the pair, the caller says when it loads a pair and at the second yes ([`Standing`](super::Standing)).
//!
//! No type here can be stored, copied or shown, and each step takes the one before:
//!
//! ```compile_fail
//! # use twofold_threshold::{ecdsa::{SignFault, Standing, sign::*}, share::Share, identity::IdentitySecret};
//! fn twice(judged: Unjudged, share: &Share, identity: &IdentitySecret, standing: Standing) -> Result<(), SignFault> {
//!     judged.release(share, identity, standing)?;
//!     judged.release(share, identity, standing)?; // moved
//!     Ok(())
//! }
//! ```

mod answerer;
mod asker;
mod fault;
mod message;
mod phase;
mod session;
mod signature;

pub use answerer::{AwaitHalf, Unjudged, offer, offer_test};
pub use asker::{AwaitAnswer, AwaitOffer, begin, begin_test};
pub use fault::SignFault;
pub use message::{Answer, Half, Hello, Offer};
pub use signature::RecoverableSignature;

/// What is to be signed, as each side has worked it out for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToSign {
    /// The address's key below the group key: change and index, neither hardened.
    pub path: [u32; 2],
    /// The 32 bytes that ECDSA signs.
    pub digest: [u8; 32],
}

#[cfg(test)]
mod tests;
