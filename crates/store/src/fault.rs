//! What can go wrong with a write or a read, before it becomes the port's `StoreFault`.

use twofold_cosigner::port::store::StoreFault;
use twofold_threshold::id::WalletId;

/// A failure inside the store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// SQLite's own.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL's own, or of the way to it.
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
    /// The database can't be reached or asked now.
    #[error("{0}")]
    Unavailable(String),
    /// A wallet's version was another.
    #[error("wallet {0} changed meanwhile")]
    Conflict(WalletId),
    /// A row that must be new was there.
    #[error("{0} exists already")]
    Exists(&'static str),
    /// A row is not what it should be.
    #[error("{0}")]
    Damaged(String),
}

impl From<Fault> for StoreFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Conflict(wallet) => Self::Conflict(wallet),
            Fault::Exists(what) => Self::Exists(what),
            Fault::Damaged(what) => Self::Damaged(what),
            Fault::Unavailable(why) => Self::Unavailable(why),
            Fault::Sqlite(error) => crate::sqlite::fault::told(&error),
            Fault::Postgres(error) => crate::postgres::fault::told(&error),
        }
    }
}

/// A number as a database keeps it: signed, 64 bits.
pub(crate) fn int(what: &'static str, number: u64) -> Result<i64, Fault> {
    i64::try_from(number).map_err(|_| Fault::Damaged(format!("{what} does not fit 63 bits")))
}
