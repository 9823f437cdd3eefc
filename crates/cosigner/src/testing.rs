//! Reference implementations of the ports, for tests of this crate and of others.

pub mod anchor;
pub mod chain;
mod look;
pub mod memory;

pub use anchor::MemoryAnchor;
pub use chain::MemoryChain;
pub use look::Looked;
pub use memory::MemoryStore;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::port::Clock;

/// A clock that stands still until it is set. Clones show the same time.
#[derive(Debug, Clone, Default)]
pub struct SetClock {
    wall: Arc<AtomicU64>,
    steady: Arc<AtomicU64>,
}

impl SetClock {
    /// A clock that shows `seconds` since 1970.
    #[must_use]
    pub fn at(seconds: u64) -> Self {
        Self {
            wall: Arc::new(AtomicU64::new(seconds)),
            steady: Arc::default(),
        }
    }

    /// Jumps to another time, earlier or later.
    pub fn set(&self, seconds: u64) {
        self.wall.store(seconds, Ordering::SeqCst);
    }

    /// Goes on by so many seconds, as they pass.
    pub fn pass(&self, seconds: u64) {
        // A clock that shows the end of time stays there.
        let later = self.wall.load(Ordering::SeqCst).saturating_add(seconds);
        self.wall.store(later, Ordering::SeqCst);
        self.steady.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> u64 {
        self.wall.load(Ordering::SeqCst)
    }

    fn steady(&self) -> u64 {
        self.steady.load(Ordering::SeqCst)
    }
}
