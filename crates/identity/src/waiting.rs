//! A bound on how many wait for one provider: while it is slow, whoever comes later is told so at once and holds nothing.

use tokio::sync::{Semaphore, SemaphorePermit};

/// How many wait at once for one provider.
pub(crate) const MOST: usize = 256;
/// When to come back who found no place, in seconds.
pub(crate) const SOON: u64 = 5;

/// The places.
#[derive(Debug)]
pub(crate) struct Waiting(Semaphore);

impl Default for Waiting {
    fn default() -> Self {
        Self(Semaphore::new(MOST))
    }
}

impl Waiting {
    /// A place until it is dropped, if there is one.
    pub(crate) fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.0.try_acquire().ok()
    }
}
