//! Chains, behind the cosigner's port. One adapter a node's kind: bitcoind by its JSON-RPC, and servers that speak the
//! Electrum protocol. [`Sources`] holds one to another.
//!
//! An adapter asks and checks the form of what it is told. It decides nothing and holds no keys.

pub mod bitcoind;
pub mod electrum;
mod fault;
mod rate;
mod sources;

pub use bitcoind::Bitcoind;
pub use electrum::Electrum;
pub use sources::{Source, Sources};
