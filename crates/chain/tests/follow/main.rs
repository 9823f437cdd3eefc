//! The follower over a real bitcoind and a real database.

#![expect(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

mod house;
mod purse;

mod counting;
mod mempool;
mod reading;
mod reorganized;
mod rescanned;
