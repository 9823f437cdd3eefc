//! From a passphrase to a key: Argon2id, version 1.3 (RFC 9106).

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use crate::port::KeystoreFault;

/// What a person types to open the keystore. Wiped when dropped, never printed.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes a passphrase as typed, every character counting.
    pub fn new(text: String) -> Result<Self, KeystoreFault> {
        if text.is_empty() {
            return Err(KeystoreFault::EmptyPassphrase);
        }
        Ok(Self(Zeroizing::new(text)))
    }
}

impl core::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Passphrase(redacted)")
    }
}

/// What one guess at the passphrase costs. It is written into the keystore's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub(super) memory_kib: u32,
    /// Passes over it.
    pub(super) passes: u32,
    /// Lanes.
    pub(super) lanes: u32,
}

impl Default for Cost {
    /// 64 MiB, three passes, one lane: RFC 9106's second recommendation with a single lane, which a browser can run.
    fn default() -> Self {
        Self {
            memory_kib: 64 * 1024,
            passes: 3,
            lanes: 1,
        }
    }
}

impl Cost {
    /// Another cost, within bounds that a file read from disk is held to as well: at most 1 GiB, 16 passes, 4 lanes.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, KeystoreFault> {
        let sane =
            (1..=4).contains(&lanes) && (1..=16).contains(&passes) && (8 * lanes..=1024 * 1024).contains(&memory_kib);
        if sane {
            Ok(Self {
                memory_kib,
                passes,
                lanes,
            })
        } else {
            Err(KeystoreFault::AbsurdCost)
        }
    }

    /// The key that seals the data key.
    pub(super) fn stretch(
        self,
        passphrase: &Passphrase,
        salt: &[u8; 16],
    ) -> Result<Zeroizing<[u8; 32]>, KeystoreFault> {
        let params =
            Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(|_| KeystoreFault::AbsurdCost)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.0.as_bytes(), salt, key.as_mut())
            .map_err(|_| KeystoreFault::AbsurdCost)?;
        Ok(key)
    }
}
