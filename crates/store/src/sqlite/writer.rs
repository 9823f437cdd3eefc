//! The one thread that writes. It takes every batch that waits, of however many wallets, and commits them as one
//! transaction: a batch that fails is undone alone, the rest share one sync.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use futures::channel::oneshot;
use rusqlite::Connection;
use twofold_cosigner::port::store::{Batch, StoreFault};

use super::{
    apply::{apply, run},
    fault::surely_not_committed,
};
use crate::{failpoint::failpoint, fault::Fault, metric};

/// Batches that may wait. More are turned away at once: a caller who retries later is better off than one who waits.
const QUEUE: usize = 1024;
/// Batches in one transaction at most.
const GROUP: usize = 256;
/// Frames in the write-ahead log, of 4 KiB each, from which on they are moved into the database file.
const CHECKPOINT_FRAMES: i64 = 4096;
/// Transactions between two looks at the log's length.
const LOOK_EVERY: u32 = 16;
/// How long nothing is written before the log is moved anyway.
const IDLE: Duration = Duration::from_secs(2);

struct Job {
    batch: Batch,
    answer: Answer,
}

type Answer = oneshot::Sender<Result<(), StoreFault>>;

/// The writing thread's handle. Dropping it lets the thread finish what is queued, and waits for that.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(connection: Connection, sealed: Arc<AtomicBool>) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(QUEUE);
        let writing = Writing {
            connection,
            sealed,
            groups: 0,
            dirty: false,
        };
        let thread = thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
            // It outlives the writer: whoever hears of a panic, by an answer that is dropped, finds the store sealed.
            let mut answers = Vec::new();
            writing.run(&jobs, &mut answers);
        })?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Hands a batch over; the answer comes once it is durable, or refused.
    pub(crate) fn submit(&self, batch: Batch) -> Result<oneshot::Receiver<Result<(), StoreFault>>, StoreFault> {
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        match queue.try_send(Job { batch, answer }) {
            Ok(()) => Ok(answered),
            Err(TrySendError::Full(_)) => Err(StoreFault::Unavailable("too many writes wait".to_owned())),
            Err(TrySendError::Disconnected(_)) => Err(stopped()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic in it was reported where it happened.
            let _ = thread.join();
        }
    }
}

pub(crate) fn stopped() -> StoreFault {
    StoreFault::Unavailable("the writer has stopped".to_owned())
}

/// What callers hear once the disk can't be trusted.
pub(crate) fn sealed() -> StoreFault {
    StoreFault::Unavailable("the disk failed a write that may or may not be there: restart".to_owned())
}

/// Why a whole group failed.
enum GroupFault {
    /// Nothing of it is there.
    Undone(rusqlite::Error),
    /// It may be there or not.
    Unknown(rusqlite::Error),
}

struct Writing {
    connection: Connection,
    sealed: Arc<AtomicBool>,
    groups: u32,
    dirty: bool,
}

impl Drop for Writing {
    /// A panic may have struck anywhere, so whether the last commit is there is unknown.
    fn drop(&mut self) {
        if thread::panicking() {
            self.sealed.store(true, Ordering::Release);
        }
    }
}

impl Writing {
    fn run(mut self, jobs: &Receiver<Job>, answers: &mut Vec<Answer>) {
        loop {
            let first = if self.dirty {
                match jobs.recv_timeout(IDLE) {
                    Err(RecvTimeoutError::Timeout) => {
                        self.checkpoint();
                        continue;
                    }
                    received => received.ok(),
                }
            } else {
                jobs.recv().ok()
            };
            let Some(first) = first else { break };
            let mut batches = Vec::new();
            for job in std::iter::once(first)
                .chain(std::iter::from_fn(|| jobs.try_recv().ok()))
                .take(GROUP)
            {
                batches.push(job.batch);
                answers.push(job.answer);
            }
            let results = self.commit(&batches);
            for (answer, result) in answers.drain(..).zip(results) {
                // A caller that went away does not undo what it asked for.
                let _ = answer.send(result);
            }
            failpoint!("store-answered");
            self.groups += 1;
            if self.groups.is_multiple_of(LOOK_EVERY)
                && self.log_frames().is_some_and(|frames| frames > CHECKPOINT_FRAMES)
            {
                self.checkpoint();
            }
        }
    }

    /// Commits a group; one result a batch.
    fn commit(&mut self, batches: &[Batch]) -> Vec<Result<(), StoreFault>> {
        if self.sealed.load(Ordering::Acquire) {
            return batches.iter().map(|_| Err(sealed())).collect();
        }
        self.dirty = true;
        let begun = now();
        let grouped = group(&self.connection, batches);
        metrics::histogram!(metric::COMMIT_SECONDS).record(begun.elapsed());
        metrics::histogram!(metric::COMMIT_BATCHES).record(u32::try_from(batches.len()).unwrap_or(u32::MAX));
        if grouped.is_err() {
            metrics::counter!(metric::FAILED_COMMITS).increment(1);
        }
        match grouped {
            Ok(results) => results
                .into_iter()
                .map(|result| result.map_err(StoreFault::from))
                .collect(),
            Err(GroupFault::Undone(error)) => {
                tracing::warn!(%error, "a group of writes was undone");
                if !self.connection.is_autocommit() && run(&self.connection, "ROLLBACK", []).is_err() {
                    self.seal(&error);
                }
                batches
                    .iter()
                    .map(|_| Err(StoreFault::Unavailable(error.to_string())))
                    .collect()
            }
            Err(GroupFault::Unknown(error)) => {
                self.seal(&error);
                batches.iter().map(|_| Err(sealed())).collect()
            }
        }
    }

