//! Each released schema leaves a dump in `tests/fixtures`, which must open for ever.

use std::{fmt::Write as _, fs, path::Path};

use rusqlite::{Connection, types::Value};
use tempfile::TempDir;
use twofold_cosigner::port::{
    conformance::sample::{audit, mined, outpoint, put, wallet_id},
    store::{Store, Write},
};

use super::{Fresh, block_on, raw};
use crate::{
    OpenFault, SqliteStore,
    filled::{fill, is_filled},
    sqlite::migrate,
};

const SCHEMA_1: &str = include_str!("../../../tests/fixtures/schema-1.sql");
const SCHEMA_2: &str = include_str!("../../../tests/fixtures/schema-2.sql");
const SCHEMA_3: &str = include_str!("../../../tests/fixtures/schema-3.sql");
const SCHEMA_4: &str = include_str!("../../../tests/fixtures/schema-4.sql");

/// A database as SQL: its schema, then its rows.
fn dump(connection: &Connection) -> String {
    let mut dump = String::new();
    for pragma in ["application_id", "user_version"] {
        let value: i64 = connection
            .query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))
            .unwrap();
        writeln!(dump, "PRAGMA {pragma} = {value};").unwrap();
    }
    let entries = schema(connection);
    for (_, sql) in &entries {
        writeln!(dump, "{sql};").unwrap();
    }
    for (table, _) in entries.iter().filter(|(_, sql)| sql.starts_with("CREATE TABLE")) {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let width = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<String> = (0..width).map(|column| literal(row.get(column).unwrap())).collect();
            writeln!(dump, "INSERT INTO {table} VALUES ({});", values.join(", ")).unwrap();
        }
    }
    dump
}

fn literal(value: Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(_) => panic!("no column holds a fraction"),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Blob(bytes) => {
            let mut hex = String::new();
            for byte in bytes {
                write!(hex, "{byte:02x}").unwrap();
            }
            format!("x'{hex}'")
        }
    }
}

/// Names and definitions of tables and indexes.
fn schema(connection: &Connection) -> Vec<(String, String)> {
    let sql = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// A directory whose database is a dump.
fn loaded(dump: &str) -> TempDir {
    let directory = TempDir::new().unwrap();
    let connection = raw(directory.path());
    connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    connection.execute_batch(dump).unwrap();
    directory
}

#[test]
#[ignore = "writes the fixture of a schema that is about to be released; it is committed once and never changes"]
fn write_the_newest_fixture() {
    let fresh = Fresh::new();
    block_on(fill(&fresh.store));
    let Fresh { store, directory } = fresh;
    drop(store);
    let name = format!("tests/fixtures/schema-{}.sql", migrate::STEPS.len());
    fs::write(
        Path::new(env!("CARGO_MANIFEST_DIR")).join(name),
        dump(&raw(directory.path())),
    )
    .unwrap();
}

#[test]
fn f23_a_database_of_an_older_schema_opens_and_keeps_its_data() {
    for dump in [SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4] {
        let directory = loaded(dump);
        let store = SqliteStore::open(directory.path()).unwrap();
        block_on(is_filled(&store));
        block_on(put(
            &store,
            [
                Write::Audit(audit(1, 3)),
                Write::PutTransaction(mined(1, 1, 101)),
                // Another spend of what one that waits spends.
                Write::SettleIssued {
                    wallet: wallet_id(1),
                    txid: [9; 32],
                    outpoints: vec![outpoint(1)],
                    height: 101,
                },
            ],
        ));
        drop(store);
        block_on(is_filled_and_changed(directory.path()));
    }
}

async fn is_filled_and_changed(directory: &Path) {
    let store = SqliteStore::open(directory).unwrap();
    assert_eq!(store.audit(wallet_id(1), 1, 9).await.unwrap().len(), 3);
    assert_eq!(store.issued(wallet_id(1)).await.unwrap(), []);
    assert_eq!(store.transactions(wallet_id(1), 4, 9).await.unwrap()[0].cursor, 5);
}

#[test]
fn a_released_step_never_changes() {
    let fresh = TempDir::new().unwrap();
    let mut connection = raw(fresh.path());
    for (number, dump) in [SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4].iter().enumerate() {
        migrate::migrate(&mut connection, &migrate::STEPS[..=number]).unwrap();
        assert_eq!(schema(&connection), schema(&raw(loaded(dump).path())));
    }
}

#[test]
fn a_step_that_fails_midway_leaves_the_schema_before_it() {
    let fresh = Fresh::new();
    block_on(fill(&fresh.store));
    let fresh = fresh.reopen(|_| {});
    let Fresh { store, directory } = fresh;
    drop(store);
    let mut connection = raw(directory.path());
    let before = dump(&connection);
    let known = migrate::STEPS.len();
    let and = |step| [migrate::STEPS, &[step]].concat();
    let failing = and("CREATE TABLE half (x); DELETE FROM audit; INSERT INTO missing VALUES (1);");
    migrate::migrate(&mut connection, &failing).unwrap_err();
    assert_eq!(dump(&connection), before);
    migrate::migrate(&mut connection, &and("CREATE TABLE whole (x);")).unwrap();
    drop(connection);
    let refused = SqliteStore::open(directory.path());
    assert!(matches!(refused, Err(OpenFault::Newer { found, .. }) if found == known + 1));
}

#[test]
fn a_newer_database_is_refused_by_name_and_left_alone() {
    let fresh = Fresh::new();
    let Fresh { store, directory } = fresh;
    drop(store);
    raw(directory.path()).pragma_update(None, "user_version", 99).unwrap();
    let refused = SqliteStore::open(directory.path()).unwrap_err().to_string();
    assert!(
        refused.starts_with("the database has schema 99, this program knows "),
        "{refused}"
    );
    let version: i64 = raw(directory.path())
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, 99);
}
