//! Recovery, standing on its own: its package in a file, its share checked, and signing with the device where there is
//! no server.
//!
//! Sealing is age's, so that the stock `age` tool opens a package without Twofold.

pub mod away;
mod coin;
mod fault;
pub mod file;
pub mod holder;
mod old_words;
pub mod package;
pub mod recover;
mod rehearse;
mod repair;
mod repair_server;
pub mod replace;
pub mod request;
mod seat;
pub mod sweep;
mod voice;

pub use coin::Coin;
pub use fault::RecoveryFault;
pub use old_words::OldWords;

use age::x25519::{Identity, Recipient};
use twofold_threshold::package::{AgeError, OpenAsRecovery, SealToRecovery};
use twofold_threshold::words::{RecoveryRecipient, RecoverySecret};
use zeroize::Zeroizing;

/// Seals to recovery's recipient (X25519).
#[derive(Debug, Clone, Copy, Default)]
pub struct AgeSealer;

impl SealToRecovery for AgeSealer {
    fn seal(&self, recipient: &RecoveryRecipient, plaintext: &[u8]) -> Result<Vec<u8>, AgeError> {
        let recipient: Recipient = recipient.to_string().parse().map_err(|_| AgeError)?;
        age::encrypt(&recipient, plaintext).map_err(|_| AgeError)
    }
}

/// Opens what was sealed to one recovery.
pub struct AgeOpener(Identity);

impl AgeOpener {
    /// With the words' own secret.
    pub fn new(secret: &RecoverySecret) -> Result<Self, AgeError> {
        secret.age_identity().parse().map(Self).map_err(|_| AgeError)
    }
}

impl core::fmt::Debug for AgeOpener {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AgeOpener(redacted)")
    }
}

impl OpenAsRecovery for AgeOpener {
    fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, AgeError> {
        age::decrypt(&self.0, sealed).map(Zeroizing::new).map_err(|_| AgeError)
    }
}

#[cfg(test)]
mod tests;
