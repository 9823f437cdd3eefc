//! Files that only their owner may read.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use crate::fault::Fault;

/// Writes a new file with mode 0600; one that exists is never overwritten.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write()
        .map_err(|why| match why.kind() {
            io::ErrorKind::AlreadyExists => io::Error::new(
                why.kind(),
                "it is there already, and nothing is overwritten; choose a new file",
            ),
            _ => why,
        })
        .map_err(Fault::writing(path))
}

/// Makes a directory (and those above it) with mode 0700; one that exists stays as it is.
pub(crate) fn directory(path: &Path) -> Result<(), Fault> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(Fault::writing(path))
}

/// Refuses a file that group or others may read or write.
pub(crate) fn require_private(path: &Path) -> Result<(), Fault> {
    let mode = fs::metadata(path).map_err(Fault::reading(path))?.mode();
    let others = 0o077;
    if mode & others == 0 {
        return Ok(());
    }
    Err(Fault::Kek(format!(
        "{} may be read by others (mode {:o}); run: chmod 600 {}",
        path.display(),
        mode & 0o777,
        path.display()
    )))
}
