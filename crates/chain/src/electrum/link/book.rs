//! What is asked and what is watched: the part of a link that outlives its connections, and the part that doesn't.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::Instant,
};

use super::{
    ScriptHash,
    message::{self, Begun, Status, Subscription, Tip},
};

/// The longest line while nothing longer was asked for.
const SHORT: usize = 64 << 10;
/// How many calls that were given up may still be answered.
const LATE: usize = 4_096;
/// Scripts watched over one link.
const SCRIPTS: usize = 50_000;

/// Somebody who waits for an answer.
#[derive(Debug)]
struct Waiting {
    reply: oneshot::Sender<Vec<u8>>,
    limit: usize,
    /// What the answer is the first word of.
    begins: Option<Subscription>,
}

/// What is known of a script.
#[derive(Debug, Default)]
struct Watched {
    /// As told last, on whichever connection; none before the first time.
    status: Option<Status>,
    /// The connection on which it is watched.
    on: u64,
}

#[derive(Debug, Default)]
struct Pages {
    /// Counts connections; 0 is none.
    connection: u64,
    /// Where lines go, while there is a connection.
    out: Option<mpsc::UnboundedSender<Vec<u8>>>,
    next_id: u64,
    waiting: HashMap<u64, Waiting>,
    late: VecDeque<u64>,
    scripts: HashMap<ScriptHash, Watched>,
    /// Scripts to ask for on this connection.
    missing: VecDeque<ScriptHash>,
    /// How many scripts are watched on this connection.
    restored: usize,
    /// Scripts told of since this was last taken; true where a history was told of meanwhile, were it only once.
    changed: HashMap<ScriptHash, bool>,
    tip: Option<Tip>,
    last_seen: Option<Instant>,
    notices: u64,
    bytes: u64,
}

/// Everything that the link's task and its callers share. No lock is held across a wait.
#[derive(Debug, Default)]
pub(super) struct Book {
    pages: Mutex<Pages>,
    /// There is something in `missing`.
    pub(super) more: Notify,
}

/// A call that is under way; dropped, nobody waits for it any more.
pub(super) struct Asked<'a> {
    book: &'a Book,
    connection: u64,
    id: u64,
    pub(super) reply: oneshot::Receiver<Vec<u8>>,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let mut pages = self.book.pages();
        if pages.connection == self.connection && pages.waiting.remove(&self.id).is_some() {
            if pages.late.len() == LATE {
                pages.late.pop_front();
            }
            pages.late.push_back(self.id);
        }
    }
}

/// An answer to nobody: an id that was never given out, or is answered twice.
#[derive(Debug)]
pub(super) struct Unasked;

impl Pages {
    fn script_is(&mut self, script: ScriptHash, status: Status) -> Result<(), Unasked> {
        let watched = self.scripts.get_mut(&script).ok_or(Unasked)?;
        if watched.status.replace(status) != Some(status) {
            *self.changed.entry(script).or_default() |= status.is_some();
        }
        Ok(())
    }

    /// Answered: a script is watched on this connection.
    fn watched(&mut self, script: ScriptHash, status: Status) {
        let _ = self.script_is(script, status);
        let connection = self.connection;
        if let Some(watched) = self.scripts.get_mut(&script)
            && std::mem::replace(&mut watched.on, connection) != connection
        {
            self.restored += 1;
        }
    }
}

