//! Copies of the database: one taken while it is written to, and one that takes an empty place.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rusqlite::{
    Connection, OpenFlags, OptionalExtension as _,
    backup::{Backup, StepResult},
    params,
};
use twofold_cosigner::{RESTORED, TAKES_OVER};

use super::{
    lock, migrate,
    open::{DATABASE, OpenFault, at, connect, sync},
};
use crate::{SqliteStore, failpoint::failpoint};

/// Pages copied, and pushed to the disk, before the writer and the readers have their turn: a commit waits for what others
/// have given the disk before it.
const PAGES: i32 = 64;
/// What a restore that was cut short leaves behind.
pub(crate) const PART: &str = "twofold.db.part";

/// The name of what SQLite keeps beside a database while it changes it. One that is left beside another database of that name
/// would be written into it.
#[must_use]
pub fn journal_of(database: &Path) -> PathBuf {
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push("-journal");
    database.with_file_name(name)
}

/// Removes what a process that was killed may have left.
fn clear(file: &Path) -> Result<(), OpenFault> {
    for left in [file, &journal_of(file)] {
        match fs::remove_file(left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(left)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Why a database can't be copied or put in its place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyFault {
    /// The directory or the database can't be used.
    #[error(transparent)]
    Open(#[from] OpenFault),
    /// The store stopped after a failed write.
    #[error("the database is in doubt after a failed write; restart the server first")]
    Sealed,
    /// There is something where a restored database would go.
    #[error("{} is not empty ({found}); a backup is restored only into an empty place, so that nothing is overwritten", .directory.display())]
    Occupied {
        /// The data directory.
        directory: PathBuf,
        /// What is there.
        found: String,
    },
    /// There is no database to copy.
    #[error("{} holds no database", .0.display())]
    Missing(PathBuf),
    /// What was to be restored does not hold together.
    #[error("the backup's database is damaged: {0}")]
    Damaged(String),
}

/// What a database holds, as far as a backup says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// Its schema.
    pub schema: u32,
    /// How many wallets.
    pub wallets: u64,
}

impl SqliteStore {
    /// Copies the database as it is at one moment into a file, which is replaced. Nothing waits for it: it reads beside
    /// the writer, a few pages at a time, and calls `rest` between them. It blocks for as long as that takes.
    pub fn copy_to(&self, file: &Path, rest: &mut dyn FnMut()) -> Result<Contents, CopyFault> {
        if self.is_sealed() {
            return Err(CopyFault::Sealed);
        }
        copy(&connect(&self.0.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?, file, rest)
    }
}

/// The same for a directory that no server has open. Its schema stays as it is.
pub fn copy_of(directory: &Path, file: &Path) -> Result<Contents, CopyFault> {
    let path = directory.join(DATABASE);
    if !path.exists() {
        return Err(CopyFault::Missing(directory.to_path_buf()));
    }
    let _lock = take(directory)?;
    copy(&connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?, file, &mut || ())
}

fn copy(source: &Connection, file: &Path, rest: &mut dyn FnMut()) -> Result<Contents, CopyFault> {
    let pushed = replaced(file)?;
    // One read transaction from the first page to the last: what is committed meanwhile is not seen.
    source.execute_batch("BEGIN").map_err(OpenFault::from)?;
    let contents = contents(source)?;
    let mut target = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    target
        .pragma_update(None, "synchronous", "OFF")
        .map_err(OpenFault::from)?;
    {
        let backup = Backup::new(source, &mut target).map_err(OpenFault::from)?;
        while backup.step(PAGES).map_err(OpenFault::from)? != StepResult::Done {
            pushed.sync_data().map_err(at(file))?;
            rest();
        }
    }
    source.execute_batch("COMMIT").map_err(OpenFault::from)?;
    alone(&target)?;
    Ok(contents)
}

/// Leaves all in the one file, nothing in a log beside it.
fn alone(connection: &Connection) -> Result<(), OpenFault> {
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    Ok(())
}

fn contents(connection: &Connection) -> Result<Contents, CopyFault> {
    let schema = migrate::ours(connection, migrate::STEPS.len())?;
    let wallets: i64 = connection
        .query_row("SELECT count(*) FROM wallets", [], |row| row.get(0))
        .map_err(OpenFault::from)?;
    Ok(Contents {
        schema: u32::try_from(schema).unwrap_or(u32::MAX),
        wallets: u64::try_from(wallets).unwrap_or(0),
    })
}

/// A new database in a private file, which is replaced, for rows that another database gives in whatever order.
pub(crate) fn empty(file: &Path) -> Result<Connection, CopyFault> {
    replaced(file)?;
    let mut target = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    for (pragma, value) in [("synchronous", "OFF"), ("foreign_keys", "OFF")] {
        target.pragma_update(None, pragma, value).map_err(OpenFault::from)?;
    }
    migrate::migrate(&mut target, migrate::STEPS)?;
    Ok(target)
}

/// What a database holds that was filled so.
pub(crate) fn finished(target: &Connection, wallets: u64) -> Result<Contents, CopyFault> {
    let orphan = target.query_row("PRAGMA foreign_key_check", [], |row| row.get::<_, String>(0));
    if let Some(table) = orphan.optional().map_err(OpenFault::from)? {
        return Err(CopyFault::Damaged(format!("a row of {table} belongs to none")));
    }
    alone(target)?;
    let contents = contents(target)?;
    if contents.wallets == wallets {
        Ok(contents)
    } else {
        Err(CopyFault::Damaged(
            "it has not as many wallets as were copied".to_owned(),
        ))
    }
}

/// A copy that was received, checked and brought up to date.
pub(crate) fn received(file: &Path) -> Result<(Connection, Contents), CopyFault> {
    let mut source = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let contents = contents(&source)?;
    is_sound(&source)?;
    migrate::migrate(&mut source, migrate::STEPS)?;
    Ok((source, contents))
}

fn is_sound(connection: &Connection) -> Result<(), CopyFault> {
    let sound: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| CopyFault::Damaged(error.to_string()))?;
    if sound == "ok" {
        Ok(())
    } else {
        Err(CopyFault::Damaged(sound))
    }
}

/// A place that is empty, and this process's, for a database that is restored.
#[derive(Debug)]
pub struct Vacant {
    directory: PathBuf,
    _lock: lock::DirectoryLock,
}

impl Vacant {
    /// Makes the directory, or takes one that holds nothing, or nothing but what is named in `beside`.
    pub fn take(directory: &Path, beside: &[&str]) -> Result<Self, CopyFault> {
        let lock = take(directory)?;
        for entry in fs::read_dir(directory).map_err(at(directory))? {
            let name = entry.map_err(at(directory))?.file_name();
            let part =
                [Path::new(PART).as_os_str(), journal_of(Path::new(PART)).as_os_str()].contains(&name.as_os_str());
            // Our own lock, what an earlier try left, and the socket of a server that was killed.
            if name != "lock" && !part && name != "admin.sock" && !beside.iter().any(|known| name == **known) {
                return Err(CopyFault::Occupied {
                    directory: directory.to_path_buf(),
                    found: name.to_string_lossy().into_owned(),
                });
            }
        }
        Ok(Self {
            directory: directory.to_path_buf(),
            _lock: lock,
        })
    }

    /// Where to write the database that is to be put in place: an empty file that only its owner may read.
    pub fn part(&self) -> Result<(PathBuf, File), CopyFault> {
        let path = self.directory.join(PART);
        clear(&path)?;
        let file = private(&path)?;
        failpoint!("restore-begun");
        Ok((path, file))
    }

    /// Checks the database that was written to [`Self::part`], notes in it that it was restored and which server's anchor
    /// it may follow, and puts it in place, durably: before that there is none.
    pub fn install(self, takes_over: Option<[u8; 16]>) -> Result<Contents, CopyFault> {
        let part = self.directory.join(PART);
        failpoint!("restore-written");
        let mut connection = connect(&part, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let contents = contents(&connection)?;
        is_sound(&connection)?;
        mark(&mut connection, takes_over)?;
        alone(&connection)?;
        drop(connection);
        failpoint!("restore-before-rename");
        File::open(&part).and_then(|file| file.sync_all()).map_err(at(&part))?;
        fs::rename(&part, self.directory.join(DATABASE)).map_err(at(&part))?;
        sync(&self.directory)?;
        failpoint!("restore-renamed");
        Ok(contents)
    }
}

fn mark(connection: &mut Connection, takes_over: Option<[u8; 16]>) -> Result<(), OpenFault> {
    let transaction = connection.transaction()?;
    let restored: Option<i64> = transaction
        .query_row("SELECT value FROM counters WHERE name = ?1", [RESTORED], |row| {
            row.get(0)
        })
        .optional()?;
    transaction.execute(
        "INSERT INTO counters (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2",
        params![RESTORED, restored.unwrap_or(0).saturating_add(1)],
    )?;
    let follows = takes_over.map(Vec::from).unwrap_or_default();
    transaction.execute(
        "INSERT INTO server_secrets (name, sealed) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET sealed = ?2",
        params![TAKES_OVER, follows],
    )?;
    failpoint!("restore-marked");
    Ok(transaction.commit()?)
}

fn take(directory: &Path) -> Result<lock::DirectoryLock, OpenFault> {
    super::open::make(directory)?;
    let path = directory.join("lock");
    lock::take(&path)
        .map_err(at(&path))?
        .ok_or_else(|| OpenFault::InUse(directory.to_path_buf()))
}

/// An empty private file where whatever was there is gone.
fn replaced(file: &Path) -> Result<File, OpenFault> {
    clear(file)?;
    private(file)
}

fn private(path: &Path) -> Result<File, OpenFault> {
    OpenOptions::new()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(at(path))
}
