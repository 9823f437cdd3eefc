//! Copies of a database in use, and putting one in place.

use std::{
    fs::{self, File},
    io,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use tempfile::TempDir;
use twofold_cosigner::port::{
    conformance::sample::{audit, populate, put, wallet_id},
    store::{Store, Write},
};
use twofold_cosigner::{RESTORED, TAKES_OVER};

use super::{Fresh, block_on};
use crate::{
    Contents, CopyFault, OpenFault, SqliteStore, Vacant, copy_of, journal_of,
    sqlite::{copy::PART, open::DATABASE},
};

/// Puts a copy in place as a restore does.
fn restore(copy: &Path, directory: &Path, takes_over: Option<[u8; 16]>) -> Result<Contents, CopyFault> {
    let vacant = Vacant::take(directory, &[])?;
    let (_, mut part) = vacant.part()?;
    io::copy(&mut File::open(copy).unwrap(), &mut part).unwrap();
    vacant.install(takes_over)
}

#[test]
fn s14_a_copy_taken_under_writes_is_of_one_moment_and_restores() {
    let (fresh, place) = (Fresh::new(), TempDir::new().unwrap());
    block_on(populate(&*fresh));
    let copy = place.path().join("copy");
    let done = AtomicBool::new(false);
    let written = thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut seq = 0;
            while !done.load(Ordering::SeqCst) {
                seq += 1;
                block_on(put(&*fresh, [Write::Audit(audit(1, seq))]));
            }
            seq
        });
        for _ in 0..5 {
            fresh.copy_to(&copy, &mut || ()).unwrap();
        }
        done.store(true, Ordering::SeqCst);
        writing.join().unwrap()
    });
    let directory = place.path().join("data");
    assert_eq!(restore(&copy, &directory, Some([7; 16])).unwrap().wallets, 2);
    let restored = SqliteStore::open(&directory).unwrap();
    assert_eq!(block_on(restored.counter(RESTORED)).unwrap(), 1);
    assert_eq!(block_on(restored.server_secret(TAKES_OVER)).unwrap(), Some(vec![7; 16]));
    let entries = block_on(restored.audit(wallet_id(1), 1, u32::MAX)).unwrap();
    assert!(entries.len() as u64 <= written);
    assert!(
        entries.iter().zip(1..).all(|(entry, seq)| entry.seq == seq),
        "a hole in the copy"
    );
}

#[test]
fn a_place_that_is_not_empty_is_refused_and_stays_as_it_is() {
    let (fresh, place) = (Fresh::new(), TempDir::new().unwrap());
    block_on(populate(&*fresh));
    let copy = place.path().join("copy");
    fresh.copy_to(&copy, &mut || ()).unwrap();
    let directory = place.path().join("data");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("twofold.db-wal"), b"x").unwrap();
    assert!(matches!(
        restore(&copy, &directory, None),
        Err(CopyFault::Occupied { found, .. }) if found == "twofold.db-wal"
    ));
    assert_eq!(fs::read(directory.join("twofold.db-wal")).unwrap(), b"x");
    // One that a server has open.
    assert!(matches!(
        restore(&copy, fresh.directory.path(), None),
        Err(CopyFault::Open(OpenFault::InUse(_)))
    ));
}

#[test]
fn what_is_no_sound_database_of_ours_is_not_put_in_place() {
    let (fresh, place) = (Fresh::new(), TempDir::new().unwrap());
    block_on(populate(&*fresh));
    let copy = place.path().join("copy");
    fresh.copy_to(&copy, &mut || ()).unwrap();
    let directory = place.path().join("data");
    let whole = fs::read(&copy).unwrap();
    let broken: [(&str, Vec<u8>); 3] = [
        ("nothing", Vec::new()),
        ("text", b"not a database, but long enough to look at. ".repeat(100)),
        ("half", whole[..whole.len() / 2].to_vec()),
    ];
    for (what, bytes) in broken {
        fs::write(&copy, bytes).unwrap();
        assert!(restore(&copy, &directory, None).is_err(), "{what} was restored");
        assert!(!directory.join(DATABASE).exists(), "{what} was put in place");
    }
    // What that left behind is no obstacle.
    fs::write(&copy, whole).unwrap();
    restore(&copy, &directory, None).unwrap();
}

#[test]
fn s14_a_place_that_a_restore_left_half_done_is_no_database_and_takes_the_restore_again() {
    let (fresh, place) = (Fresh::new(), TempDir::new().unwrap());
    block_on(populate(&*fresh));
    let copy = place.path().join("copy");
    fresh.copy_to(&copy, &mut || ()).unwrap();
    let directory = place.path().join("data");
    let vacant = Vacant::take(&directory, &[]).unwrap();
    let (part, _) = vacant.part().unwrap();
    drop(vacant);
    // What a kill in the middle of its last write leaves: it would be played back into whatever is put there next.
    fs::copy(&copy, &part).unwrap();
    fs::write(journal_of(&part), fs::read(&copy).unwrap()).unwrap();
    assert_eq!(part, directory.join(PART));
    let refused = SqliteStore::open(&directory).map(drop);
    assert!(matches!(refused, Err(OpenFault::HalfRestored(_))), "{refused:?}");
    assert!(!directory.join(DATABASE).exists(), "a database was begun there");
    assert_eq!(restore(&copy, &directory, None).unwrap().wallets, 2);
    assert!(!journal_of(&part).exists());
    SqliteStore::open(&directory).unwrap();
}

#[test]
fn a_directory_that_no_server_has_is_copied_as_it_is() {
    let (fresh, place) = (Fresh::new(), TempDir::new().unwrap());
    block_on(populate(&*fresh));
    let copy = place.path().join("copy");
    let directory = fresh.directory.path().to_path_buf();
    assert!(matches!(
        copy_of(&directory, &copy),
        Err(CopyFault::Open(OpenFault::InUse(_)))
    ));
    let Fresh { store, directory } = fresh;
    drop(store);
    assert_eq!(copy_of(directory.path(), &copy).unwrap().wallets, 2);
    assert!(matches!(copy_of(place.path(), &copy), Err(CopyFault::Missing(_))));
}
