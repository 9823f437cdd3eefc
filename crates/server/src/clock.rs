//! The machine's clock: the one place where this server reads the time of day.

use std::{
    sync::OnceLock,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use twofold_cosigner::port::Clock;

/// The machine's clock. A time before 1970 reads as 1970.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the rim is where time comes in")]
    fn now(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }

    /// Since this process first asked. It stands still while the machine sleeps; the time of day has then jumped.
    #[expect(clippy::disallowed_methods, reason = "the rim is where time comes in")]
    fn steady(&self) -> u64 {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        FIRST.get_or_init(Instant::now).elapsed().as_secs()
    }
}
