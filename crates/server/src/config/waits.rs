//! How long what one device asks for waits.

use serde::{Deserialize, Serialize};

use super::check::within;
use crate::fault::Fault;

/// How long changes wait that one device asks for, so that the others hear of them in time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Waits {
    /// What two approvers loosen.
    pub short_seconds: u64,
    /// What one device asks for, where another hears of it.
    pub notice_seconds: u64,
    /// Where none does, and for new recovery words and approvers: your yes is needed too (`twofold-server approve`).
    pub long_seconds: u64,
    /// A recovery.
    pub recovery_seconds: u64,
}

impl Default for Waits {
    fn default() -> Self {
        let waits = twofold_cosigner::Waits::default();
        Self {
            short_seconds: waits.short,
            notice_seconds: waits.notice,
            long_seconds: waits.long,
            recovery_seconds: waits.recovery,
        }
    }
}

impl Waits {
    pub(super) fn check(&self) -> Result<(), Fault> {
        const LONGEST: u64 = 90 * 86_400;
        within(&[
            ("waits.short_seconds", self.short_seconds, 0, LONGEST),
            ("waits.notice_seconds", self.notice_seconds, 0, LONGEST),
            ("waits.long_seconds", self.long_seconds, 0, LONGEST),
            ("waits.recovery_seconds", self.recovery_seconds, 0, LONGEST),
        ])
    }
}
