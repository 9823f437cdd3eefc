//! A server that has the database to itself, and what becomes of it when another does.

use tokio::runtime::Builder;
use twofold_cosigner::{
    RESTORED, TAKES_OVER,
    port::{
        conformance::sample::{audit, populate, put, user, wallet_id},
        store::{Batch, Store, StoreFault, Write},
    },
};
use twofold_testkit::Postgres;

use super::{Fresh, run, settings};
use crate::{PostgresFault, PostgresStore};

async fn alone(server: &Postgres) -> Result<PostgresStore, PostgresFault> {
    PostgresStore::open(&settings(server)).await?.alone().await
}

/// What a network does that forgets a connection: the server of the database ends it, its client is not told.
const CUT_HOLDER: &str =
    "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND objid = 3";

#[test]
fn s12_a_second_server_is_refused_while_the_first_one_has_the_database() {
    let server = Postgres::start().unwrap();
    let first = run(alone(&server)).unwrap();
    let second = run(alone(&server)).unwrap_err();
    assert!(matches!(second, PostgresFault::InUse), "{second}");
    run(put(&first, [Write::AddUser(user(1))]));
    let clone = first.clone();
    drop(first);
    run(put(&clone, [Write::AddUser(user(2))]));
    drop(clone);
    let third = run(alone(&server)).unwrap();
    assert!(run(third.user("invitation", "02")).unwrap().is_some());
}

#[test]
fn s08_a_server_that_wakes_up_after_another_took_over_writes_nothing_more() {
    let server = Postgres::start().unwrap();
    // Nothing of it moves but while it is asked, its connections included.
    let sleeper = Builder::new_current_thread().enable_all().build().unwrap();
    let asleep = sleeper.block_on(alone(&server)).unwrap();
    sleeper.block_on(populate(&asleep));
    // While it stands still, its lock's connection is cut, and another starts and works on the same wallet.
    assert_eq!(server.sql(CUT_HOLDER).unwrap(), "1");
    let awake = run(alone(&server)).unwrap();
    let spend = |seq| Batch {
        expect: Vec::new(),
        writes: vec![Write::Audit(audit(1, seq))],
    };
    run(awake.commit(spend(1))).unwrap();
    let stale = sleeper.block_on(asleep.commit(spend(2)));
    assert!(
        matches!(&stale, Err(StoreFault::Unavailable(why)) if why.contains("taken the database over")),
        "{stale:?}"
    );
    assert!(asleep.sealed().is_some());
    assert!(sleeper.block_on(asleep.tip()).is_err());
    assert_eq!(run(awake.audit(wallet_id(1), 1, 9)).unwrap(), [audit(1, 1)]);
    run(awake.commit(spend(2))).unwrap();
}

#[test]
fn a_server_whose_lock_was_cut_takes_it_again_and_goes_on() {
    let server = Postgres::start().unwrap();
    let store = run(alone(&server)).unwrap();
    server.kill();
    server.restart().unwrap();
    let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 3 AND granted";
    let back = (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        server.sql(held).unwrap() == "1"
    });
    assert!(back, "nobody has the lock");
    run(put(&store, [Write::AddUser(user(1))]));
}

#[test]
fn s06_a_database_that_stands_elsewhere_than_it_did_says_that_it_was_restored() {
    let server = Postgres::start().unwrap();
    let before = run(alone(&server)).unwrap();
    assert_eq!(run(before.counter(RESTORED)).unwrap(), 0);
    drop(before);
    // The same place: nothing to say.
    let again = run(alone(&server)).unwrap();
    assert_eq!(run(again.counter(RESTORED)).unwrap(), 0);
    drop(again);
    // As a standby finds it that has taken the other's place, or who loads a dump.
    server
        .sql("UPDATE twofold.twofold_instance SET place = '1/00000001/2/3'")
        .unwrap();
    let promoted = run(alone(&server)).unwrap();
    assert_eq!(run(promoted.counter(RESTORED)).unwrap(), 1);
    assert_eq!(run(promoted.server_secret(TAKES_OVER)).unwrap(), Some(Vec::new()));
    run(promoted.mark_restored(Some([7; 16]))).unwrap();
    assert_eq!(run(promoted.counter(RESTORED)).unwrap(), 2);
    assert_eq!(run(promoted.server_secret(TAKES_OVER)).unwrap(), Some(vec![7; 16]));
}

#[test]
fn s06_a_running_server_stops_when_its_database_becomes_another() {
    let fresh = Fresh::new();
    run(populate(&*fresh));
    assert!(run(fresh.wallet(wallet_id(1))).unwrap().is_some());
    // Dropped and made anew under its feet, as a restore does it.
    fresh
        .server
        .sql("DROP SCHEMA twofold CASCADE; CREATE SCHEMA twofold AUTHORIZATION twofold")
        .unwrap();
    drop(run(PostgresStore::open(&settings(&fresh.server))).unwrap());
    fresh.server.kill();
    fresh.server.restart().unwrap();
    let refused = (0..600).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        run(fresh.tip()).err().filter(|_| fresh.sealed().is_some())
    });
    let refused = refused.expect("it goes on in another database").to_string();
    assert!(refused.contains("the database was restored"), "{refused}");
}
