//! PostgreSQL's errors: what they mean to the port, to a commit, and to who opens a database.

use tokio_postgres::error::{DbError, Severity, SqlState};
use twofold_cosigner::port::store::StoreFault;

use super::settings;
use crate::sqlite::copy::CopyFault;

/// Why a database can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresFault {
    /// The settings make no sense.
    #[error("[database]: {0}")]
    Settings(String),
    /// It can't be reached now.
    #[error("the database can't be reached: {0}")]
    Unavailable(String),
    /// It would lose what it acknowledged.
    #[error("the database does not keep what it acknowledges: {0}")]
    NotDurable(String),
    /// Another server has it.
    #[error("another server uses this database; stop it first, or give this one a database of its own")]
    InUse,
    /// A newer program wrote it.
    #[error("the database has schema {found}, this program knows {known}: run the newer program that wrote it")]
    Newer {
        /// Schema of the database.
        found: u32,
        /// Newest schema this program knows.
        known: u32,
    },
    /// A backup would be restored over something.
    #[error(
        "the database is not empty (there is something in {0}); a backup is restored only into an empty one, so that \
             nothing is overwritten"
    )]
    Occupied(&'static str),
    /// A copy can't be written or read.
    #[error(transparent)]
    Copy(#[from] CopyFault),
    /// It answers what it should not.
    #[error("the database can't be opened: {0}")]
    Refused(String),
}

impl From<tokio_postgres::Error> for PostgresFault {
    fn from(error: tokio_postgres::Error) -> Self {
        let told = settings::told(&error);
        if error.as_db_error().is_none() {
            return Self::Unavailable(told);
        }
        Self::Refused(told)
    }
}

impl From<StoreFault> for PostgresFault {
    fn from(fault: StoreFault) -> Self {
        match fault {
            StoreFault::Unavailable(why) => Self::Unavailable(why),
            fault => Self::Refused(fault.to_string()),
        }
    }
}

/// What the port hears of an error.
pub(crate) fn told(error: &tokio_postgres::Error) -> StoreFault {
    let told = settings::told(error);
    match error.code().map(SqlState::code) {
        // A value or a reference that does not fit, a column that is not there.
        Some(code) if ["22", "23", "42"].iter().any(|class| code.starts_with(class)) => {
            StoreFault::Damaged(format!("a write does not fit the rows that are there: {told}"))
        }
        _ => StoreFault::Unavailable(told),
    }
}

/// What becomes of a transaction that an error ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It is undone and was only in another's way.
    Again,
    /// It is undone.
    Undone,
    /// The connection is gone, or going.
    Cut,
}

pub(super) fn ended(error: &tokio_postgres::Error) -> Ended {
    let Some(code) = error.code() else {
        return Ended::Cut;
    };
    // An operator or a crash ends the session: whether a commit under way is done, this does not say. Nor do a server's last
    // words, whatever they are about: a disk that fails at a commit may have kept it.
    let severity = error.as_db_error().and_then(DbError::parsed_severity);
    let last_words = matches!(severity, Some(Severity::Fatal | Severity::Panic));
    if last_words || code.code().starts_with("57P") || code.code().starts_with("08") {
        return Ended::Cut;
    }
    if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code) {
        return Ended::Again;
    }
    Ended::Undone
}
