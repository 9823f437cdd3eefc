use std::os::unix::fs::{PermissionsExt, symlink};

use futures::executor::block_on;
use tempfile::TempDir;

use super::*;

fn folder() -> (TempDir, Folder) {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::open(&place.path().join("home")).expect("opens");
    (place, folder)
}

fn name() -> BlobName {
    "device".parse().expect("well-formed")
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("is there").mode() & 0o7777
}

#[test]
fn the_folder_is_0700_and_what_is_in_it_0600() {
    let (_place, folder) = folder();
    let _lock = block_on(folder.lock()).expect("locks");
    block_on(folder.save(&name(), b"sealed")).expect("saves");
    assert_eq!(mode(folder.path()), 0o700);
    for entry in fs::read_dir(folder.path()).expect("reads") {
        assert_eq!(mode(&entry.expect("reads").path()), 0o600);
    }
}

#[test]
fn saving_replaces_whole_and_listing_and_removing_follow() {
    let (_place, folder) = folder();
    block_on(folder.save(&name(), b"a long first content")).expect("saves");
    block_on(folder.save(&name(), b"short")).expect("saves");
    assert_eq!(
        block_on(folder.load(&name())).expect("loads").as_deref(),
        Some(b"short".as_slice())
    );
    assert_eq!(block_on(folder.names()).expect("lists"), vec![name()]);
    block_on(folder.remove(&name())).expect("removes");
    block_on(folder.remove(&name())).expect("removes nothing");
    assert_eq!(block_on(folder.load(&name())), Ok(None));
    assert_eq!(block_on(folder.names()).expect("lists"), vec![]);
}

#[test]
fn what_could_not_be_read_back_is_not_written_and_what_was_there_stays() {
    let (_place, folder) = folder();
    block_on(folder.save(&name(), b"readable")).expect("saves");
    let most = usize::try_from(ITEM_BYTES).expect("fits");
    let fault = block_on(folder.save(&name(), &vec![0; most + 1])).expect_err("must refuse");
    assert!(
        matches!(fault, KeystoreFault::Broken { doing: "writing", .. }),
        "{fault}"
    );
    assert_eq!(
        block_on(folder.load(&name())).expect("loads").as_deref(),
        Some(b"readable".as_slice())
    );
}

#[test]
fn what_a_crash_left_half_written_is_no_item_and_in_nobodys_way() {
    let (_place, folder) = folder();
    block_on(folder.save(&name(), b"whole")).expect("saves");
    fs::write(folder.path().join(".device.new"), b"ha").expect("writes");
    assert_eq!(
        block_on(folder.load(&name())).expect("loads").as_deref(),
        Some(b"whole".as_slice())
    );
    assert_eq!(block_on(folder.names()).expect("lists"), vec![name()]);
    block_on(folder.save(&name(), b"newer")).expect("saves");
    assert_eq!(
        block_on(folder.load(&name())).expect("loads").as_deref(),
        Some(b"newer".as_slice())
    );
}

#[test]
fn a_second_process_is_told_in_a_clear_sentence() {
    let (_place, folder) = folder();
    let lock = block_on(folder.lock()).expect("locks");
    let fault = block_on(folder.lock()).expect_err("must refuse");
    assert!(
        fault.to_string().starts_with("another twofold command is using "),
        "{fault}"
    );
    drop(lock);
    block_on(folder.lock()).expect("locks again");
}

#[test]
fn loose_permissions_are_refused_with_the_command_that_mends_them() {
    let (_place, folder) = folder();
    block_on(folder.save(&name(), b"sealed")).expect("saves");
    let file = folder.path().join("device.twofold");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("chmod");
    let fault = block_on(folder.load(&name())).expect_err("must refuse");
    assert!(fault.to_string().contains("chmod 600"), "{fault}");

    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
    let fault = Folder::open(folder.path()).expect_err("must refuse");
    assert!(fault.to_string().contains("chmod 700"), "{fault}");
}

#[test]
fn links_inside_the_folder_are_not_followed() {
    let (place, folder) = folder();
    let outside = place.path().join("outside");
    fs::write(&outside, b"precious").expect("writes");
    fs::set_permissions(&outside, fs::Permissions::from_mode(0o600)).expect("chmod");
    symlink(&outside, folder.path().join("device.twofold")).expect("links");
    symlink(&outside, folder.path().join("lock")).expect("links");
    assert!(matches!(
        block_on(folder.load(&name())),
        Err(KeystoreFault::Misplaced { .. })
    ));
    assert!(matches!(block_on(folder.lock()), Err(KeystoreFault::Misplaced { .. })));
    block_on(folder.save(&name(), b"sealed")).expect("replaces the link itself");
    assert_eq!(fs::read(&outside).expect("reads"), b"precious");
}

#[test]
fn a_file_where_the_folder_should_be_is_named() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("home");
    fs::write(&file, b"").expect("writes");
    assert!(matches!(Folder::open(&file), Err(KeystoreFault::Misplaced { .. })));
}
