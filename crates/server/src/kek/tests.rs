use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use twofold_cosigner::KekName;

use super::Files;
use crate::config::{Hook, Keeper, Keeping};

fn at(path: &Path) -> Files {
    Files::at(path, &Keeping::default())
}

/// The digits of a key that was drawn into this file.
fn generated(path: &Path) -> String {
    at(path).ensure().unwrap();
    fs::read_to_string(path).unwrap().trim().to_owned()
}

#[test]
fn a_generated_key_is_private_and_reads_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    let digits = generated(&path);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(hex::encode(at(&path).look().unwrap().plain.unwrap().expose()), digits);
}

#[test]
fn an_existing_key_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    let before = generated(&path);
    assert_eq!(generated(&path), before);
}

#[test]
fn a_key_that_others_may_read_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    generated(&path);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let fault = at(&path).look().unwrap_err();
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
    let fault = at(&path).look().unwrap_err();
    assert!(fault.to_string().contains("64 hex digits"), "{fault}");
}

#[test]
fn the_key_never_prints() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    let digits = generated(&path);
    let printed = format!("{:?} {:?}", at(&path).look().unwrap(), at(&path));
    assert!(!printed.contains(&digits[..16]), "{printed}");
}

fn named(path: &Path) -> KekName {
    at(path).current().unwrap().name()
}

/// A KEK and the one that was drawn to take its place.
fn drawn(folder: &tempfile::TempDir) -> (Files, [KekName; 2]) {
    let files = at(&folder.path().join("kek"));
    files.ensure().unwrap();
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
    generated(&other);
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
    let files = at(&folder.path().join("kek"));
    files.ensure().unwrap();
    fs::write(folder.path().join("kek.draft"), "00ff").unwrap();
    assert!(files.read().unwrap().1.is_none());
    files.draw(named(&files.kek)).unwrap();
    assert!(files.read().unwrap().1.is_some());
}

/// Files whose keys are kept by two shell scripts from now on.
fn by_a_command(files: &Files, wrap: &str, unwrap: &str) -> Files {
    let shell = |script: &str| ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let hook = Hook {
        unwrap: shell(unwrap),
        wrap: shell(wrap),
        environment: Vec::new(),
        seconds: 60,
    };
    let keeping = Keeping {
        kind: Keeper::Command,
        command: Some(hook),
        pkcs11: None,
    };
    Files::at(&files.kek, &keeping)
}

const WRAP: &str = "tr 0-9a-f g-v";
const UNWRAP: &str = "tr g-v 0-9a-f";

#[test]
fn s18_a_kek_moves_to_another_keeper_and_back_as_it_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let plain = at(&folder.path().join("kek"));
    plain.ensure().unwrap();
    let first = plain.current().unwrap().name();
    let wrapped = by_a_command(&plain, WRAP, UNWRAP);
    // Nothing but kek.kind was changed yet, and the server starts.
    assert!(wrapped.read().unwrap().0.name() == first);
    let next = wrapped.draw(first).unwrap().name();
    let (old, new) = wrapped.read().unwrap();
    assert!(old.name() == first && new.unwrap().name() == next);
    assert!(wrapped.follow(next).unwrap());
    assert!(wrapped.current().unwrap().name() == next && wrapped.look().unwrap().keeper == Keeper::Command);
    assert!(named(&plain.old) == first);
    assert!(plain.current().unwrap_err().to_string().contains("kek.command.unwrap"));
    fs::remove_file(&wrapped.old).unwrap();
    // And back, with the command still named for the old one.
    let mut keeping = wrapped.keeping.clone();
    keeping.kind = Keeper::File;
    let back = Files::at(&plain.kek, &keeping);
    let last = back.draw(next).unwrap().name();
    assert!(back.follow(last).unwrap());
    assert!(named(&plain.kek) == last);
}

#[test]
fn s18_a_key_laid_there_in_plain_is_not_taken_where_a_command_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let plain = at(&folder.path().join("kek"));
    plain.ensure().unwrap();
    let first = named(&plain.kek);
    generated(&plain.next);
    let refused = by_a_command(&plain, WRAP, UNWRAP).draw(first).unwrap_err().to_string();
    assert!(refused.contains("not kept as kek.kind says"), "{refused}");
}

#[rstest::rstest]
#[case::another_key(&format!("echo {}", "07".repeat(32)), "another key came back")]
#[case::none("exit 1", "kek.command.unwrap")]
fn s18_a_key_that_does_not_come_back_from_its_keeper_is_never_used(#[case] unwrap: &str, #[case] said: &str) {
    let folder = tempfile::tempdir().unwrap();
    let plain = at(&folder.path().join("kek"));
    plain.ensure().unwrap();
    let fault = by_a_command(&plain, WRAP, unwrap).draw(named(&plain.kek)).unwrap_err();
    assert!(fault.to_string().contains(said), "{fault}");
    assert!(!plain.next.exists());
}

#[test]
fn a_key_from_the_environment_is_looked_for_by_name_and_only_without_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let plain = at(&folder.path().join("kek"));
    let keeping = Keeping {
        kind: Keeper::Environment,
        ..Keeping::default()
    };
    let files = Files::at(&plain.kek, &keeping);
    files.ensure().unwrap();
    assert!(!plain.kek.exists());
    assert!(files.read().unwrap_err().to_string().contains("TWOFOLD_KEK"));
    plain.ensure().unwrap();
    assert!(files.current().unwrap().name() == named(&plain.kek));
    assert!(files.look().unwrap().keeper == Keeper::File);
}
