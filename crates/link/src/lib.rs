//! One policy for every link that leaves the process: to the database, to a source of the chain, to a sign-in provider.
//!
//! Each call has a deadline, which is the link's own to keep. What failed and may pass is asked again, after pauses that grow
//! and are never the same ([`Pauses`]). A link that has not answered for a while has an open circuit ([`Breaker`]): nobody
//! waits for it then any longer than it takes to hear that it is still away. How each link is ([`Standing`]) is told to the
//! operator by `status`, and to the metrics.

#![forbid(unsafe_code)]

mod breaker;
mod pauses;

use std::time::Duration;

pub use breaker::{Breaker, MEMORY, Policy};
pub use pauses::{Pauses, jittered};

/// Whether calls go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// They do, as far as is known.
    Closed,
    /// The last one failed, a moment ago: it is tried again.
    Waiting,
    /// They have failed for longer: nobody waits until one does not.
    Open,
}

impl Circuit {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Waiting => "waiting",
            Self::Open => "open",
        }
    }
}

/// How a link is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether calls go through.
    pub circuit: Circuit,
    /// For how long that has been so, an open circuit's waiting included.
    pub since: Duration,
    /// How long ago it last answered; none if it never did.
    pub answered: Option<Duration>,
    /// Calls that failed, or connections that ended, so far.
    pub failures: u64,
    /// Why the last one did; none while calls go through.
    pub trouble: Option<String>,
}
