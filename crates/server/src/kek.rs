//! The key-encryption key: 32 random bytes as 64 hex digits in a file of their own, outside the data directory.
//!
//! Database and KEK together open nothing, but a thief of the database alone should not even have this much.

use std::{fs, path::Path};

use twofold_threshold::secret::Secret32;
use zeroize::Zeroizing;

use crate::{fault::Fault, private_file};

/// Reads the key from its file, which must be private to its owner.
pub(crate) fn read(path: &Path) -> Result<Secret32, Fault> {
    let text = fs::read(path).map(Zeroizing::new).map_err(|why| {
        Fault::Kek(format!(
            "can't read the KEK file {}: {why}; the data can't be opened without it",
            path.display()
        ))
    })?;
    private_file::require_private(path)?;
    let mut key = Zeroizing::new([0; 32]);
    let digits = text.trim_ascii();
    if hex::decode_to_slice(digits, key.as_mut_slice()).is_err() {
        return Err(Fault::Kek(format!(
            "the KEK file {} must hold 64 hex digits and nothing else",
            path.display()
        )));
    }
    Ok(Secret32::new(*key))
}

/// Draws a new key and writes it to a new file with mode 0600.
pub(crate) fn generate(path: &Path) -> Result<(), Fault> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::getrandom(key.as_mut_slice()).map_err(|error| Fault::System(format!("no randomness: {error}")))?;
    let mut text = Zeroizing::new(hex::encode(key.as_slice()));
    text.push('\n');
    private_file::create(path, text.as_bytes())
}

#[cfg(test)]
mod tests;
