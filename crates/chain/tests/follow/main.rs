//! The follower over a real bitcoind, or a real electrs, and a real database.

#![expect(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

mod house;
mod purse;

mod by_script;
mod counting;
mod mempool;
mod reading;
mod reorganized;
mod rescanned;
