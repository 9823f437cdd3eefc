//! Chains, behind the cosigner's port. One adapter a node's kind; so far bitcoind by its JSON-RPC.
//!
//! An adapter asks and checks the form of what it is told. It decides nothing and holds no keys.

pub mod bitcoind;

pub use bitcoind::Bitcoind;
