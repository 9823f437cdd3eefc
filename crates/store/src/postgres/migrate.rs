//! From whatever schema a database has to the newest. Each step is one transaction under a lock that the whole database
//! shares: a crash leaves the old schema or the new, and of two servers that start at once one does it.
//!
//! Servers of the version before may still be running while a step is done. So a step only adds (*expands*); what nothing
//! uses any more goes in a step of a later release (*contracts*).

use super::{fault::PostgresFault, session::Session};

/// A step, by the schema that it makes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) makes: u32,
    pub(super) sql: &'static str,
}

/// The steps, in order. Schemas have the numbers of SQLite's: the tables of one number hold the same columns in both. A
/// released step never changes.
pub(super) const STEPS: &[Step] = &[Step {
    makes: 4,
    sql: include_str!("../../migrations/postgres/0004_first.sql"),
}];

/// Names the lock: "2FLD", and what it is for.
const LOCK: &str = "SELECT pg_advisory_xact_lock(845564996, 1)";

/// Brings a database up to date.
pub(super) async fn migrate(session: &Session, steps: &[Step]) -> Result<(), PostgresFault> {
    let client = session.client();
    let known = steps.last().map_or(0, |step| step.makes);
    loop {
        client.batch_execute("BEGIN").await?;
        // Whoever is before this one may be at a table of millions of rows.
        client
            .batch_execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'")
            .await?;
        client.batch_execute(LOCK).await?;
        client
            .batch_execute(
                "CREATE TABLE IF NOT EXISTS twofold_schema (
                     number BIGINT PRIMARY KEY,
                     made TIMESTAMPTZ NOT NULL DEFAULT now()
                 )",
            )
            .await?;
        let row = client.query_one("SELECT max(number) FROM twofold_schema", &[]).await?;
        let found: Option<i64> = row.try_get(0)?;
        let found = u32::try_from(found.unwrap_or(0)).unwrap_or(u32::MAX);
        if found > known {
            return Err(PostgresFault::Newer { found, known });
        }
        let Some(step) = steps.iter().find(|step| step.makes > found) else {
            client.batch_execute("COMMIT").await?;
            return Ok(());
        };
        client.batch_execute(step.sql).await?;
        let number = i64::from(step.makes);
        client
            .execute("INSERT INTO twofold_schema (number) VALUES ($1)", &[&number])
            .await?;
        client.batch_execute("COMMIT").await?;
        tracing::info!(schema = step.makes, "database migrated");
    }
}
