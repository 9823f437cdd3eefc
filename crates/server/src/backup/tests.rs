use tempfile::TempDir;

use super::*;

const CONTENTS: Contents = Contents { schema: 3, wallets: 2 };

/// A folder with a database of 200 kB, a key, and a backup of the one to the other.
fn backed_up() -> (TempDir, Vec<u8>, PathBuf, PathBuf) {
    let folder = TempDir::new().unwrap();
    let database: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).take(200_000).collect();
    let (source, key, out) = (
        folder.path().join("db"),
        folder.path().join("key"),
        folder.path().join("monday.age"),
    );
    fs::write(&source, &database).unwrap();
    let public = recipient(&draw_key(&key).unwrap()).unwrap();
    let manifest = write(&source, &out, &public, CONTENTS, 7, &mut Pace::hurried()).unwrap();
    assert_eq!((manifest.wallets, manifest.bytes, manifest.made), (2, 200_000, 7));
    (folder, database, key, out)
}

fn restored(folder: &TempDir, from: &Path, key: &Path) -> Result<Vec<u8>, Fault> {
    let place = folder.path().join("restored");
    read(from, &identity(key)?, &mut File::create(&place).unwrap())?;
    Ok(fs::read(&place).unwrap())
}

#[test]
fn a_backup_opens_with_its_key_alone_and_is_private() {
    let (folder, database, key, out) = backed_up();
    assert_eq!(restored(&folder, &out, &key).unwrap(), database);
    private_file::require_private(&out).unwrap();
    private_file::require_private(&key).unwrap();
    let sealed = fs::read(&out).unwrap();
    let seen = |needle: &[u8]| sealed.windows(needle.len()).any(|window| window == needle);
    assert!(!seen(FORMAT.as_bytes()) && !seen(&database[..32]), "it is in clear");
    let other = folder.path().join("other");
    draw_key(&other).unwrap();
    let refused = restored(&folder, &out, &other).unwrap_err();
    assert!(refused.to_string().contains("does not open"), "{refused}");
}

#[test]
fn a_backup_that_was_cut_or_changed_anywhere_is_refused() {
    let (folder, _, key, out) = backed_up();
    let whole = fs::read(&out).unwrap();
    for place in [0, 30, 150, 400, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        fs::write(&out, &changed).unwrap();
        assert!(restored(&folder, &out, &key).is_err(), "byte {place} changed");
        fs::write(&out, &whole[..place]).unwrap();
        assert!(restored(&folder, &out, &key).is_err(), "cut at {place}");
    }
}

#[test]
fn nothing_is_overwritten_and_what_fails_leaves_nothing() {
    let (folder, _, key, out) = backed_up();
    let public = identity(&key).unwrap().to_public();
    let before = fs::read(&out).unwrap();
    let again = write(
        &folder.path().join("db"),
        &out,
        &public,
        CONTENTS,
        7,
        &mut Pace::hurried(),
    )
    .unwrap_err();
    assert!(again.to_string().contains("overwrites nothing"), "{again}");
    assert_eq!(fs::read(&out).unwrap(), before);
    let missing = folder.path().join("missing");
    write(
        &missing,
        &folder.path().join("tuesday.age"),
        &public,
        CONTENTS,
        7,
        &mut Pace::hurried(),
    )
    .unwrap_err();
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["db", "key", "monday.age"]);
}
