//! What the cosigner needs of the world, as traits; `store` and `chain` implement them.

use std::fmt;

use twofold_threshold::{
    package::{AgeError, SealToRecovery},
    words::RecoveryRecipient,
};

pub mod anchor;
pub mod chain;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
pub mod notice;
pub mod record;
pub mod store;

/// The time of day, which may jump either way, and beside it a time that may not: it tells a clock that jumped from one
/// that went on.
pub trait Clock: Send + Sync + 'static {
    /// The time now, in seconds since 1970.
    fn now(&self) -> u64;
    /// Seconds since some moment before this clock was first read. They pass evenly and never go back.
    fn steady(&self) -> u64;
}

/// Makes the age files that recovery opens; which implementation of age does it is the rim's business.
pub(crate) struct Sealer(Box<dyn SealToRecovery + Send + Sync>);

impl Sealer {
    pub(crate) fn new(sealer: impl SealToRecovery + Send + Sync + 'static) -> Self {
        Self(Box::new(sealer))
    }
}

impl SealToRecovery for Sealer {
    fn seal(&self, recipient: &RecoveryRecipient, plaintext: &[u8]) -> Result<Vec<u8>, AgeError> {
        self.0.seal(recipient, plaintext)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}
