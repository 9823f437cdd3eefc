use std::{fs, os::unix::fs::PermissionsExt};

use tempfile::TempDir;
use twofold_cosigner::port::{
    conformance::sample::{populate, put, wallet_id},
    store::{Store, Write},
};

use super::{Fresh, block_on, raw};
use crate::{OpenFault, SqliteStore};

#[test]
fn a_second_process_is_refused_with_the_directory_named() {
    let fresh = Fresh::new();
    let second = SqliteStore::open(fresh.directory.path()).unwrap_err();
    let directory = fresh.directory.path().to_string_lossy().into_owned();
    assert_eq!(
        second.to_string(),
        format!("another process uses {directory}; stop it first, or give this one a directory of its own")
    );
    let Fresh { store, directory } = fresh;
    let clone = store.clone();
    drop(store);
    assert!(
        matches!(SqliteStore::open(directory.path()), Err(OpenFault::InUse(_))),
        "a clone still holds it"
    );
    drop(clone);
    SqliteStore::open(directory.path()).unwrap();
}

#[test]
fn only_the_owner_can_read_what_is_made() {
    let parent = TempDir::new().unwrap();
    let directory = parent.path().join("a/b");
    let store = SqliteStore::open(&directory).unwrap();
    block_on(put(&store, [Write::RaiseCounter("time", 1)]));
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    let mut files = 0;
    for file in fs::read_dir(&directory).unwrap() {
        let file = file.unwrap();
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            file.file_name()
        );
        files += 1;
    }
    assert!(files >= 4, "database, log, its index and the lock, but {files} files");
}

#[test]
fn what_was_committed_is_there_after_opening_again() {
    let fresh = Fresh::new();
    block_on(populate(&*fresh));
    let fresh = fresh.reopen(|_| {});
    assert!(block_on(fresh.wallet(wallet_id(1))).unwrap().is_some());
}

#[test]
fn a_foreign_database_is_left_alone() {
    let directory = TempDir::new().unwrap();
    raw(directory.path())
        .execute_batch("CREATE TABLE precious (x)")
        .unwrap();
    assert!(matches!(SqliteStore::open(directory.path()), Err(OpenFault::Foreign)));
    raw(directory.path()).execute_batch("SELECT x FROM precious").unwrap();
    fs::write(
        directory.path().join("twofold.db"),
        "not a database at all, but long enough to look at".repeat(9),
    )
    .unwrap();
    assert!(matches!(SqliteStore::open(directory.path()), Err(OpenFault::Sqlite(_))));
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = SqliteStore::open(&file.join("data")).unwrap_err();
    assert!(
        matches!(&refused, OpenFault::Io { path, .. } if path.ends_with("data")),
        "{refused}"
    );
}
