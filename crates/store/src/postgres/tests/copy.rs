//! Copies into SQLite and back.

use tempfile::TempDir;
use twofold_cosigner::{
    RESTORED, TAKES_OVER,
    port::{
        conformance::sample::{audit, mined, populate, put, transaction, user, wallet_id},
        store::{Store, Write},
    },
};

use super::{Fresh, run};
use crate::{PostgresFault, SqliteStore, Vacant, filled};

#[test]
fn s14_a_copy_is_of_one_moment_and_restores_into_either_database() {
    let fresh = Fresh::new();
    run(filled::fill(&*fresh));
    let place = TempDir::new().unwrap();
    let copy = place.path().join("copy");
    let contents = run(fresh.copy_to(&copy)).unwrap();
    assert_eq!(contents.wallets, 2);

    let directory = place.path().join("data");
    let vacant = Vacant::take(&directory, &[]).unwrap();
    let (part, file) = vacant.part().unwrap();
    drop(file);
    std::fs::copy(&copy, part).unwrap();
    assert_eq!(vacant.install(None).unwrap(), contents);
    let sqlite = SqliteStore::open(&directory).unwrap();
    run(filled::is_filled(&sqlite));
    assert_eq!(run(sqlite.counter(RESTORED)).unwrap(), 1);

    // What was moved to SQLite and used there moves back.
    run(put(&sqlite, [Write::Audit(audit(1, 3))]));
    sqlite.copy_to(&copy, &mut || ()).unwrap();
    let other = Fresh::new();
    assert_eq!(run(other.take_copy(&copy, Some([7; 16]))).unwrap(), contents);
    assert_eq!(run(other.audit(wallet_id(1), 3, 9)).unwrap(), [audit(1, 3)]);
    assert_eq!(run(other.counter(RESTORED)).unwrap(), 2);
    assert_eq!(run(other.server_secret(TAKES_OVER)).unwrap(), Some(vec![7; 16]));
    run(put(
        &*other,
        [
            Write::PutTransaction(transaction(2, 77)),
            Write::PutTransaction(mined(1, 1, 101)),
        ],
    ));
    assert_eq!(
        run(other.transaction(wallet_id(1), [1; 32])).unwrap().unwrap().cursor,
        5
    );
}

#[test]
fn a_copy_is_taken_by_an_empty_database_alone() {
    let (fresh, place) = (Fresh::new(), TempDir::new().unwrap());
    let copy = place.path().join("copy");
    run(populate(&*fresh));
    run(fresh.copy_to(&copy)).unwrap();
    let other = Fresh::new();
    run(put(&*other, [Write::AddUser(user(1))]));
    let refused = run(other.take_copy(&copy, None)).unwrap_err();
    assert!(matches!(refused, PostgresFault::Occupied("users")), "{refused}");
    assert!(run(other.wallets(None, None, 9)).unwrap().is_empty());
    assert_eq!(run(other.counter(RESTORED)).unwrap(), 0);
}
