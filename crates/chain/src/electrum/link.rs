//! A link to an Electrum server that never dies silently.
//!
//! One task keeps one connection: it connects, greets, has everything watched again, asks every few seconds whether the
//! server is still there, and when anything is wrong ends the connection and makes another, with growing pauses that are
//! never the same. Lines are bounded by what was asked for, so are calls under way and scripts watched. A call ends
//! within its deadline whatever happens; one whose connection broke is asked again on the next, since every call may be
//! repeated: most read, and a broadcast is known by its txid. After a while without a server calls fail at once.

mod book;
mod line;
mod message;
mod session;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

use twofold_link::{Pauses, Standing};

use super::{Config, script_hash::ScriptHash, trust};
use crate::fault::{Fault, tidy};

pub(crate) use message::{Status, Tip};
pub use twofold_link::Circuit;

/// Calls under way at once; more wait for their turn.
const CALLS: usize = 128;
/// How often a call is asked on further connections. One that the server answers with rubbish would end every one.
const TRIES: u32 = 3;
/// Before a link that has just ended is looked at again.
const BETWEEN: Duration = Duration::from_millis(10);
/// The longest answer that any call may ask for: a transaction of 4 MB, the most that consensus allows, in hex.
pub(crate) const LONGEST: usize = (8 << 20) + (64 << 10);

/// How patient a link is. The defaults notice a dead server within 20 seconds and find one that is back within 3.
#[derive(Debug, Clone)]
pub struct Pace {
    /// For a connection, TLS and greeting each.
    pub connect: Duration,
    /// Between two pings; as long may an answer to one take, or a line take to be sent.
    pub heartbeat: Duration,
    /// For the server to say that it watches a script.
    pub restore: Duration,
    /// The first pause before connecting again; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause.
    pub last_pause: Duration,
    /// For how long a server may be away before calls no longer wait for it.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            heartbeat: Duration::from_secs(10),
            restore: Duration::from_secs(20),
            first_pause: Duration::from_millis(200),
            last_pause: Duration::from_secs(3),
            patience: Duration::from_secs(10),
        }
    }
}

/// How a link is, for health and metrics.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LinkState {
    /// Whether calls go through.
    pub circuit: Circuit,
    /// For how long it has been connected, or not.
    pub since: Duration,
    /// How long ago the server last answered anything; none if it never did.
    pub last_seen: Option<Duration>,
    /// Connections made so far.
    pub connections: u64,
    /// Connections that ended, or could not be made, so far.
    pub failures: u64,
    /// Scripts watched.
    pub scripts: usize,
    /// How many of them are watched on this connection: all, once it is restored.
    pub restored: usize,
    /// Why the last connection ended, or could not be made.
    pub trouble: Option<String>,
}

impl LinkState {
    /// As of any link.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let up = self.circuit == Circuit::Closed;
        Standing {
            circuit: self.circuit,
            since: self.since,
            answered: self.last_seen,
            failures: self.failures,
            trouble: self.trouble.clone().filter(|_| !up),
        }
    }
}

/// What the task tells.
#[derive(Debug, Clone)]
struct Told {
    circuit: Circuit,
    since: Instant,
    failures: u64,
    trouble: Option<String>,
}

/// A link. Its task runs as long as it does.
#[derive(Debug)]
pub(crate) struct Link {
    core: Arc<Core>,
    calls: Semaphore,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What the task and the callers share.
#[derive(Debug)]
struct Core {
    config: Config,
    tls: Option<Arc<rustls::ClientConfig>>,
    book: book::Book,
    told: watch::Sender<Told>,
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(task) = self.task().take() {
            task.abort();
        }
    }
}

impl Link {
    /// A link that connects with the first call.
    pub(crate) fn new(config: Config) -> Result<Self, rustls::Error> {
        let tls = config.address.encrypted.then(|| trust::client_config(&config.trust));
        let told = Told {
            circuit: Circuit::Waiting,
            since: Instant::now(),
            failures: 0,
            trouble: None,
        };
        let core = Core {
            tls: tls.transpose()?,
            config,
            book: book::Book::default(),
            told: watch::Sender::new(told),
        };
        Ok(Self {
            core: Arc::new(core),
            calls: Semaphore::new(CALLS),
            task: Mutex::new(None),
        })
    }

    fn task(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the task run, whatever became of it.
    fn run(&self) {
        let mut task = self.task();
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            self.core.book.end();
            self.core.told.send_modify(|told| {
                told.circuit = Circuit::Waiting;
                told.since = Instant::now();
            });
            *task = Some(tokio::spawn(keep(Arc::clone(&self.core))));
        }
    }

    /// How it is.
    pub(crate) fn state(&self) -> LinkState {
        let told = self.core.told.borrow().clone();
        let (scripts, restored, connections, last_seen) = self.core.book.counts();
        LinkState {
            circuit: told.circuit,
            since: told.since.elapsed(),
            last_seen: last_seen.map(|last| last.elapsed()),
            connections,
            failures: told.failures,
            scripts,
            restored,
            trouble: told.trouble,
        }
    }

