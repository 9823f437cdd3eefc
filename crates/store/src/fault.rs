//! What can go wrong with a write or a read, before it becomes the port's `StoreFault`.

use rusqlite::{
    ErrorCode,
    ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID, SQLITE_CONSTRAINT_UNIQUE, SQLITE_IOERR_WRITE},
};
use twofold_cosigner::port::store::StoreFault;
use twofold_threshold::id::WalletId;

/// A failure inside the store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// SQLite's own.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
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
            Fault::Sqlite(error) => match &error {
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..) => Self::Damaged(error.to_string()),
                rusqlite::Error::SqliteFailure(cause, _) => match cause.code {
                    ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Damaged(error.to_string()),
                    ErrorCode::ConstraintViolation => {
                        Self::Damaged(format!("a write does not fit the rows that are there: {error}"))
                    }
                    _ => Self::Unavailable(error.to_string()),
                },
                _ => Self::Unavailable(error.to_string()),
            },
        }
    }
}

/// Whether a row was refused because its key is taken.
pub(crate) fn is_taken(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::SqliteFailure(cause, _) if matches!(
            cause.extended_code,
            SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_ROWID
        )
    )
}

/// Whether a failed COMMIT surely left nothing behind: the disk was full, or the frames could not be written, so the
/// one that makes a transaction count was not. After any other failure, a failed fsync above all, the pages may or may
/// not reach the disk, and asking again proves nothing (the kernel reports such an error once).
pub(crate) fn surely_not_committed(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(cause, _) = error else {
        return false;
    };
    matches!(
        cause.code,
        ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked
    ) || cause.extended_code == SQLITE_IOERR_WRITE
}
