//! SQLite behind the port.
//!
//! One process owns a data directory, and in it one thread owns the connection that writes: it takes whatever batches
//! wait, of however many wallets, and makes one durable transaction of them. Reads run on connections of their own,
//! beside the writer, on the caller's thread: they take tens of microseconds.

#[cfg(test)]
mod tests;

mod apply;
pub(crate) mod copy;
pub(crate) mod fault;
mod lock;
mod migrate;
pub(crate) mod open;
mod read;
mod readers;
mod row;
mod spend;
mod writer;
