//! Whether the server lives and whether it can do its work, told truthfully and without data.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use crate::{
    drain::Drain,
    listen::{self, Phase},
};

/// How old the last good word of the store may be.
const STORE: Duration = Duration::from_secs(10);
/// How old the last good word of the node may be.
const NODE: Duration = Duration::from_secs(60);

/// What is known of the parts that the server needs. The KEK is not among them: without the right one it never starts.
pub(crate) struct Health {
    phase: watch::Receiver<Phase>,
    drain: Drain,
    started: Instant,
    store: LastGood,
    node: LastGood,
    certificate: Mutex<Option<String>>,
    certificate_end: Mutex<Option<u64>>,
    renewal: Mutex<Option<String>>,
    restarts: Mutex<BTreeMap<&'static str, u32>>,
}

/// Milliseconds from the start to the last good word, plus one; 0 before the first.
#[derive(Default)]
struct LastGood(AtomicU64);

impl Health {
    pub(crate) fn new(phase: watch::Receiver<Phase>) -> Self {
        Self {
            phase,
            drain: Drain::new(),
            started: Instant::now(),
            store: LastGood::default(),
            node: LastGood::default(),
            certificate: Mutex::default(),
            certificate_end: Mutex::default(),
            renewal: Mutex::default(),
            restarts: Mutex::default(),
        }
    }

    /// The store answered.
    pub(crate) fn store_answered(&self) {
        self.store.note(self.started.elapsed());
    }

    /// The node answered.
    pub(crate) fn node_answered(&self) {
        self.node.note(self.started.elapsed());
    }

    /// Why a new certificate is not shown; none: it is, or there is none.
    pub(crate) fn certificate_trouble(&self, why: Option<String>) {
        *self.certificate.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Until when the certificate is valid that devices see, in seconds since 1970; 0 where it is not.
    pub(crate) fn certificate_ends(&self, at: u64) {
        *self.certificate_end.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// The same; none where they see a proxy's.
    pub(crate) fn certificate_end(&self) -> Option<u64> {
        *self.certificate_end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why no new certificate was got though it is time; none: it was, or it is not time.
    pub(crate) fn renewal_trouble(&self, why: Option<String>) {
        *self.renewal.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// A task of the background ended and is begun again.
    pub(crate) fn begun_again(&self, task: &'static str) {
        let mut restarts = self.restarts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = restarts.entry(task).or_default();
        *count = count.saturating_add(1);
    }

    /// What is not as it should be, though requests are answered; a sentence each, for the operator.
    pub(crate) fn troubles(&self) -> Vec<String> {
        let certificate = self.certificate.lock().unwrap_or_else(PoisonError::into_inner);
        let certificate = certificate
            .iter()
            .map(|why| format!("the new certificate is not used: {why}"));
        let renewal = self.renewal.lock().unwrap_or_else(PoisonError::into_inner);
        let renewal = renewal
            .iter()
            .map(|why| format!("the certificate is not renewed, and that is tried again: {why}"));
        let restarts = self.restarts.lock().unwrap_or_else(PoisonError::into_inner);
        let restarts = restarts.iter();
        let restarts = restarts.map(|(task, count)| format!("`{task}` broke off and was begun again, {count} times"));
        let held_off = self
            .drain
            .is_on()
            .then(|| "it takes no requests, as the operator said: twofold-server drain --resume".to_owned());
        certificate.chain(renewal).chain(restarts).chain(held_off).collect()
    }

    /// Store and node answered lately and the server is not stopping.
    pub(crate) fn ready(&self) -> bool {
        self.ready_at(self.started.elapsed())
    }

    /// It takes no new request.
    pub(crate) fn stopping(&self) -> bool {
        *self.phase.borrow() != Phase::Running || self.drain.is_on()
    }

    /// Whether requests are held off, and how many are being answered.
    pub(crate) fn drain(&self) -> &Drain {
        &self.drain
    }

    /// How long it has been running.
    pub(crate) fn up(&self) -> Duration {
        self.started.elapsed()
    }

    /// Resolves once it takes no new request.
    pub(crate) async fn stopped(&self) {
        let mut phase = self.phase.clone();
        tokio::select! {
            () = listen::reached(&mut phase, Phase::Draining) => {}
            () = self.drain.begun() => {}
        }
    }

    fn ready_at(&self, now: Duration) -> bool {
        !self.stopping() && self.store.within(STORE, now) && self.node.within(NODE, now)
    }
}

impl LastGood {
    fn note(&self, now: Duration) {
        self.0.store(millis(now).saturating_add(1), Ordering::Relaxed);
    }

    fn within(&self, age: Duration, now: Duration) -> bool {
        let last = self.0.load(Ordering::Relaxed);
        last > 0 && millis(now).saturating_sub(last) <= millis(age)
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
