//! Where a test puts what another user than its own is to reach.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// A folder of its own below one that is open to every user, as the folder for temporary files need not be.
pub fn open_folder(prefix: &str) -> Result<TempDir> {
    let anyone = |folder: &Path| fs::metadata(folder).is_ok_and(|folder| folder.permissions().mode() & 0o1 != 0);
    let open = |place: &PathBuf| place.canonicalize().is_ok_and(|place| place.ancestors().all(anyone));
    let places = [env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
    let place = places
        .into_iter()
        .find(open)
        .context("no folder for temporary files is open to another user")?;
    Ok(tempfile::Builder::new().prefix(prefix).tempdir_in(place)?)
}
