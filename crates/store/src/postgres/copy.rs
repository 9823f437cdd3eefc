//! Copies: what a PostgreSQL database holds, as a SQLite database, and back. So a backup is the same file whichever database
//! it was made of, and is restored into either.

use std::{path::Path, pin::pin};

use futures::TryStreamExt as _;
use rusqlite::{Connection, params_from_iter, types::Value};
use tokio_postgres::{Client, types::ToSql};

use super::{PostgresStore, alone, fault::PostgresFault, in_order::in_order, row::PostgresRow, write::Param};
use crate::{
    row::{Columns as _, Value as Read},
    sqlite::{
        copy::{Contents, CopyFault, empty, received},
        open::OpenFault,
    },
};

/// All tables, in an order in which each refers to those before it.
pub(super) const TABLES: [&str; 19] = [
    "server_secrets",
    "counters",
    "users",
    "invitations",
    "devices",
    "wallets",
    "wallet_chains",
    "shares",
    "ceremonies",
    "replays",
    "audit",
    "charges",
    "issued",
    "spent_by_issued",
    "scripts",
    "transactions",
    "coins",
    "blocks",
    "rescans",
];

/// Rows sent before their answers are awaited.
const TOGETHER: usize = 256;

/// Why the database on the other side can't be used.
fn sqlite(error: rusqlite::Error) -> PostgresFault {
    PostgresFault::Copy(CopyFault::Open(OpenFault::Sqlite(error)))
}

impl PostgresStore {
    /// Copies the database as it is at one moment into a file, which is replaced: a SQLite database of the same schema.
    /// Nothing waits for it. It writes that file on the thread that it is called on.
    pub async fn copy_to(&self, file: &Path) -> Result<Contents, PostgresFault> {
        let mut target = empty(file)?;
        let session = self.0.pool.apart().await?;
        let client = session.client();
        client
            .batch_execute(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
                 SET LOCAL statement_timeout = 0;
                 SET LOCAL idle_in_transaction_session_timeout = '10min'",
            )
            .await?;
        let transaction = target.transaction().map_err(sqlite)?;
        let mut wallets = 0;
        for table in TABLES {
            let count = copy_table(client, &transaction, table).await?;
            if table == "wallets" {
                wallets = count;
            }
        }
        transaction.commit().map_err(sqlite)?;
        client.batch_execute("COMMIT").await?;
        Ok(crate::sqlite::copy::finished(&target, wallets)?)
    }

    /// Takes over what a copy holds, whole or not at all, and notes that it was restored and which server's anchor it may
    /// follow. Only an empty database takes it.
    pub async fn take_copy(&self, file: &Path, takes_over: Option<[u8; 16]>) -> Result<Contents, PostgresFault> {
        let (source, contents) = received(file)?;
        let session = self.0.pool.apart().await?;
        let client = session.client();
        client
            .batch_execute(
                "BEGIN;
                 SET LOCAL statement_timeout = 0;
                 SET LOCAL idle_in_transaction_session_timeout = '10min'",
            )
            .await?;
        for table in TABLES {
            let found = client.query_opt(&format!("SELECT 1 FROM {table} LIMIT 1"), &[]).await?;
            if found.is_some() {
                return Err(PostgresFault::Occupied(table));
            }
        }
        for table in TABLES {
            take_table(client, &source, table).await?;
        }
        client
            .batch_execute(
                "SELECT setval(pg_get_serial_sequence('transactions', 'number'), (SELECT max(number) FROM transactions))",
            )
            .await?;
        alone::note(client, takes_over).await?;
        client.batch_execute("COMMIT").await?;
        Ok(contents)
    }
}

fn columns(sqlite: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = sqlite.prepare("SELECT name FROM pragma_table_info(?1)")?;
    statement.query_map([table], |row| row.get(0))?.collect()
}

async fn copy_table(client: &Client, target: &Connection, table: &str) -> Result<u64, PostgresFault> {
    let columns = columns(target, table).map_err(sqlite)?;
    let (names, places) = (columns.join(", "), vec!["?"; columns.len()].join(", "));
    let mut insert = target
        .prepare(&format!("INSERT INTO {table} ({names}) VALUES ({places})"))
        .map_err(sqlite)?;
    let none: [&(dyn ToSql + Sync); 0] = [];
    let rows = client.query_raw(&format!("SELECT {names} FROM {table}"), none).await?;
    let mut rows = pin!(rows);
    let mut count = 0;
    while let Some(row) = rows.try_next().await? {
        let row = PostgresRow(&row);
        let mut values = Vec::with_capacity(columns.len());
        for at in 0..columns.len() {
            let value = row
                .value(at)
                .map_err(|fault| PostgresFault::Refused(fault.to_string()))?;
            values.push(match value {
                Read::Null => Value::Null,
                Read::Integer(number) => Value::Integer(number),
                Read::Text(text) => Value::Text(text.to_owned()),
                Read::Blob(bytes) => Value::Blob(bytes.to_vec()),
            });
        }
        insert.execute(params_from_iter(values)).map_err(sqlite)?;
        count += 1;
    }
    Ok(count)
}

async fn take_table(client: &Client, source: &Connection, table: &str) -> Result<(), PostgresFault> {
    let columns = columns(source, table).map_err(sqlite)?;
    let names = columns.join(", ");
    let places: Vec<String> = (1..=columns.len()).map(|at| format!("${at}")).collect();
    let insert = format!("INSERT INTO {table} ({names}) VALUES ({})", places.join(", "));
    let insert = client.prepare(&insert).await?;
    let mut statement = source
        .prepare(&format!("SELECT {names} FROM {table}"))
        .map_err(sqlite)?;
    let mut rows = statement.query([]).map_err(sqlite)?;
    loop {
        let mut together: Vec<Vec<Param<'static>>> = Vec::with_capacity(TOGETHER);
        while together.len() < TOGETHER
            && let Some(row) = rows.next().map_err(sqlite)?
        {
            let mut params = Vec::with_capacity(columns.len());
            for at in 0..columns.len() {
                params.push(match row.get::<_, Value>(at).map_err(sqlite)? {
                    Value::Null => Param::Null,
                    Value::Integer(number) => Param::Int(number),
                    Value::Text(text) => Param::Said(text),
                    Value::Blob(bytes) => Param::Made(bytes),
                    Value::Real(_) => return Err(PostgresFault::Refused(format!("{table} holds a fraction"))),
                });
            }
            together.push(params);
        }
        if together.is_empty() {
            return Ok(());
        }
        let sent = together.iter().map(|params| client.execute_raw(&insert, params));
        for answer in in_order(sent).await {
            answer?;
        }
    }
}
