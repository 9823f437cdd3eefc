#![no_std]
#![forbid(unsafe_code)]
//! Shares, epochs, ceremonies and signing as state machines that consume themselves.
//!
//! Nothing here does I/O, reads a clock or owns a source of randomness: messages and randomness come in, messages
//! come out. A machine's step takes the machine, so a step cannot be taken twice, and a nonce cannot outlive the
//! request that it was made for.
//!
//! - [`create`] makes a key with three parties, two round trips to the server;
//! - [`repair`] gives a party its share back, with the other two;
//! - [`refresh`] deals new shares of the same key, recovery absent;
//! - [`sign`] makes a BIP-340 signature with two of them, one round trip;
//! - `ecdsa`, a feature of its own, makes a second key and ECDSA signatures with two of its three shares;
//! - [`pairing`] compares the keys of a new device by a short string;
//! - [`mod@derive`] gives the BIP-32 children and the taproot output keys that both sides sign for;
//! - [`words`] and [`package`] are what recovery keeps; [`seal`] and [`envelope`] what the others keep and send.

extern crate alloc;
#[cfg(any(test, feature = "ecdsa"))]
extern crate std;

pub mod checkpoint;
mod codec;
pub mod create;
pub mod derive;
pub mod device_list;
#[cfg(feature = "ecdsa")]
pub mod ecdsa;
pub mod envelope;
mod fault;
#[cfg(test)]
mod fixture;
mod hash;
pub mod id;
pub mod identity;
pub mod package;
pub mod pairing;
mod point;
pub mod refresh;
pub mod repair;
pub mod seal;
pub mod secret;
pub mod share;
pub mod sign;
pub mod transcript;
pub mod words;

pub use fault::{Class, Fault, FaultKind};
pub use rand_core;
