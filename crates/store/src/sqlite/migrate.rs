//! From whatever schema a database has to the newest. Each step is one transaction: a crash leaves the old or the new.

use rusqlite::{Connection, TransactionBehavior};

use super::open::OpenFault;

/// The steps, in order; the number of those done is the database's `user_version`. A released step never changes.
pub(crate) const STEPS: &[&str] = &[
    include_str!("../../migrations/0001_first.sql"),
    include_str!("../../migrations/0002_outpoints_by_outpoint.sql"),
    include_str!("../../migrations/0003_issued_without_raw.sql"),
    include_str!("../../migrations/0004_invitations_for_a_wallet.sql"),
];

/// What marks a file as ours.
const APPLICATION: i32 = 0x3246_4c44;

/// Brings a database up to date.
pub(crate) fn migrate(connection: &mut Connection, steps: &[&str]) -> Result<(), OpenFault> {
    let empty: bool = connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))?;
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let found = if empty && application == 0 {
        bounded(connection, steps.len())?
    } else {
        ours(connection, steps.len())?
    };
    for (done, step) in steps.iter().enumerate().skip(found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", i64::try_from(done + 1).unwrap_or(i64::MAX))?;
        transaction.commit()?;
        tracing::info!(schema = done + 1, "database migrated");
    }
    Ok(())
}

/// The schema of a database that is ours and no newer than what is known.
pub(crate) fn ours(connection: &Connection, known: usize) -> Result<usize, OpenFault> {
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if application != APPLICATION {
        return Err(OpenFault::Foreign);
    }
    bounded(connection, known)
}

fn bounded(connection: &Connection, known: usize) -> Result<usize, OpenFault> {
    let found = version(connection)?;
    if found > known {
        return Err(OpenFault::Newer { found, known });
    }
    Ok(found)
}

fn version(connection: &Connection) -> Result<usize, OpenFault> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    usize::try_from(version).map_err(|_| OpenFault::Foreign)
}
