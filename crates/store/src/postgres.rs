//! PostgreSQL behind the port.
//!
//! A batch is one transaction. A wallet's version is compared and raised by one `UPDATE`, whose row lock is held until the
//! transaction ends: so the database itself orders what is done to a wallet, whoever asks, and of two batches on one
//! version the second finds another. Writes that stand for no version lock what they count from in the same way.
//!
//! All statements of a batch go out before the first answer is awaited, and the commit once all of them did what they
//! should: two round trips, however long the batch. Whoever asked for it may go away: it runs to its end by itself. Where
//! the commit's own answer is lost, the database is asked what became of the transaction.

#[cfg(test)]
mod tests;

mod alone;
mod checks;
mod commit;
mod copy;
mod evidence;
pub(crate) mod fault;
mod in_order;
mod migrate;
mod open;
mod pool;
mod read;
mod row;
mod session;
mod settings;
mod spend;
mod tls;
mod write;

pub use fault::PostgresFault;
pub use open::PostgresStore;
pub use settings::{Settings, Tls};
