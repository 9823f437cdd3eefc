//! A keystore in a folder: private, whole, durable, and held by one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::port::{BlobName, Keystore, KeystoreFault};

/// Most bytes of one item; more is damage, and so never written.
const ITEM_BYTES: u64 = 256 * 1024 * 1024;
const SUFFIX: &str = ".twofold";

/// A folder of mode 0700 that belongs to this user and holds files of mode 0600.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

/// The lock on a [`Folder`], held through the operating system: it ends with the process, however that ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

fn broken(doing: &'static str, place: &Path, why: &std::io::Error) -> KeystoreFault {
    KeystoreFault::Broken {
        doing,
        place: place.display().to_string(),
        why: why.to_string(),
    }
}

fn me() -> u32 {
    rustix::process::getuid().as_raw()
}

/// Refuses what another user owns, could read or could write.
fn check_private(place: &Path, found: &fs::Metadata, fix: &'static str) -> Result<(), KeystoreFault> {
    if found.uid() != me() {
        let why = format!("it belongs to user {}, not to you", found.uid());
        return Err(KeystoreFault::Misplaced {
            place: place.display().to_string(),
            why,
        });
    }
    if found.mode() & 0o077 != 0 {
        let why = format!("mode {:o}", found.mode() & 0o777);
        return Err(KeystoreFault::Exposed {
            place: place.display().to_string(),
            why,
            fix,
        });
    }
    Ok(())
}

impl Folder {
    /// Uses the folder at `path`, making it with mode 0700 where it is missing. A link to a folder is followed once,
    /// here, and what it leads to is held to the same rules; links inside the folder are never followed.
    pub fn open(path: &Path) -> Result<Self, KeystoreFault> {
        match fs::metadata(path) {
            Ok(_) => {}
            Err(fault) if fault.kind() == ErrorKind::NotFound => {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(path)
                    .map_err(|fault| broken("making", path, &fault))?;
            }
            Err(fault) => return Err(broken("opening", path, &fault)),
        }
        let root = fs::canonicalize(path).map_err(|fault| broken("opening", path, &fault))?;
        let found = fs::symlink_metadata(&root).map_err(|fault| broken("opening", &root, &fault))?;
        if !found.is_dir() {
            return Err(KeystoreFault::Misplaced {
                place: root.display().to_string(),
                why: "it is no folder".into(),
            });
        }
        check_private(&root, &found, "700")?;
        Ok(Self { root })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    fn place(&self, name: &BlobName) -> PathBuf {
        self.root.join(format!("{name}{SUFFIX}"))
    }

    /// Opens an existing file of the folder, or says that there is none.
    fn reopen(place: &Path, options: &mut OpenOptions) -> Result<Option<File>, KeystoreFault> {
        let file = match options.custom_flags(no_follow()).open(place) {
            Ok(file) => file,
            Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(None),
            Err(fault) if fs::symlink_metadata(place).is_ok_and(|found| found.is_symlink()) => {
                let why = format!("it is a link ({fault})");
                return Err(KeystoreFault::Misplaced {
                    place: place.display().to_string(),
                    why,
                });
            }
            Err(fault) => return Err(broken("opening", place, &fault)),
        };
        let found = file.metadata().map_err(|fault| broken("opening", place, &fault))?;
        if !found.is_file() {
            let why = "it is no plain file".into();
            return Err(KeystoreFault::Misplaced {
                place: place.display().to_string(),
                why,
            });
        }
        check_private(place, &found, "600")?;
        Ok(Some(file))
    }

    /// Takes a file away; false where there was none.
    fn unlink(&self, name: &BlobName) -> Result<bool, KeystoreFault> {
        let place = self.place(name);
        match fs::remove_file(&place) {
            Ok(()) => Ok(true),
            Err(fault) if fault.kind() == ErrorKind::NotFound => Ok(false),
            Err(fault) => Err(broken("removing", &place, &fault)),
        }
    }

    fn sync_folder(&self) -> Result<(), KeystoreFault> {
        File::open(&self.root)
            .and_then(|folder| folder.sync_all())
            .map_err(|fault| broken("syncing", &self.root, &fault))
    }
}

fn no_follow() -> i32 {
    // Every Unix keeps the flags of open(2) in the low 31 bits.
    (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::CLOEXEC | rustix::fs::OFlags::NONBLOCK)
        .bits()
        .cast_signed()
}

impl Keystore for Folder {
    type Guard = FolderLock;

    async fn lock(&self) -> Result<FolderLock, KeystoreFault> {
        let place = self.root.join("lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let file = if let Some(file) = Self::reopen(&place, &mut options)? {
            file
        } else {
            options.create(true).truncate(false).mode(0o600);
            Self::reopen(&place, &mut options)?.ok_or(KeystoreFault::Absent)?
        };
        match file.try_lock() {
            Ok(()) => Ok(FolderLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(KeystoreFault::Busy {
                place: self.root.display().to_string(),
            }),
            Err(TryLockError::Error(fault)) => Err(broken("locking", &place, &fault)),
        }
    }

    async fn load(&self, name: &BlobName) -> Result<Option<Vec<u8>>, KeystoreFault> {
        let place = self.place(name);
        let Some(file) = Self::reopen(&place, OpenOptions::new().read(true))? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.take(ITEM_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|fault| broken("reading", &place, &fault))?;
        if bytes.len() as u64 > ITEM_BYTES {
            return Err(KeystoreFault::Damaged { name: name.to_string() });
        }
        Ok(Some(bytes))
    }

    async fn save(&self, name: &BlobName, bytes: &[u8]) -> Result<(), KeystoreFault> {
        let place = self.place(name);
        if ITEM_BYTES < bytes.len() as u64 {
            return Err(broken("writing", &place, &ErrorKind::FileTooLarge.into()));
        }
        let fresh = self.root.join(format!(".{name}.new"));
        // A crash may have left one; the lock says that no one else writes it now.
        match fs::remove_file(&fresh) {
            Err(fault) if fault.kind() != ErrorKind::NotFound => return Err(broken("replacing", &fresh, &fault)),
            _ => {}
        }
        let write = || {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .custom_flags(no_follow())
                .open(&fresh)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&fresh, &place)
        };
        write().map_err(|fault: std::io::Error| broken("writing", &place, &fault))?;
        self.sync_folder()
    }

    async fn remove(&self, name: &BlobName) -> Result<(), KeystoreFault> {
        if self.unlink(name)? {
            self.sync_folder()?;
        }
        Ok(())
    }

    async fn forget(&self, name: &BlobName) -> Result<(), KeystoreFault> {
        self.unlink(name).map(drop)
    }

    async fn names(&self) -> Result<Vec<BlobName>, KeystoreFault> {
        let entries = fs::read_dir(&self.root).map_err(|fault| broken("reading", &self.root, &fault))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|fault| broken("reading", &self.root, &fault))?;
            let file_name = entry.file_name();
            let name = file_name.to_str().and_then(|text| text.strip_suffix(SUFFIX));
            names.extend(name.and_then(|text| text.parse::<BlobName>().ok()));
        }
        names.sort();
        Ok(names)
    }
}

#[cfg(test)]
mod tests;
