//! What time it is, and by what time records may go.
//!
//! A request runs once because its reply is recorded, and records are dropped when the request's window has passed. So
//! the time that windows are judged by must never fall below the time that records were dropped by, whatever the clock
//! does and across restarts. That time is the *floor*: a purge stores it in the same batch as it drops records.
//!
//! The floor only ever rises, so it must not follow a wrong clock. A reading counts for it only once the clock has kept
//! pace with the machine's monotonic time for a while ([`SETTLES`]), and a clock that is further ahead than [`FAR`] not
//! before the operator says that it is right. Until then nothing is dropped: records wait, and answer.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::port::{Clock, store::Write};

/// The counter's name in the store.
pub(crate) const COUNTER: &str = "highest-time";
/// A clock beyond this (year 9999) is broken; capping it keeps every sum within range.
const LAST: u64 = 253_402_300_799;
/// How long a clock keeps pace before records go by it, in seconds: longer than it takes a machine to hear the right time
/// after it starts.
const SETTLES: u64 = 1_800;
/// How far a clock may be off pace in that while, in seconds. A clock that is being set right slowly is off by one.
const TOLERANCE: u64 = 30;
/// How far the time may have moved since records were last dropped, in seconds, without a word of the operator's.
const FAR: u64 = 30 * 86_400;

/// The machine's clock, and the floor beneath it.
#[derive(Debug)]
pub(crate) struct Time<K> {
    clock: K,
    trusted: bool,
    floor: AtomicU64,
    pace: Mutex<Pace>,
}

/// How well the clock has kept pace, from a moment on that both clocks were read at.
#[derive(Debug, Clone, Copy)]
struct Pace {
    wall: u64,
    steady: u64,
    settled: bool,
}

impl<K: Clock> Time<K> {
    /// Goes on from the floor that is stored. `trusted` is the operator's word that the clock is right however far it has
    /// moved.
    pub(crate) fn new(clock: K, stored: u64, trusted: bool) -> Self {
        let pace = Pace {
            wall: clock.now().min(LAST),
            steady: clock.steady(),
            settled: false,
        };
        Self {
            clock,
            trusted,
            floor: AtomicU64::new(stored),
            pace: Mutex::new(pace),
        }
    }

    /// The time now: the clock's, or the floor if the clock is below it.
    pub(crate) fn now(&self) -> u64 {
        self.look().0
    }

    /// What the clock shows, wrong or not: for what may be a little off and must not stand still while the time does.
    pub(crate) fn shown(&self) -> u64 {
        self.clock.now()
    }

    /// Seconds that pass evenly, from nowhere in particular: for how long something lives in memory.
    pub(crate) fn steady(&self) -> u64 {
        self.clock.steady()
    }

    /// A time that is surely over, for what a wrong clock must not bring to an end: at most as late as [`Self::now`].
    pub(crate) fn counted(&self) -> u64 {
        self.look();
        self.floor.load(Ordering::SeqCst)
    }

    /// The time that records may be dropped by, with the write that stores it; none while the clock has yet to show that
    /// it is right. From here on [`Self::now`] does not fall below it.
    pub(crate) fn settled(&self) -> Option<(u64, Write)> {
        let (now, settled) = self.look();
        settled.then_some((now, Write::RaiseCounter(COUNTER, now)))
    }

    /// Reads both clocks: the time, and whether it is settled.
    fn look(&self) -> (u64, bool) {
        let (wall, steady) = (self.clock.now().min(LAST), self.clock.steady());
        let floor = self.floor.load(Ordering::SeqCst);
        let settled = {
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            *pace = pace.next(wall, steady, floor, self.trusted);
            pace.settled
        };
        if settled {
            self.floor.fetch_max(wall, Ordering::SeqCst);
        }
        (wall.max(floor), settled)
    }
}

impl Pace {
    fn next(self, wall: u64, steady: u64, floor: u64, trusted: bool) -> Self {
        let passed = steady.saturating_sub(self.steady);
        let off = wall.abs_diff(self.wall.saturating_add(passed));
        let from_here = Self {
            wall,
            steady,
            settled: false,
        };
        if off > TOLERANCE {
            tracing::error!(
                off_by = off,
                shows = wall,
                "the machine's clock jumped; no record is dropped until it has kept time for {SETTLES} seconds. If it is \
                 wrong, set it right"
            );
            return from_here;
        }
        if passed < SETTLES {
            return self;
        }
        if !trusted && floor > 0 && wall.saturating_sub(floor) > FAR {
            tracing::error!(
                shows = wall,
                last = floor,
                "the machine's clock is more than 30 days past the last time this server knows, and no record is dropped. \
                 If the clock is wrong, set it right; if the server was off for so long, start it with --trust-clock"
            );
            return from_here;
        }
        if floor.saturating_sub(wall) > TOLERANCE {
            tracing::error!(
                shows = wall,
                judged_by = floor,
                "the machine's clock is behind the time by which this server has dropped records; requests are judged by \
                 that time until the clock is past it. Set the clock right; docs/adr/0007 says more"
            );
        }
        Self {
            settled: true,
            ..from_here
        }
    }
}

#[cfg(test)]
mod tests;
