//! Time that moves only when a test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(test)]
mod tests;

/// A clock in seconds since 1970. Clones show the same time, so that a test moves the clock it handed out.
#[derive(Debug, Clone)]
pub struct FakeClock(Arc<AtomicU64>);

impl FakeClock {
    /// A clock that stands at a time, in seconds since 1970.
    #[must_use]
    pub fn at(seconds: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seconds)))
    }

    /// The time it shows.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Jumps to a time, either way.
    pub fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    /// Moves on.
    pub fn advance(&self, seconds: u64) {
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| {
            Some(now.saturating_add(seconds))
        });
    }

    /// Goes back, as a badly kept clock may.
    pub fn go_back(&self, seconds: u64) {
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| {
            Some(now.saturating_sub(seconds))
        });
    }
}

/// 2026-01-01, so that a test that does not care reads as today.
impl Default for FakeClock {
    fn default() -> Self {
        Self::at(1_767_225_600)
    }
}
