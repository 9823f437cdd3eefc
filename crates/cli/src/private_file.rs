//! New files that only their owner reads.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::{Context as _, Result, bail};

use crate::exit::Wrong;

/// Writes a line of text to a new file of mode 0600; a file that is there is never overwritten.
pub(crate) fn create(path: &Path, text: &str) -> Result<File> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|fault| match fault.kind() {
            io::ErrorKind::AlreadyExists => taken(path),
            _ => Wrong(format!("{} can't be written: {fault}", path.display())),
        })?;
    writeln!(file, "{}", text.trim_end()).with_context(|| format!("{} can't be written", path.display()))?;
    Ok(file)
}

/// Puts a text in the place of a file, whole or not at all; only its owner reads it.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    let beside = folder_of(path).join(name);
    // A run that was cut short may have left one.
    match fs::remove_file(&beside) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => {
            return Err(fault).with_context(|| Wrong(format!("{} can't be removed", beside.display())));
        }
        _ => {}
    }
    let file = create(&beside, text)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    settle(&file, path)
}

/// Refuses a file that is there already, before anything is done whose outcome would have no place.
pub(crate) fn must_be_new(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok() {
        bail!(taken(path));
    }
    Ok(())
}

fn taken(path: &Path) -> Wrong {
    Wrong(format!(
        "{} is there already, and nothing is overwritten; choose a new file",
        path.display()
    ))
}

/// Waits until the file, and its name in its folder, would outlive a power cut.
pub(crate) fn settle(file: &File, path: &Path) -> Result<()> {
    file.sync_all()?;
    Ok(File::open(folder_of(path))?.sync_all()?)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    use super::{create, folder_of, must_be_new, replace};

    #[test]
    fn a_new_file_is_for_its_owner_alone_and_an_old_one_is_never_overwritten() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("words.txt");
        must_be_new(&path).expect("is new");
        create(&path, "first").expect("writes");
        let mode = fs::metadata(&path).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let refusal = create(&path, "second").expect_err("must refuse");
        assert!(refusal.to_string().contains("there already"), "{refusal}");
        assert_eq!(
            must_be_new(&path).expect_err("is there").to_string(),
            refusal.to_string()
        );
        assert_eq!(fs::read_to_string(&path).expect("reads"), "first\n");
    }

    #[test]
    fn a_file_is_replaced_whole_and_its_neighbours_are_left_alone() {
        let place = tempfile::tempdir().expect("a folder");
        let at = |name: &str| place.path().join(name);
        let read = |name: &str| fs::read_to_string(at(name)).expect("reads");
        for name in ["recovery.state", "recovery.new", "somebody's"] {
            create(&at(name), name).expect("writes");
        }
        // Where it is written first, a run that was cut short may have left something, or somebody a link.
        std::os::unix::fs::symlink(at("somebody's"), at(".recovery.state.new")).expect("links");
        replace(&at("recovery.state"), "next").expect("replaces");
        assert!(at("recovery.new").exists(), "somebody else's file is still there");
        assert_eq!(read("recovery.new"), "recovery.new\n");
        assert_eq!(read("somebody's"), "somebody's\n");
        assert_eq!(read("recovery.state"), "next\n");
        let mode = fs::metadata(at("recovery.state"))
            .expect("is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(place.path()).expect("lists").count(),
            3,
            "nothing is left over"
        );
    }

    #[test]
    fn a_files_folder_is_found_where_the_path_names_none() {
        for (file, folder) in [("words.txt", "."), ("a/words.txt", "a"), ("/words.txt", "/")] {
            assert_eq!(folder_of(Path::new(file)), Path::new(folder));
        }
    }
}
