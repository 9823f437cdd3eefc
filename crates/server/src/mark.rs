//! When something was last done that is to be done again: a file each in the data directory, for `doctor`.

use std::{fs, path::Path};

/// A backup was made and read back.
pub(crate) const BACKUP: &str = "last-backup";
/// A drill came to its end.
pub(crate) const DRILL: &str = "last-drill";

/// All of them. They say nothing of the data beside them.
pub(crate) const ALL: [&str; 2] = [BACKUP, DRILL];

/// Notes that it was done at `now`, in seconds since 1970. What can't be noted was done all the same.
pub(crate) fn note(data_dir: &Path, what: &str, now: u64) {
    let (draft, place) = (data_dir.join(format!("{what}.draft")), data_dir.join(what));
    if let Err(error) = fs::write(&draft, now.to_string()).and_then(|()| fs::rename(&draft, &place)) {
        tracing::warn!(%error, what, "can't be noted for doctor");
    }
}

/// When it was last done.
pub(crate) fn read(data_dir: &Path, what: &str) -> Option<u64> {
    fs::read_to_string(data_dir.join(what)).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{BACKUP, DRILL, note, read};

    #[test]
    fn what_was_done_is_known_by_its_time() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path(), BACKUP), None);
        note(folder.path(), BACKUP, 5);
        note(folder.path(), BACKUP, 7);
        assert_eq!(
            (read(folder.path(), BACKUP), read(folder.path(), DRILL)),
            (Some(7), None)
        );
        note(&folder.path().join("none"), DRILL, 1);
    }
}
