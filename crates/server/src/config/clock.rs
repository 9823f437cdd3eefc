//! What the machine's clock is held against.

use serde::{Deserialize, Serialize};

/// What the machine's clock is held against, at the start in production mode and by `doctor`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clock {
    /// A time server, as `host` or `host:port` (NTP, port 123), best one of your own network; none: the clock is believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}
