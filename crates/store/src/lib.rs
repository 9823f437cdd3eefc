//! SQLite behind the cosigner's storage port.
//!
//! One process owns a data directory, and in it one thread owns the connection that writes: it takes whatever batches
//! wait, of however many wallets, and makes one durable transaction of them. Reads run on connections of their own,
//! beside the writer, on the caller's thread: they take tens of microseconds.

#[cfg(test)]
mod tests;

mod anchor;
mod apply;
mod copy;
mod failpoint;
mod fault;
mod list;
mod lock;
pub mod metric;
mod migrate;
mod open;
mod read;
mod readers;
mod row;
mod writer;

pub use anchor::AnchorFile;
pub use copy::{Contents, CopyFault, Vacant, copy_of};
pub use open::{OpenFault, SqliteStore};
