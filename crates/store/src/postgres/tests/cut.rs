//! The server goes away, at every moment of a write.

use std::{thread, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use twofold_cosigner::port::{
    conformance::sample::{audit, populate, put, user, wallet_id},
    store::{Batch, Store, StoreFault, Write},
};

use super::{Fresh, RUNTIME, run};

/// A write of a user that is under way.
fn adding(fresh: &Fresh, n: u8) -> JoinHandle<Result<(), StoreFault>> {
    let store = fresh.store.clone();
    RUNTIME.spawn(async move {
        let writes = vec![Write::AddUser(user(n))];
        let expect = Vec::new();
        store.commit(Batch { expect, writes }).await
    })
}

/// Waits until a session of the store is in a state that the server sees.
fn wait_for(fresh: &Fresh, state: &str) {
    let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = 'twofold' AND {state}");
    for _ in 0..1200 {
        if fresh.server.sql(&sql).unwrap() != "0" {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("no session is so: {state}");
}

/// Asks until the database answers again.
async fn is_there(fresh: &Fresh, n: u8) -> bool {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match fresh.user("invitation", &format!("{n:02x}")).await {
            Ok(found) => return found.is_some(),
            Err(fault) if Instant::now() > until => panic!("{fault}"),
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

#[test]
fn s05_a_commit_that_was_done_and_not_answered_is_told_as_done_and_done_once() {
    let fresh = Fresh::new();
    // A commit waits for a standby that does not exist, when it is on the disk already.
    fresh
        .server
        .sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        .unwrap();
    fresh.server.sql("SELECT pg_reload_conf()").unwrap();
    let shown = "SHOW synchronous_standby_names";
    while fresh.server.sql(shown).unwrap() != "nobody" {
        thread::sleep(Duration::from_millis(10));
    }
    let adding = adding(&fresh, 1);
    wait_for(&fresh, "wait_event = 'SyncRep'");
    fresh
        .server
        .sql("ALTER SYSTEM RESET synchronous_standby_names")
        .unwrap();
    fresh.server.kill();
    fresh.server.restart().unwrap();
    run(adding).unwrap().unwrap();
    assert!(run(is_there(&fresh, 1)));
    assert_eq!(fresh.server.sql("SELECT count(*) FROM twofold.users").unwrap(), "1");
    assert_eq!(fresh.sealed(), None);
}

#[test]
fn s05_a_commit_that_was_cut_off_is_told_as_not_done_and_can_be_done_again() {
    let fresh = Fresh::new();
    // A commit that takes for ever, and has written nothing that counts.
    fresh
        .server
        .sql(
            "CREATE FUNCTION twofold.waits() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep(3600); RETURN NULL; END $$;
             CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON twofold.users DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION twofold.waits()",
        )
        .unwrap();
    let adding = adding(&fresh, 1);
    wait_for(&fresh, "wait_event = 'PgSleep'");
    fresh.server.kill();
    fresh.server.restart().unwrap();
    let refused = run(adding).unwrap();
    assert!(matches!(refused, Err(StoreFault::Unavailable(_))), "{refused:?}");
    assert!(!run(is_there(&fresh, 1)));
    fresh.server.sql("DROP TRIGGER waits ON twofold.users").unwrap();
    run(put(&*fresh, [Write::AddUser(user(1))]));
    assert!(run(is_there(&fresh, 1)));
    assert_eq!(fresh.sealed(), None);
}

#[test]
fn s05_what_is_written_while_the_database_comes_and_goes_is_there_once_or_refused() {
    let fresh = Fresh::new();
    run(populate(&*fresh));
    let store = fresh.store.clone();
    let writing = RUNTIME.spawn(async move {
        let mut version = 1;
        while version <= 150 {
            let batch = Batch {
                expect: vec![(wallet_id(1), version)],
                writes: vec![Write::Audit(audit(1, version))],
            };
            match store.commit(batch).await {
                Ok(()) => version += 1,
                Err(StoreFault::Unavailable(why)) => {
                    assert_eq!(store.sealed(), None, "{why}");
                    sleep(Duration::from_millis(20)).await;
                }
                Err(fault) => panic!("version {version}: {fault}"),
            }
        }
    });
    for n in 101..=103 {
        fresh.server.kill();
        // Whoever comes now has no commit under way to find out about.
        let refused = run(adding(&fresh, n)).unwrap();
        assert!(matches!(refused, Err(StoreFault::Unavailable(_))), "{refused:?}");
        fresh.server.restart().unwrap();
        assert!(!run(is_there(&fresh, n)), "what was refused is not there");
        thread::sleep(Duration::from_millis(200));
    }
    run(writing).unwrap();
    let chain = run(fresh.audit(wallet_id(1), 1, 1000)).unwrap();
    assert_eq!(chain, (1..=150).map(|seq| audit(1, seq)).collect::<Vec<_>>());
    assert_eq!(run(fresh.wallet(wallet_id(1))).unwrap().unwrap().version, 151);
}

#[test]
fn s05_a_database_that_is_gone_is_unavailable_at_once_and_comes_back_by_itself() {
    let fresh = Fresh::new();
    fresh.server.kill();
    // The first few find the connections that are left broken.
    let begun = Instant::now();
    for _ in 0..50 {
        let read = run(fresh.tip());
        assert!(matches!(read, Err(StoreFault::Unavailable(_))), "{read:?}");
        let written = run(adding(&fresh, 1)).unwrap();
        assert!(matches!(written, Err(StoreFault::Unavailable(_))), "{written:?}");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "it took {:?}",
        begun.elapsed()
    );
    fresh.server.restart().unwrap();
    assert!(!run(is_there(&fresh, 1)));
    run(put(&*fresh, [Write::AddUser(user(1))]));
}
