//! What is acknowledged is kept, or the database is not used.

use std::{thread, time::Duration};

use twofold_cosigner::port::{
    conformance::sample::{put, user},
    store::{Store, StoreFault, Write},
};
use twofold_testkit::Postgres;

use super::{Fresh, run, settings};
use crate::{PostgresFault, PostgresStore};

#[test]
fn s02_a_database_that_would_lose_what_it_acknowledges_is_refused_by_name() {
    let server = Postgres::start().unwrap();
    for (told, sql) in [
        (
            "synchronous_commit is off",
            "ALTER ROLE twofold SET synchronous_commit = off",
        ),
        (
            "synchronous_commit is local",
            "ALTER ROLE twofold SET synchronous_commit = local",
        ),
    ] {
        server.sql(sql).unwrap();
        let refused = run(PostgresStore::open(&settings(&server))).unwrap_err();
        assert!(matches!(refused, PostgresFault::NotDurable(_)), "{refused}");
        assert!(refused.to_string().contains(told), "{refused}");
    }
    server
        .sql("ALTER ROLE twofold SET synchronous_commit = remote_apply")
        .unwrap();
    run(PostgresStore::open(&settings(&server))).unwrap();
    for setting in ["fsync=off", "full_page_writes=off"] {
        server.set(setting);
        server.restart().unwrap();
        let refused = run(PostgresStore::open(&settings(&server))).unwrap_err();
        assert!(matches!(refused, PostgresFault::NotDurable(_)), "{refused}");
    }
}

#[test]
fn s02_a_database_that_begins_to_lose_what_it_acknowledges_is_used_no_more() {
    let fresh = Fresh::new();
    run(put(&*fresh, [Write::AddUser(user(1))]));
    fresh.server.set("fsync=off");
    fresh.server.restart().unwrap();
    for _ in 0..20 {
        let read = run(fresh.tip()).unwrap_err().to_string();
        assert!(read.contains("fsync is off") || read.contains("closed"), "{read}");
    }
}

#[test]
fn s02_a_session_waits_for_the_disk_though_the_servers_configuration_no_longer_asks_for_it() {
    let fresh = Fresh::new();
    run(put(&*fresh, [Write::AddUser(user(1))]));
    reload(&fresh.server, "synchronous_commit", "off");
    let shown = run(fresh.ask("SELECT current_setting('synchronous_commit')", &[])).unwrap();
    assert_eq!(shown[0].get::<_, &str>(0), "on");
    // New ones are refused, as at the start.
    let refused = run(PostgresStore::open(&settings(&fresh.server))).unwrap_err();
    assert!(matches!(refused, PostgresFault::NotDurable(_)), "{refused}");
}

#[test]
fn s02_a_server_stops_when_its_database_no_longer_waits_for_its_disk() {
    let server = Postgres::start().unwrap();
    let store = run(async { PostgresStore::open(&settings(&server)).await?.alone().await }).unwrap();
    assert_eq!(store.sealed(), None);
    reload(&server, "full_page_writes", "off");
    let why = (0..600).find_map(|_| {
        thread::sleep(Duration::from_millis(20));
        store.sealed()
    });
    assert!(why.is_some_and(|why| why.contains("does not keep")), "{why:?}");
    assert!(matches!(run(store.tip()), Err(StoreFault::Unavailable(_))));
}

/// Changes a setting under whoever is connected.
fn reload(server: &Postgres, setting: &str, value: &str) {
    server.sql(&format!("ALTER SYSTEM SET {setting} = {value}")).unwrap();
    server.sql("SELECT pg_reload_conf()").unwrap();
    while server.sql(&format!("SHOW {setting}")).unwrap() != value {
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn s02_what_is_acknowledged_is_there_after_the_server_is_killed() {
    let fresh = Fresh::new();
    for n in 0..5 {
        run(put(&*fresh, [Write::AddUser(user(n))]));
        fresh.server.kill();
        fresh.server.restart().unwrap();
        let store = run(PostgresStore::open(&settings(&fresh.server))).unwrap();
        for n in 0..=n {
            let found = run(store.user("invitation", &format!("{n:02x}"))).unwrap();
            assert!(found.is_some(), "user {n} is lost");
        }
        // The store of before has broken connections: the next write makes new ones.
        assert!(run(fresh.user("invitation", "00")).unwrap().is_some());
    }
}
