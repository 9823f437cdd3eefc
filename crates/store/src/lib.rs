//! SQLite and PostgreSQL behind the cosigner's storage port.
//!
//! [`SqliteStore`] is a data directory that one process owns; [`PostgresStore`] is a database that several may share.
//! Rows are read into the port's records in one place, whichever database they come from.

mod anchor;
mod database;
mod failpoint;
mod fault;
#[cfg(test)]
mod filled;
mod list;
pub mod metric;
mod postgres;
mod row;
mod sqlite;

pub use anchor::AnchorFile;
pub use database::Database;
pub use postgres::{PostgresFault, PostgresStore, Settings, Tls};
pub use sqlite::{
    copy::{Contents, CopyFault, Vacant, copy_of, journal_of},
    open::{OpenFault, SqliteStore},
};
