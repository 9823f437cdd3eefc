//! Time that never goes back.
//!
//! A request runs once because its reply is recorded, and records are dropped when the request's window has passed. So
//! the time that windows are judged by must never fall below the time that records were dropped by, whatever the clock
//! does and across restarts. [`Time`] is therefore the highest time ever seen, and a purge stores that time in the same
//! batch as it drops records. Between purges the stored time follows along with batches that are written anyway, at
//! most once a minute, so no request pays for it. A record that is still there needs no such guard: it answers.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::port::{Clock, store::Write};

/// The counter's name in the store.
pub(crate) const COUNTER: &str = "highest-time";
/// How far the time in memory may run ahead of the stored one before the next batch takes it along, in seconds.
const STRIDE: u64 = 60;
/// A clock beyond this (year 9999) is broken; capping it keeps every sum within range.
const LAST: u64 = 253_402_300_799;

/// The highest time seen, in seconds since 1970.
#[derive(Debug)]
pub(crate) struct Time<K> {
    clock: K,
    highest: AtomicU64,
    stored: AtomicU64,
}

impl<K: Clock> Time<K> {
    /// Goes on from the time that is stored.
    pub(crate) fn new(clock: K, stored: u64) -> Self {
        Self {
            clock,
            highest: AtomicU64::new(stored),
            stored: AtomicU64::new(stored),
        }
    }

    /// The time now: the clock's, or the highest seen if the clock has gone back.
    pub(crate) fn now(&self) -> u64 {
        let clock = self.clock.now().min(LAST);
        self.highest.fetch_max(clock, Ordering::SeqCst).max(clock)
    }

    /// What the clock shows, wrong or not: for what may be a little off and must not stand still while the time does.
    pub(crate) fn shown(&self) -> u64 {
        self.clock.now()
    }

    /// The write that stores `now`.
    pub(crate) fn store(&self, now: u64) -> Write {
        self.stored.fetch_max(now, Ordering::SeqCst);
        Write::RaiseCounter(COUNTER, now)
    }

    /// The write that stores `now`, where it is time for that. A batch that then fails to commit loses only this
    /// stride's mark; the next stride sets another.
    pub(crate) fn store_if_due(&self, now: u64) -> Option<Write> {
        let due = now >= self.stored.load(Ordering::SeqCst).saturating_add(STRIDE);
        due.then(|| self.store(now))
    }
}

#[cfg(test)]
mod tests;
