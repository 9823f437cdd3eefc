//! SQLite's errors: what they mean to the port, and to a commit.

use rusqlite::{
    ErrorCode,
    ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID, SQLITE_CONSTRAINT_UNIQUE, SQLITE_IOERR_WRITE},
};
use twofold_cosigner::port::store::StoreFault;

/// What the port hears of an error.
pub(crate) fn told(error: &rusqlite::Error) -> StoreFault {
    match error {
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..) => StoreFault::Damaged(error.to_string()),
        rusqlite::Error::SqliteFailure(cause, _) => match cause.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreFault::Damaged(error.to_string()),
            ErrorCode::ConstraintViolation => {
                StoreFault::Damaged(format!("a write does not fit the rows that are there: {error}"))
            }
            _ => StoreFault::Unavailable(error.to_string()),
        },
        _ => StoreFault::Unavailable(error.to_string()),
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
