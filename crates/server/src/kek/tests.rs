use std::{fs, os::unix::fs::PermissionsExt as _};

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