    fn seal(&self, error: &rusqlite::Error) {
        tracing::error!(%error, "a write may or may not be on the disk: nothing is written or read until a restart");
        self.sealed.store(true, Ordering::Release);
    }

    fn log_frames(&self) -> Option<i64> {
        self.connection
            .prepare_cached("PRAGMA wal_checkpoint(NOOP)")
            .ok()?
            .query_row([], |row| row.get(1))
            .ok()
    }

    /// Moves the log into the database file, beside the readers. A full disk or a reader in the way only delays it. Any
    /// other failure may be an fsync that lost pages the next one would not miss.
    fn checkpoint(&mut self) {
        self.dirty = false;
        if self.sealed.load(Ordering::Acquire) {
            return;
        }
        if let Err(error) = checkpoint(&self.connection) {
            if surely_not_committed(&error) {
                tracing::warn!(%error, "the write-ahead log could not be moved into the database");
            } else {
                self.seal(&error);
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a commit takes, for the metrics")]
fn now() -> Instant {
    Instant::now()
}

fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    failpoint!("store-checkpoint", Err(injected("fsync")));
    connection
        .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?
        .query_row([], |_| Ok(()))
}

/// One transaction. An error that belongs to a batch undoes that batch; one that ends the transaction undoes all.
///
/// A savepoint keeps a copy of every page that its batch changes, and a batch that fails is rare: so they all go in without,
/// and once more with a savepoint each where one failed.
fn group(connection: &Connection, batches: &[Batch]) -> Result<Vec<Result<(), Fault>>, GroupFault> {
    if let [batch] = batches {
        return alone(connection, batch).map(|result| vec![result]);
    }
    execute(connection, "BEGIN IMMEDIATE").map_err(GroupFault::Undone)?;
    failpoint!("store-begun");
    for batch in batches {
        let result = apply(connection, batch);
        failpoint!("store-applied");
        match &result {
            Ok(()) => {}
            Err(Fault::Sqlite(error)) if connection.is_autocommit() => return Err(undone(error)),
            Err(_) => {
                execute(connection, "ROLLBACK").map_err(GroupFault::Undone)?;
                return apart(connection, batches);
            }
        }
    }
    commit(connection)?;
    Ok(batches.iter().map(|_| Ok(())).collect())
}

/// The same where a batch is known to fail: each in a savepoint.
fn apart(connection: &Connection, batches: &[Batch]) -> Result<Vec<Result<(), Fault>>, GroupFault> {
    execute(connection, "BEGIN IMMEDIATE").map_err(GroupFault::Undone)?;
    let mut results = Vec::with_capacity(batches.len());
    for batch in batches {
        execute(connection, "SAVEPOINT batch").map_err(GroupFault::Undone)?;
        let result = apply(connection, batch);
        failpoint!("store-applied");
        match &result {
            Ok(()) => {}
            Err(Fault::Sqlite(error)) if connection.is_autocommit() => return Err(undone(error)),
            Err(_) => execute(connection, "ROLLBACK TO batch").map_err(GroupFault::Undone)?,
        }
        execute(connection, "RELEASE batch").map_err(GroupFault::Undone)?;
        results.push(result);
    }
    commit(connection)?;
    Ok(results)
}

/// A batch that has nobody beside it needs no savepoint: what undoes it may undo the transaction.
fn alone(connection: &Connection, batch: &Batch) -> Result<Result<(), Fault>, GroupFault> {
    execute(connection, "BEGIN IMMEDIATE").map_err(GroupFault::Undone)?;
    failpoint!("store-begun");
    let result = apply(connection, batch);
    failpoint!("store-applied");
    match &result {
        Ok(()) => commit(connection)?,
        Err(Fault::Sqlite(error)) if connection.is_autocommit() => return Err(undone(error)),
        Err(_) => execute(connection, "ROLLBACK").map_err(GroupFault::Undone)?,
    }
    Ok(result)
}

/// A failure that has ended the transaction already.
fn undone(error: &rusqlite::Error) -> GroupFault {
    let code = error.sqlite_error().copied();
    GroupFault::Undone(rusqlite::Error::SqliteFailure(
        code.unwrap_or(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ERROR)),
        Some(error.to_string()),
    ))
}

fn commit(connection: &Connection) -> Result<(), GroupFault> {
    failpoint!("store-before-commit");
    end(connection).map_err(|error| {
        if surely_not_committed(&error) {
            GroupFault::Undone(error)
        } else {
            GroupFault::Unknown(error)
        }
    })?;
    failpoint!("store-committed");
    Ok(())
}

fn end(connection: &Connection) -> rusqlite::Result<()> {
    failpoint!("store-commit-fsync", Err(injected("fsync")));
    failpoint!("store-commit-full", Err(injected("full")));
    execute(connection, "COMMIT")
}

fn execute(connection: &Connection, sql: &'static str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

/// A failure as SQLite would report it.
#[cfg(feature = "failpoints")]
fn injected(what: &str) -> rusqlite::Error {
    use rusqlite::ffi::{Error, SQLITE_FULL, SQLITE_IOERR_FSYNC};
    let code = if what == "full" {
        SQLITE_FULL
    } else {
        SQLITE_IOERR_FSYNC
    };
    rusqlite::Error::SqliteFailure(Error::new(code), Some(format!("injected {what}")))
}
