//! How long a key may be kept: until a time, and not over a sleep of the machine.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// A machine that was stopped this long has slept.
const SLEPT: Duration = Duration::from_secs(2);

/// The time that a key is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    began: Reading,
    span: Duration,
}

/// Two clocks at one moment: neither can be set, and one stands still while the machine sleeps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) awake: Duration,
    pub(super) all: Duration,
}

impl Reading {
    fn now() -> Self {
        Self {
            awake: since(clock_gettime(ClockId::Monotonic)),
            all: since(clock_gettime(ClockId::Boottime)),
        }
    }
}

fn since(time: Timespec) -> Duration {
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), nanos)
}

impl Lease {
    /// A lease that begins now.
    pub(crate) fn start(span: Duration) -> Self {
        Self::at(Reading::now(), span)
    }

    pub(super) const fn at(began: Reading, span: Duration) -> Self {
        Self { began, span }
    }

    /// Whether it is over.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over_at(Reading::now())
    }

    pub(super) fn is_over_at(&self, now: Reading) -> bool {
        let all = now.all.saturating_sub(self.began.all);
        let awake = now.awake.saturating_sub(self.began.awake);
        all >= self.span || all.saturating_sub(awake) >= SLEPT
    }
}
