//! age files to recovery: the stock `age` tool opens them with the identity that recovery's words give.

use std::{io::Write as _, str::FromStr as _};

use twofold_threshold::{
    package::{AgeError, SealToRecovery},
    words::RecoveryRecipient,
};

/// Seals with the `age` crate.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Age;

impl SealToRecovery for Age {
    fn seal(&self, recipient: &RecoveryRecipient, plaintext: &[u8]) -> Result<Vec<u8>, AgeError> {
        let recipient = age::x25519::Recipient::from_str(&recipient.to_string()).map_err(|_| AgeError)?;
        let recipients = std::iter::once(&recipient as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(recipients).map_err(|_| AgeError)?;
        let mut sealed = Vec::with_capacity(plaintext.len() + 400);
        let mut writer = encryptor.wrap_output(&mut sealed).map_err(|_| AgeError)?;
        writer.write_all(plaintext).map_err(|_| AgeError)?;
        writer.finish().map_err(|_| AgeError)?;
        Ok(sealed)
    }
}

#[cfg(test)]
mod tests;
