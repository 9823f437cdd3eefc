//! Every wait's limit, in one place.

use core::time::Duration;

/// A request that only reads.
pub const READ: Duration = Duration::from_secs(15);
/// A request that changes something.
pub const CHANGE: Duration = Duration::from_secs(20);
/// A round of making a wallet.
pub const CEREMONY: Duration = Duration::from_secs(30);
/// A co-signature; a hundred inputs take a slow server a while.
pub const COSIGN: Duration = Duration::from_secs(45);
/// Handing a transaction to the network; the node behind the server may be busy.
pub const BROADCAST: Duration = Duration::from_secs(30);
/// Grace beyond a call's deadline before this crate stops waiting for a transport that does not keep it.
pub const GRACE: Duration = Duration::from_secs(2);
/// Most sends of the same bytes, the first included.
pub const ATTEMPTS: u32 = 3;
/// Pause before the second send; doubles each time.
pub const PAUSE: Duration = Duration::from_millis(400);
/// Most pages of one sync; a server that goes on has lost its way.
pub const SYNC_PAGES: usize = 5000;
/// Most pages of a wallet's log that are read at once to prove it: twenty million entries, more than a device in a thief's
/// hands makes in ten days.
pub const LOG_PAGES: usize = 100_000;
/// Most of them that are not full though more follow.
pub const SHORT_PAGES: usize = 64;
