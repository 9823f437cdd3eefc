//! The library's randomness.

use rand::Rng as _;

use crate::{Fault, FaultKind};

/// That the thread's generator, which the library draws from, was seeded anew from the operating system for one step. It
/// is again when this is dropped, however the step ended, and what it had drawn is overwritten. So a memory that was copied
/// between two steps and run twice draws other numbers in each, and says nothing of the numbers of the step before.
#[must_use]
pub(super) struct Fresh(());

impl Fresh {
    pub(super) fn seeded() -> Result<Self, Fault> {
        reseed()?;
        Ok(Self(()))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // An operating system that gives nothing now is told of by the next step, which draws nothing then.
        let _next = reseed();
    }
}

fn reseed() -> Result<(), Fault> {
    #[cfg(test)]
    SEEDED.set(SEEDED.get() + 1);
    let mut rng = rand::rng();
    let seeded = rng.reseed();
    // The old output lies in the buffer until the next is drawn.
    let _word = rng.next_u64();
    seeded.map_err(|_| FaultKind::Internal.into())
}

#[cfg(test)]
std::thread_local! {
    /// How often this thread's generator was seeded.
    pub(super) static SEEDED: core::cell::Cell<u32> = const { core::cell::Cell::new(0) };
}
