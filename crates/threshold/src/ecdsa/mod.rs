//! Threshold ECDSA on secp256k1: DKLs23 (<https://eprint.iacr.org/2023/765>) as `dkls23-core` has it, two of three.
//!
//! The library has had no audit, and its interface leaves much to whoever calls it. What was found in it, and how each
//! thing is dealt with here:
//!
//! - **A key of two of two is never made.** There its key generation takes a replayed proof, and one party gets the whole
//!   key. [`create`] makes two of three, commitments first and proofs after, and refuses proofs of one point.
//! - **Nothing but a share outlives a key generation.** What two parties need to sign is made by each pair on its own
//!   ([`pair`]), so recovery's share is hollow until recovery signs, and a device's set-up with the server is its own.
//! - **A failed proof ends a pair's set-up** ([`SignFault::Quarantined`]): each tells the cheat a little of the other's
//!   secrets. The library says the same of a message that is merely cut short, so every message is read whole, each
//!   field by its length, before the library sees any of it, and is signed by who says it. A process has one state for each
//!   pair, whatever it has loaded of it, and takes one step at a time; what must outlive it the caller keeps ([`Standing`]).
//! - **Its randomness is the thread's own generator**, which is seeded anew before and after each step that draws from it.
//!   Nothing else can be mixed in: a machine whose memory is copied *within* a step is not covered.
//! - **It prints its shares**, so no type of its leaves this module.
//!
//! Signing takes two round trips ([`sign`]), which live in memory only. The group key stands where a wallet's account
//! `m/44'/60'/0'` does: hardened steps need a whole secret key, which is nowhere, so addresses are the additive children
//! `0/i` of the group key ([`AccountKey`]).

use crate::{Fault, FaultKind, codec::Reader};

/// The library to the letter: what it keeps and says is its own form, which another version need not read or mean alike.
const LIBRARY: &[u8] = b"dkls23-core 0.6.2";

/// What is kept or said by another version of the library is refused before it is read.
fn same_library(reader: &mut Reader<'_>) -> Result<(), Fault> {
    if reader.var(64)? == LIBRARY {
        Ok(())
    } else {
        Err(FaultKind::UnknownVersion.into())
    }
}

mod account;
pub mod create;
mod curve;
#[cfg(test)]
pub(crate) mod fixture;
mod ground;
pub mod pair;
mod proof;
mod randomness;
mod said;
pub mod sign;
mod transcript;

pub use account::AccountKey;
pub use ground::Ground;
pub use pair::{Pair, PairId, Standing};
pub use said::Unsigned;
pub use sign::SignFault;
pub use transcript::{EcdsaTranscript, SignedEcdsaTranscript};

/// The chain of epochs of an ECDSA key, with what recovery needs to follow it.
pub type EcdsaChain = crate::package::ChainFrom<EcdsaTranscript>;
