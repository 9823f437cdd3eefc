//! The machine's clock: the one place where this server reads the time of day.

mod sntp;

use std::{
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use twofold_cosigner::port::Clock;

pub(crate) use sntp::offset;

/// The machine's clock. A time before 1970 reads as 1970.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl SystemClock {
    /// Time since 1970, finer than what decides about anything.
    #[expect(clippy::disallowed_methods, reason = "the rim is where time comes in")]
    pub(crate) fn fine() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        Self::fine().as_secs()
    }

    /// Since this process first asked. It stands still while the machine sleeps; the time of day has then jumped.
    #[expect(clippy::disallowed_methods, reason = "the rim is where time comes in")]
    fn steady(&self) -> u64 {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        FIRST.get_or_init(Instant::now).elapsed().as_secs()
    }
}
