//! When a certificate is ordered: in time, and never in a loop, whatever the authority answers.

use std::time::Duration;

use crate::health::Health;

/// Longest wait between two looks at the certificate.
const LOOK: Duration = Duration::from_secs(3600);
/// Shortest time between two orders that went well.
const APART: Duration = Duration::from_secs(5);
/// First wait after a try that failed; it doubles. Authorities count tries that failed.
const AGAIN: Duration = Duration::from_secs(300);
/// Longest such wait.
const AGAIN_AT_MOST: Duration = Duration::from_secs(6 * 3600);
/// Shortest wait behind a certificate that was due as it came. One that is over sooner serves nobody.
const FLOOR: Duration = Duration::from_secs(60);

/// What is told of an authority that dates its certificates back, or of a clock that is ahead of it.
const DUE_AT_ONCE: &str = "the certificate that was got is to be renewed at once: most of its life is over by this \
                           machine's clock. Set the clock right, or ask for certificates that live longer";

/// Orders a new certificate by `order` whenever a third of the life of the one that is there is left, until dropped.
pub(super) async fn keep<L, O, R>(
    health: &Health,
    now: impl Fn() -> u64,
    rest: impl Fn(Duration) -> R,
    life: impl Fn() -> L,
    order: impl Fn() -> O,
) where
    L: Future<Output = Option<(u64, u64)>>,
    O: Future<Output = Result<(), String>>,
    R: Future<Output = ()>,
{
    let (mut failures, mut at_once) = (0, 0);
    loop {
        let wait = due(life().await, now());
        if !wait.is_zero() {
            rest(wait.min(LOOK)).await;
            continue;
        }
        match order().await {
            Ok(()) => {
                failures = 0;
                tracing::info!("a new certificate was got");
                let (got, now) = (life().await, now());
                if due(got, now).is_zero() {
                    tracing::warn!("{DUE_AT_ONCE}");
                    health.renewal_trouble(Some(DUE_AT_ONCE.into()));
                    rest(spared(at_once, got, now)).await;
                    at_once = at_once.saturating_add(1);
                } else {
                    health.renewal_trouble(None);
                    at_once = 0;
                    rest(APART).await;
                }
            }
            Err(why) => {
                tracing::error!(why, "no new certificate; the old one stays, and it is tried again");
                health.renewal_trouble(Some(why));
                rest(after(failures)).await;
                failures = failures.saturating_add(1);
            }
        }
    }
}

/// Time until a third of its life is left, of a certificate that is valid from and until; none is due at once.
fn due(life: Option<(u64, u64)>, now: u64) -> Duration {
    let due = life.map_or(0, |(from, until)| until.saturating_sub(until.saturating_sub(from) / 3));
    Duration::from_secs(due.saturating_sub(now))
}

/// How long to wait after so many failures before this one, and up to a tenth more.
fn after(failures: u32) -> Duration {
    let wait = AGAIN.saturating_mul(1 << failures.min(10)).min(AGAIN_AT_MOST);
    let mut drawn = [0];
    // Without randomness all servers of the world come at once, and no worse.
    let _ = getrandom::getrandom(&mut drawn);
    wait + wait / 10 * u32::from(drawn[0]) / 256
}

/// How long to wait behind a certificate that was due as it came, after so many before it: later each time, but before it is
/// over where that leaves the authority its rest.
fn spared(before: u32, life: Option<(u64, u64)>, now: u64) -> Duration {
    let left = life.map_or(0, |(_, until)| until.saturating_sub(now));
    let half = Duration::from_secs(left / 2);
    if half < FLOOR {
        return after(before);
    }
    after(before).min(half)
}

#[cfg(test)]
mod tests;
