use std::{fs, os::unix::fs::PermissionsExt as _};

use twofold_cosigner::{Kek, KekName};

use super::Files;
use crate::fault::Fault;

#[test]
fn a_generated_key_is_private_and_reads_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    super::generate(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(hex::encode(super::read(&path).unwrap().expose()), text.trim());
}

#[test]
fn an_existing_key_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    super::generate(&path).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(super::generate(&path), Err(Fault::File { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_key_that_others_may_read_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    super::generate(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let fault = super::read(&path).unwrap_err();
    assert!(fault.to_string().contains("chmod 600"), "{fault}");
    assert_eq!(fault.exit_code(), 4);
}

#[rstest::rstest]
#[case::empty("")]
#[case::short("00ff")]
#[case::not_hex("zz00000000000000000000000000000000000000000000000000000000000000")]
#[case::long("000000000000000000000000000000000000000000000000000000000000000000")]
fn a_file_that_is_no_key_is_refused(#[case] text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    crate::private_file::create(&path, text.as_bytes()).unwrap();
    let fault = super::read(&path).unwrap_err();
    assert!(fault.to_string().contains("64 hex digits"), "{fault}");
}

#[test]
fn the_key_never_prints() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    super::generate(&path).unwrap();
    let digits = fs::read_to_string(&path).unwrap();
    let printed = format!("{:?}", super::read(&path).unwrap());
    assert!(!printed.contains(digits.trim()) && printed.len() < 40, "{printed}");
}

fn named(path: &std::path::Path) -> KekName {
    Kek::new(super::read(path).unwrap()).name()
}

/// A KEK and the one that was drawn to take its place.
fn drawn(folder: &tempfile::TempDir) -> (Files, [KekName; 2]) {
    let files = Files::of(&folder.path().join("kek"));
    super::generate(&files.kek).unwrap();
    let first = named(&files.kek);
    let next = files.draw(first).unwrap().name();
    assert!(next != first && files.draw(first).unwrap().name() == next);
    (files, [first, next])
}

#[test]
fn s18_the_files_follow_a_new_kek_however_often_it_is_cut_short() {
    let folder = tempfile::tempdir().unwrap();
    let (files, [first, next]) = drawn(&folder);
    assert!(!files.follow(first).unwrap(), "moved before all was sealed under it");
    // Cut short between its two steps.
    fs::hard_link(&files.kek, &files.old).unwrap();
    assert!(files.follow(next).unwrap());
    assert!(named(&files.kek) == next && named(&files.old) == first && !files.next.exists());
    assert!(!files.follow(next).unwrap());
    let again = files.draw(next).unwrap_err().to_string();
    assert!(again.contains("destroy it first"), "{again}");
    fs::remove_file(&files.old).unwrap();
    let third = files.draw(next).unwrap().name();
    assert!(files.follow(third).unwrap());
    assert!(named(&files.kek) == third && named(&files.old) == next);
}

#[test]
fn s18_a_key_that_somebody_put_there_is_neither_kept_as_the_old_one_nor_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let (files, [first, next]) = drawn(&folder);
    let other = folder.path().join("other");
    super::generate(&other).unwrap();
    // Beside it, where the old one would go.
    fs::copy(&other, &files.old).unwrap();
    assert!(files.follow(next).is_err());
    assert!(named(&files.kek) == first && named(&files.old) == named(&other));
    fs::remove_file(&files.old).unwrap();
    // In the place of the next one.
    fs::copy(&other, &files.next).unwrap();
    let told = files.follow(next).unwrap_err().to_string();
    assert!(told.contains("neither"), "{told}");
    assert!(named(&files.kek) == first && files.old().is_none());
    // In the place of the one in use.
    fs::copy(&other, &files.kek).unwrap();
    assert!(files.draw(first).unwrap_err().to_string().contains("put that one back"));
}

#[test]
fn s18_half_a_key_that_a_crash_left_is_drawn_anew() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::of(&folder.path().join("kek"));
    super::generate(&files.kek).unwrap();
    fs::write(folder.path().join("kek.draft"), "00ff").unwrap();
    assert!(files.read().unwrap().1.is_none());
    files.draw(named(&files.kek)).unwrap();
    assert!(files.read().unwrap().1.is_some());
}