impl Book {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        // Every change is whole before the lock is left, so a panic elsewhere leaves nothing half done.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection begins: everything watched is to be asked for again on it.
    pub(super) fn begin(&self) -> mpsc::UnboundedReceiver<Vec<u8>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut pages = self.pages();
        pages.connection += 1;
        pages.out = Some(sender);
        pages.missing = pages.scripts.keys().copied().collect();
        pages.restored = 0;
        pages.bytes = 0;
        pages.notices = 0;
        receiver
    }

    /// It is over: whoever waits learns it.
    pub(super) fn end(&self) {
        let mut pages = self.pages();
        pages.out = None;
        pages.waiting.clear();
        pages.late.clear();
        pages.missing.clear();
        pages.restored = 0;
    }

    /// Sends a call, where there is a connection. How many run at once is the caller's to bound.
    pub(super) fn ask(
        &self,
        line: impl FnOnce(u64) -> Vec<u8>,
        limit: usize,
        begins: Option<Subscription>,
    ) -> Option<Asked<'_>> {
        let mut pages = self.pages();
        let id = pages.next_id;
        pages.out.as_ref()?.send(line(id)).ok()?;
        pages.next_id += 1;
        let (reply, receiver) = oneshot::channel();
        pages.waiting.insert(id, Waiting { reply, limit, begins });
        Some(Asked {
            book: self,
            connection: pages.connection,
            id,
            reply: receiver,
        })
    }

    /// The longest line that anything asked for explains.
    pub(super) fn bound(&self) -> usize {
        let pages = self.pages();
        let limits = pages.waiting.values().map(|waiting| waiting.limit);
        // A call that was given up may have asked for as much as any.
        let late = (!pages.late.is_empty()).then_some(super::LONGEST);
        limits.chain(late).max().unwrap_or(0).max(SHORT)
    }

    /// Takes note of bytes that came.
    pub(super) fn seen(&self, bytes: usize) {
        self.pages().bytes += bytes as u64;
    }

    /// Bytes and notices so far, on this connection.
    pub(super) fn traffic(&self) -> (u64, u64) {
        let pages = self.pages();
        (pages.bytes, pages.notices)
    }

    /// Hands an answer to whoever waits for it. What a subscription begins with is noted here, in the order of the lines:
    /// noted by whoever asked it could undo a notice that came right after it, and nobody would tell of that payment again.
    pub(super) fn answered(&self, id: u64, line: Vec<u8>, now: Instant) -> Result<(), Unasked> {
        let mut pages = self.pages();
        pages.last_seen = Some(now);
        if let Some(waiting) = pages.waiting.remove(&id) {
            match waiting.begins.map(|begins| message::begun(begins, &line)) {
                Some(Ok(Begun::Tip(tip))) => pages.tip = Some(tip),
                Some(Ok(Begun::Script(script, status))) => pages.watched(script, status),
                // What can't be read, its asker finds wrong too.
                Some(Err(_)) | None => {}
            }
            // Whoever has just given up needs no answer.
            let _ = waiting.reply.send(line);
            return Ok(());
        }
        let place = pages.late.iter().position(|late| *late == id).ok_or(Unasked)?;
        pages.late.remove(place);
        Ok(())
    }

    /// The server says what the best block is.
    pub(super) fn tip_is(&self, tip: Tip) {
        let mut pages = self.pages();
        pages.notices += 1;
        pages.tip = Some(tip);
    }

    /// What the server last said the best block is.
    pub(super) fn tip(&self) -> Option<Tip> {
        self.pages().tip
    }

    /// The server says that a script changed; an error where nobody asked about that one.
    pub(super) fn script_is(&self, script: ScriptHash, status: Status) -> Result<(), Unasked> {
        let mut pages = self.pages();
        pages.notices += 1;
        pages.script_is(script, status)
    }

    /// Watches more scripts, on this connection and all that follow. False where that would be more than a link may
    /// have; those that fit are watched.
    pub(super) fn watch(&self, scripts: impl IntoIterator<Item = ScriptHash>) -> bool {
        let mut pages = self.pages();
        let mut fits = true;
        for script in scripts {
            if let Some(watched) = pages.scripts.get(&script) {
                // Whoever begins anew is told anew.
                if let Some(status) = watched.status {
                    pages.changed.insert(script, status.is_some());
                }
                continue;
            }
            if pages.scripts.len() >= SCRIPTS {
                fits = false;
                break;
            }
            pages.scripts.insert(script, Watched::default());
            if pages.out.is_some() {
                pages.missing.push_back(script);
            }
        }
        drop(pages);
        self.more.notify_one();
        fits
    }

    /// The next script to ask for on this connection.
    pub(super) fn next_missing(&self) -> Option<ScriptHash> {
        self.pages().missing.pop_front()
    }

    /// Takes what changed since it was last taken, and whether a history was told of meanwhile.
    pub(super) fn take_changed(&self) -> HashMap<ScriptHash, bool> {
        std::mem::take(&mut self.pages().changed)
    }

    /// Asks for a script once more on this connection: what was told of it does not fit what it shows.
    pub(super) fn doubt(&self, script: ScriptHash) {
        let mut pages = self.pages();
        if pages.out.is_some() && pages.scripts.contains_key(&script) && !pages.missing.contains(&script) {
            pages.missing.push_back(script);
            drop(pages);
            self.more.notify_one();
        }
    }

    /// What a script's status was when it was last told.
    pub(super) fn status(&self, script: ScriptHash) -> Option<Status> {
        self.pages().scripts.get(&script)?.status
    }

    /// Scripts watched, those of them watched on this connection, connections so far, and when an answer last came.
    pub(super) fn counts(&self) -> (usize, usize, u64, Option<Instant>) {
        let pages = self.pages();
        (pages.scripts.len(), pages.restored, pages.connection, pages.last_seen)
    }
}
