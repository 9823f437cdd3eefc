use std::{fs, os::unix::fs::PermissionsExt as _};

use super::{Place, chosen, guessable, secrets, well_known};
use crate::development;

#[test]
fn rights_of_others_are_read_off_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let with = |mode| {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        Place::of(folder.path())
    };
    assert!(!with(0o700).open_for(0o7));
    assert!(!with(0o755).open_for(0o2) && with(0o755).open_for(0o4));
    assert!(with(0o770).open_for(0o2) && with(0o703).open_for(0o2));
    // As in /tmp: others may add, but nobody replaces what is there.
    assert!(!with(0o1777).open_for(0o2) && with(0o1777).open_for(0o7));
    let own = rustix::process::geteuid().as_raw();
    assert!(!with(0o700).foreign_to(own));
    assert_eq!(with(0o700).foreign_to(own + 1), own != 0);
    assert!(!Place::of(&folder.path().join("none")).open_for(0o7));
}

#[test]
fn a_key_that_was_drawn_is_told_from_one_that_was_chosen() {
    let counting: Vec<u8> = (0..32).collect();
    for chosen in [
        [0; 32],
        [0xff; 32],
        counting.try_into().unwrap(),
        *b"01234567012345670123456701234567",
    ] {
        assert!(guessable(&chosen), "{chosen:?}");
    }
    for _ in 0..1000 {
        let mut drawn = [0; 32];
        getrandom::getrandom(&mut drawn).unwrap();
        assert!(!guessable(&drawn), "{drawn:?}");
    }
    assert!(well_known("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") && well_known("12121212121212121212"));
    assert!(well_known("bitcoin") && well_known("RpcPassword") && well_known(""));
    assert!(!well_known("b34f0c6a1f2e77d0"));
}

#[test]
fn o11_a_folder_is_as_safe_as_those_above_it() {
    let folder = tempfile::tempdir().unwrap();
    let own = rustix::process::geteuid().as_raw();
    let (open, inner) = (folder.path().join("open"), folder.path().join("open/inner"));
    fs::create_dir_all(&inner).unwrap();
    let with = |mode| {
        fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
        Place::folder_of(&inner.join("kek"), own)
    };
    assert_eq!(with(0o755).path, super::plain(&inner));
    // Who may write above puts a folder of their own in its place.
    let found = with(0o777);
    assert!(found.open_for(0o2) && found.path == super::plain(&open), "{found:?}");
    assert_eq!(with(0o1777).path, super::plain(&inner));
    if own == 0 {
        std::os::unix::fs::chown(&open, Some(65_534), None).unwrap();
        assert!(with(0o755).foreign_to(own), "another user's");
    }
}

#[test]
fn o11_a_providers_secret_is_looked_at_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = development::prepare(folder.path(), 1_790_000_000, ([127, 0, 0, 1], 1).into(), None).unwrap();
    let drawn = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    for (text, mode, fault, guessable) in [
        (drawn, 0o600, None, false),
        (drawn, 0o640, Some("may be read by others"), false),
        (
            "f86d081884c7d659a2feaa0c55ad015",
            0o600,
            Some("32 visible characters"),
            false,
        ),
        (
            "super-secret-jwt-token-with-at-least-32-characters-long",
            0o600,
            None,
            true,
        ),
        ("abababababababababababababababababab", 0o600, None, true),
        // A certificate's key is the certificate's business, but for who may read it.
        ("-----BEGIN PRIVATE KEY-----\n", 0o600, None, false),
        (
            "-----BEGIN PRIVATE KEY-----\n",
            0o644,
            Some("may be read by others"),
            false,
        ),
    ] {
        let file = folder.path().join("secret");
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let said = serde_json::json!({ "kind": "supabase", "url": "https://a.supabase.co", "secret_file": file });
        config.sign_in = vec![serde_json::from_value(said).unwrap()];
        let [found] = secrets(&config).try_into().unwrap();
        assert_eq!(found.guessable, guessable, "{text}");
        match (fault, &found.fault) {
            (None, None) => {}
            (Some(wanted), Some(told)) => assert!(told.contains(wanted), "{text}: {told}"),
            other => panic!("{text} {mode:o}: {other:?}"),
        }
    }
    assert!(chosen("changeme-changeme-changeme-changeme") && !chosen(drawn));
}
