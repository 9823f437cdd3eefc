use std::{fs, path::Path};

use rstest::rstest;

use super::{BEGUN, FILES, WHOLE, make};
use crate::{
    config::{Tls, Trust},
    tls::Chain,
};

const NOW: u64 = 1_790_000_000;

fn names() -> Vec<String> {
    vec!["localhost".into()]
}

fn fits(folder: &Path) {
    let tls = Tls {
        certificate: folder.join("chain.pem"),
        key: folder.join("key.pem"),
        trust: Trust::Pinned,
    };
    assert!(Chain::load(&tls).unwrap().pin().is_some());
    assert!(!folder.join(BEGUN).exists() && !folder.join(WHOLE).exists());
}

/// Takes a made certificate back to where it stood with so many of its files moved in.
fn broken_off(folder: &Path, moved: usize) {
    make(folder, names(), NOW).unwrap();
    fs::create_dir(folder.join(WHOLE)).unwrap();
    for name in &FILES[moved..] {
        fs::rename(folder.join(name), folder.join(WHOLE).join(name)).unwrap();
    }
}

#[rstest]
fn broken_off_between_any_two_files_the_next_call_finishes_with_the_same_ca(#[values(0, 1, 2, 3)] moved: usize) {
    let folder = tempfile::tempdir().unwrap();
    broken_off(folder.path(), moved);
    let key = |folder: &Path| {
        fs::read(folder.join("ca-key.pem")).or_else(|_| fs::read(folder.join(WHOLE).join("ca-key.pem")))
    };
    let before = key(folder.path()).unwrap();
    make(folder.path(), names(), NOW).unwrap();
    assert_eq!(key(folder.path()).unwrap(), before);
    fits(folder.path());
}

#[test]
fn broken_off_while_writing_the_next_call_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(BEGUN)).unwrap();
    fs::write(folder.path().join(BEGUN).join("ca-key.pem"), "half").unwrap();
    make(folder.path(), names(), NOW).unwrap();
    fits(folder.path());
}

#[rstest]
fn a_key_that_is_there_is_kept_and_the_message_names_it(#[values("ca-key.pem", "key.pem")] name: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), "mine").unwrap();
    let fault = make(folder.path(), names(), NOW).unwrap_err().to_string();
    assert!(fault.contains(name) && fault.contains("move"), "{fault}");
    assert_eq!(fs::read(folder.path().join(name)).unwrap(), b"mine");
}
