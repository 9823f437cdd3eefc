//! Schemas that grow, and crashes while they do.

use std::{thread, time::Duration};

use futures::future::join;
use twofold_cosigner::port::{
    conformance::sample::{populate, put, user, wallet, wallet_id},
    store::{Store, Write},
};
use twofold_testkit::Postgres;

use super::{Fresh, RUNTIME, run, settings};
use crate::{
    PostgresFault, PostgresStore,
    postgres::{
        migrate::{STEPS, Step, migrate},
        session::Session,
    },
};

/// One step more than this program has.
fn and(sql: &'static str) -> Vec<Step> {
    let more = STEPS.last().map(|step| step.makes + 1).unwrap();
    STEPS.iter().copied().chain([Step { makes: more, sql }]).collect()
}

async fn session(server: &Postgres) -> Session {
    Session::connect(&settings(server).reached().unwrap()).await.unwrap()
}

fn schema(server: &Postgres) -> String {
    let columns = "SELECT table_name, column_name, data_type FROM information_schema.columns
                   WHERE table_schema = 'twofold' ORDER BY 1, ordinal_position";
    server.sql(columns).unwrap()
}

#[test]
fn s15_a_step_that_fails_midway_leaves_the_schema_before_it_and_can_be_done_again() {
    let fresh = Fresh::new();
    run(populate(&*fresh));
    let before = schema(&fresh.server);
    // In its middle, and where it is done and its number can't be noted.
    for (sql, why) in [
        (
            "CREATE TABLE half (x INT); DELETE FROM wallet_chains; SELECT 1 / 0",
            "division by zero",
        ),
        (
            "DELETE FROM wallet_chains; CREATE TABLE half (x INT);
             ALTER TABLE twofold_schema ADD CONSTRAINT no_more CHECK (number < 0) NOT VALID",
            "no_more",
        ),
    ] {
        let failing = and(sql);
        let failed = run(async { migrate(&session(&fresh.server).await, &failing).await }).unwrap_err();
        assert!(failed.to_string().contains(why), "{failed}");
        assert_eq!(schema(&fresh.server), before);
        assert!(run(fresh.chains(wallet_id(1))).unwrap().is_some());
    }
    let whole = and("CREATE TABLE whole (x INT)");
    run(async { migrate(&session(&fresh.server).await, &whole).await }).unwrap();
    assert!(schema(&fresh.server).contains("whole"));
    // A server that runs goes on beside a step that only adds.
    run(put(&*fresh, [Write::AddUser(user(9))]));
}

#[test]
fn s15_a_crash_in_a_migration_leaves_the_schema_before_it_and_can_be_done_again() {
    let fresh = Fresh::new();
    run(populate(&*fresh));
    let before = schema(&fresh.server);
    let server = &fresh.server;
    thread::scope(|scope| {
        let migrating = scope.spawn(|| {
            let endless = and("CREATE TABLE half (x INT); SELECT pg_sleep(3600)");
            run(async { migrate(&session(server).await, &endless).await })
        });
        let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        while server.sql(sleeps).unwrap() == "0" {
            thread::sleep(Duration::from_millis(50));
        }
        server.kill();
        assert!(migrating.join().unwrap().is_err());
    });
    server.restart().unwrap();
    assert_eq!(schema(server), before);
    let whole = and("CREATE TABLE whole (x INT)");
    run(async { migrate(&session(server).await, &whole).await }).unwrap();
    assert_eq!(run(fresh.wallet(wallet_id(1))).unwrap(), Some(wallet(1, 1)));
}

#[test]
fn s15_a_newer_database_is_refused_by_name_and_left_alone() {
    let fresh = Fresh::new();
    fresh
        .server
        .sql("INSERT INTO twofold.twofold_schema (number) VALUES (99)")
        .unwrap();
    let before = schema(&fresh.server);
    let refused = run(PostgresStore::open(&settings(&fresh.server))).unwrap_err();
    assert!(matches!(refused, PostgresFault::Newer { found: 99, .. }), "{refused}");
    assert!(
        refused
            .to_string()
            .starts_with("the database has schema 99, this program knows "),
        "{refused}"
    );
    assert_eq!(schema(&fresh.server), before);
}

#[test]
fn two_servers_that_start_at_once_make_the_tables_once() {
    let server = Postgres::start().unwrap();
    let (one, two) = (settings(&server), settings(&server));
    let (one, two) = run(async {
        let one = RUNTIME.spawn(async move { PostgresStore::open(&one).await });
        let two = RUNTIME.spawn(async move { PostgresStore::open(&two).await });
        join(one, two).await
    });
    let (one, two) = (one.unwrap().unwrap(), two.unwrap().unwrap());
    run(put(&one, [Write::AddUser(user(1))]));
    assert!(run(two.user("invitation", "01")).unwrap().is_some());
    assert_eq!(server.sql("SELECT count(*) FROM twofold.twofold_schema").unwrap(), "1");
}

/// A backup of one database is restored into the other, table by table and column by column.
#[test]
fn the_tables_are_those_of_sqlite() {
    let fresh = Fresh::new();
    let directory = tempfile::TempDir::new().unwrap();
    drop(crate::SqliteStore::open(directory.path()).unwrap());
    let sqlite = rusqlite::Connection::open(directory.path().join("twofold.db")).unwrap();
    let number: u32 = sqlite.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(STEPS.last().map(|step| step.makes), Some(number));
    let mut statement = sqlite
        .prepare(
            "SELECT m.name || '.' || p.name || ' ' || p.type || ' ' || (p.\"notnull\" OR p.pk)
             FROM sqlite_schema m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'",
        )
        .unwrap();
    let mut ours: Vec<String> = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let theirs = fresh
        .server
        .sql(
            "SELECT table_name || '.' || column_name || ' ' ||
                    CASE data_type WHEN 'bytea' THEN 'BLOB' WHEN 'bigint' THEN 'INTEGER' ELSE 'TEXT' END || ' ' ||
                    CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END
             FROM information_schema.columns
             WHERE table_schema = 'twofold' AND table_name NOT LIKE 'twofold%'",
        )
        .unwrap();
    let mut theirs: Vec<String> = theirs.lines().map(str::to_owned).collect();
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
}
