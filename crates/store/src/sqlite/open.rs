//! Opening a data directory.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::{
    copy::PART,
    lock::{self, DirectoryLock},
    migrate,
    readers::Readers,
    writer::Writer,
};

/// The database's name in the directory.
pub(crate) const DATABASE: &str = "twofold.db";

/// Why a data directory can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenFault {
    /// Another process has it.
    #[error("another process uses {}; stop it first, or give this one a directory of its own", .0.display())]
    InUse(PathBuf),
    /// A newer program wrote it.
    #[error("the database has schema {found}, this program knows {known}: run the newer program that wrote it")]
    Newer {
        /// Schema of the database.
        found: usize,
        /// Newest schema this program knows.
        known: usize,
    },
    /// A restore was broken off.
    #[error(
        "a restore into {} was broken off, and what is there is no database yet: run the restore again, or delete {} to begin \
         anew", .0.display(), .0.join(PART).display()
    )]
    HalfRestored(PathBuf),
    /// It holds something else.
    #[error("the database file is not one of Twofold's")]
    Foreign,
    /// The file system refuses.
    #[error("{path}: {error}", path = path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
    /// SQLite refuses.
    #[error("the database can't be opened: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// A data directory, open. Clones share it; the last one to go finishes what was queued and closes it.
#[derive(Debug, Clone)]
pub struct SqliteStore(pub(crate) Arc<Inner>);

// Fields are dropped in this order: no reader outlives the writer, and the directory is let go of last.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) readers: Readers,
    pub(crate) writer: Writer,
    pub(crate) sealed: Arc<AtomicBool>,
    pub(crate) path: PathBuf,
    _lock: DirectoryLock,
}

impl SqliteStore {
    /// Opens a data directory, making what is not there and bringing what is old up to date. Nothing is read through:
    /// the time does not grow with the number of wallets.
    pub fn open(directory: &Path) -> Result<Self, OpenFault> {
        make(directory)?;
        let lock_path = directory.join("lock");
        let lock = lock::take(&lock_path)
            .map_err(at(&lock_path))?
            .ok_or_else(|| OpenFault::InUse(directory.to_path_buf()))?;

        let path = directory.join(DATABASE);
        if directory.join(PART).exists() && !path.exists() {
            return Err(OpenFault::HalfRestored(directory.to_path_buf()));
        }
        // SQLite gives its side files the mode of the database file.
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(at(&path))?;
        let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        // What is deleted, an old epoch's share above all, does not stay in free pages.
        connection.pragma_update(None, "secure_delete", "ON")?;
        // The writer checkpoints by itself, where it sees whether the disk took it.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        connection.pragma_update(None, "cache_size", -16_384)?;
        // What a savepoint needs to undo its batch: SQLite would put it into a file in the temporary folder, made and
        // removed with every group.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        migrate::migrate(&mut connection, migrate::STEPS)?;
        sync(directory)?;

        let readers = Readers::open(|| {
            let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            connection.pragma_update(None, "cache_size", -2_048)?;
            Ok(connection)
        })?;
        let sealed = Arc::new(AtomicBool::new(false));
        let writer = Writer::start(connection, Arc::clone(&sealed)).map_err(at(&path))?;
        Ok(Self(Arc::new(Inner {
            readers,
            writer,
            sealed,
            path,
            _lock: lock,
        })))
    }
}

/// Makes a directory that only its owner may look into.
pub(crate) fn make(directory: &Path) -> Result<(), OpenFault> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(at(directory))
}

pub(crate) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, OpenFault> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // Only somebody's shell could hold a lock, and not for long.
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(96);
    Ok(connection)
}

/// Makes new file names survive a power cut.
pub(crate) fn sync(directory: &Path) -> Result<(), OpenFault> {
    fs::File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(at(directory))
}

pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> OpenFault {
    let path = path.to_path_buf();
    move |error| OpenFault::Io { path, error }
}
