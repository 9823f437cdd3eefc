//! A disk that fails. A scenario has the failpoints of this process to itself.

use fail::FailScenario;
use futures::executor::block_on;
use tempfile::TempDir;
use twofold_cosigner::port::{
    conformance::sample::{commit, put},
    store::{Store, StoreFault, Write},
};
use twofold_store::SqliteStore;

#[test]
fn a_commit_whose_fsync_fails_seals_the_store_until_it_is_opened_again() {
    let scenario = FailScenario::setup();
    let directory = TempDir::new().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    block_on(put(&store, [Write::RaiseCounter("time", 1)]));
    fail::cfg("store-commit-fsync", "1*return").unwrap();
    let failed = block_on(commit(&store, [Write::RaiseCounter("time", 2)]));
    assert!(matches!(failed, Err(StoreFault::Unavailable(_))), "{failed:?}");
    assert!(store.is_sealed());
    // The failure is over, and still nothing goes.
    let later = block_on(commit(&store, [Write::RaiseCounter("time", 3)]));
    assert!(matches!(later, Err(StoreFault::Unavailable(_))), "{later:?}");
    assert!(matches!(
        block_on(store.counter("time")),
        Err(StoreFault::Unavailable(_))
    ));
    drop(store);
    let store = SqliteStore::open(directory.path()).unwrap();
    assert!(!store.is_sealed());
    assert!([1, 2].contains(&block_on(store.counter("time")).unwrap()));
    scenario.teardown();
}

#[test]
fn s04_a_full_disk_refuses_the_write_and_the_store_recovers_by_itself() {
    let scenario = FailScenario::setup();
    let directory = TempDir::new().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    block_on(put(&store, [Write::RaiseCounter("time", 1)]));
    fail::cfg("store-commit-full", "2*return").unwrap();
    for _ in 0..2 {
        let failed = block_on(commit(&store, [Write::RaiseCounter("time", 2)]));
        assert!(matches!(failed, Err(StoreFault::Unavailable(_))), "{failed:?}");
        assert_eq!(
            block_on(store.counter("time")).unwrap(),
            1,
            "reads work, and nothing was changed"
        );
    }
    block_on(put(&store, [Write::RaiseCounter("time", 3)]));
    assert_eq!(block_on(store.counter("time")).unwrap(), 3);
    scenario.teardown();
}

#[test]
fn a_checkpoint_whose_fsync_fails_seals_the_store() {
    let scenario = FailScenario::setup();
    let directory = TempDir::new().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    fail::cfg("store-checkpoint", "return").unwrap();
    block_on(put(&store, [Write::RaiseCounter("time", 1)]));
    // The writer moves its log once it has been idle for a while.
    let sealed = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        store.is_sealed()
    });
    assert!(sealed);
    scenario.teardown();
}

#[test]
fn a_writer_that_panics_seals_the_store_instead_of_hanging_it() {
    let scenario = FailScenario::setup();
    let directory = TempDir::new().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    fail::cfg("store-committed", "panic").unwrap();
    let failed = block_on(commit(&store, [Write::RaiseCounter("time", 1)]));
    assert!(matches!(failed, Err(StoreFault::Unavailable(_))), "{failed:?}");
    assert!(matches!(
        block_on(store.counter("time")),
        Err(StoreFault::Unavailable(_))
    ));
    scenario.teardown();
}
