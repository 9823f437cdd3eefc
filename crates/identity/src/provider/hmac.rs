//! A secret that a provider and this server both hold.

use std::fmt;

use zeroize::Zeroizing;

use crate::refused::SetupFault;

/// Fewest bytes of one.
const LEAST: usize = 32;

/// A secret of 32 bytes or more, as text.
pub struct SharedSecret(Zeroizing<String>);

impl SharedSecret {
    /// Takes a file's text, its last line break aside.
    pub fn new(text: &str) -> Result<Self, SetupFault> {
        let text = text.trim_end_matches(['\r', '\n']);
        if text.len() < LEAST || !text.bytes().all(|byte| matches!(byte, b'!'..=b'~')) {
            return Err(SetupFault::Setting {
                issuer: "secret".into(),
                what: "a shared secret is one line of 32 visible characters or more",
            });
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}
