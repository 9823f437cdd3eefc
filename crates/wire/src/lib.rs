#![forbid(unsafe_code)]
//! The API on the wire: protobuf messages, generated from `proto/`, and their conversions from and to
//! [`twofold_api`]'s plain types.
//!
//! Generated types stay in here. A client turns a request into bytes and bytes into a reply ([`client`]); a server
//! implements `service::Service` over plain types and gets decoding, encoding and refusals done for it (feature
//! `server`). Whatever arrives is checked for length, count and shape here, once; nothing downstream checks again.

pub mod client;
pub mod error;
mod malformed;
mod methods;
mod pairing;
mod parts;
mod people;
mod recovery;
mod replies;
mod requests;
#[cfg(test)]
mod sample;
#[cfg(feature = "server")]
pub mod service;
mod shape;
pub mod stream;

pub use malformed::{Malformed, Problem};
pub use methods::{METHODS, Method};

/// The messages of `proto/twofold/v1/cosigner.proto`.
#[expect(
    dead_code,
    unreachable_pub,
    clippy::all,
    clippy::allow_attributes,
    clippy::pedantic,
    reason = "generated"
)]
mod proto {
    include!(concat!(env!("OUT_DIR"), "/twofold.v1.rs"));
}