    /// Watches scripts from now on, over all connections. False where there are more than a link may have.
    pub(crate) fn watch(&self, scripts: impl IntoIterator<Item = ScriptHash>) -> bool {
        self.run();
        self.core.book.watch(scripts)
    }

    /// What changed since it was last taken, and whether a history was told of meanwhile.
    pub(crate) fn take_changed(&self) -> HashMap<ScriptHash, bool> {
        self.core.book.take_changed()
    }

    /// What a script's status was when it was last told.
    pub(crate) fn status(&self, script: ScriptHash) -> Option<Status> {
        self.core.book.status(script)
    }

    /// Has the server say once more how a script is.
    pub(crate) fn doubt(&self, script: ScriptHash) {
        self.core.book.doubt(script);
    }

    /// What the server says the best block is. Waits for a connection.
    pub(crate) async fn tip(&self) -> Result<Tip, Fault> {
        self.within("blockchain.headers.subscribe", async {
            self.core.connected().await?;
            // The greeting ends with it.
            let tip = self.core.book.tip();
            tip.ok_or_else(|| Fault::Passing("the Electrum server does not tell its best block".to_owned()))
        })
        .await
    }

    /// Calls a method; the answer may have `limit` bytes. None where it is `null`.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
        limit: usize,
    ) -> Result<Option<T>, Fault> {
        let limit = limit.min(LONGEST);
        self.within(method, async {
            let mut tries = 0;
            while tries < TRIES {
                self.core.connected().await?;
                let Ok(_turn) = self.calls.acquire().await else {
                    break;
                };
                let Some(mut asked) = self.core.book.ask(|id| message::call(id, method, &params), limit, None) else {
                    // It has just ended, and that is not told yet.
                    sleep(BETWEEN).await;
                    continue;
                };
                tries += 1;
                if let Ok(line) = (&mut asked.reply).await {
                    return if line.len() > limit {
                        Err(Fault::Lasting(format!(
                            "{method}: its answer is longer than {limit} bytes"
                        )))
                    } else {
                        message::answer(method, &line)
                    };
                }
            }
            Err(Fault::Passing(format!("{method}: {}", self.core.trouble())))
        })
        .await
    }

    /// Holds whatever it is to the deadline.
    async fn within<T>(&self, method: &'static str, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        self.run();
        let deadline = self.core.config.deadline;
        timeout(deadline, work).await.unwrap_or_else(|_| {
            let why = self.core.trouble();
            Err(Fault::Passing(format!(
                "{method}: no answer within {deadline:?}: {why}"
            )))
        })
    }
}

impl Core {
    fn trouble(&self) -> String {
        let told = self.told.borrow();
        told.trouble.clone().unwrap_or_else(|| "the server is slow".to_owned())
    }

    /// Waits until there is a connection, or for too long without one.
    async fn connected(&self) -> Result<(), Fault> {
        let mut told = self.told.subscribe();
        let circuit = told
            .wait_for(|told| told.circuit != Circuit::Waiting)
            .await
            .map(|told| told.circuit);
        match circuit {
            Ok(Circuit::Closed) => Ok(()),
            _ => Err(Fault::Passing(format!(
                "the Electrum server is away: {}",
                self.trouble()
            ))),
        }
    }

    /// Opens the circuit once there has been no connection for too long. Never ends.
    async fn lose_patience(&self) -> session::Reason {
        let since = self.told.borrow().since;
        sleep_until(since + self.config.pace.patience).await;
        self.told.send_if_modified(|told| {
            let lost = told.circuit == Circuit::Waiting;
            if lost {
                told.circuit = Circuit::Open;
            }
            lost
        });
        std::future::pending().await
    }
}

/// Keeps a connection for as long as it is let.
async fn keep(core: Arc<Core>) {
    let pace = &core.config.pace;
    let mut pauses = Pauses::new(pace.first_pause, pace.last_pause);
    loop {
        let began = Instant::now();
        let up = || {
            tracing::info!("connected to the Electrum server");
            core.told.send_modify(|told| {
                told.circuit = Circuit::Closed;
                told.since = Instant::now();
            });
        };
        let reason = tokio::select! {
            reason = session::run(&core, up) => reason,
            reason = core.lose_patience() => reason,
        };
        core.told.send_modify(|told| {
            told.failures = told.failures.saturating_add(1);
            told.trouble = Some(tidy(&reason));
            if told.circuit == Circuit::Closed {
                tracing::warn!(reason, "lost the Electrum server; connecting again");
                told.circuit = Circuit::Waiting;
                told.since = Instant::now();
            }
        });
        // A connection that held begins anew; one that breaks at once is not made again at once.
        if began.elapsed() > pace.heartbeat {
            pauses.begin_anew();
        }
        tokio::select! {
            () = sleep(pauses.take()) => {}
            _ = core.lose_patience() => {}
        }
    }
}
