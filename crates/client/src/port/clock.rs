//! Time, lent by the platform.

use core::future::Future;
use core::time::Duration;

/// Tells and awaits time.
pub trait Clock {
    /// Seconds since 1970, as this machine believes. A wrong clock is noticed by the server and corrected for.
    fn now(&self) -> u64;

    /// Resolves after `span`. Deadlines and pauses between attempts rest on it.
    fn sleep(&self, span: Duration) -> impl Future<Output = ()>;
}
