//! Pauses between attempts.

use std::time::Duration;

/// Pauses, each twice as long as the one before, up to the last, and none quite as long as that.
#[derive(Debug, Clone)]
pub struct Pauses {
    first: Duration,
    last: Duration,
    next: Duration,
}

impl Pauses {
    /// From the first to the last.
    #[must_use]
    pub const fn new(first: Duration, last: Duration) -> Self {
        Self {
            first,
            last,
            next: first,
        }
    }

    /// The next one.
    pub fn take(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.last);
        jittered(pause)
    }

    /// Begins anew.
    pub const fn begin_anew(&mut self) {
        self.next = self.first;
    }
}

/// Half of a time to all of it, so that those who were turned away together do not come back together.
#[must_use]
pub fn jittered(time: Duration) -> Duration {
    let mut random = [0; 2];
    // Without randomness they come together, and no worse.
    let _ = getrandom::getrandom(&mut random);
    time.mul_f64(0.5 + f64::from(u16::from_le_bytes(random)) / 131_072.0)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use super::{Pauses, jittered};

    #[test]
    fn pauses_grow_to_the_last_and_begin_anew() {
        let (first, last) = (Duration::from_millis(100), Duration::from_millis(350));
        let mut pauses = Pauses::new(first, last);
        for whole in [100, 200, 350, 350] {
            let (whole, pause) = (Duration::from_millis(whole), pauses.take());
            assert!((whole / 2..=whole).contains(&pause), "{whole:?}: {pause:?}");
        }
        pauses.begin_anew();
        assert!(pauses.take() <= first);
    }

    #[test]
    fn no_two_who_were_turned_away_together_come_back_together() {
        let whole = Duration::from_secs(1);
        let all: BTreeSet<_> = (0..100).map(|_| jittered(whole)).collect();
        assert!(all.len() > 90 && all.iter().all(|pause| (whole / 2..=whole).contains(pause)));
    }
}
