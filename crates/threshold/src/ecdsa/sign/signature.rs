//! The finished signature.

use core::fmt;

use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};

use crate::{Fault, FaultKind, id::write_hex};

/// `r || s` with s in the lower half, and which of the keys that fit signed it: the parity of R's y.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RecoverableSignature {
    rs: [u8; 64],
    recovery: u8,
}

impl RecoverableSignature {
    /// Puts the parts together; [`Self::verify`] judges them.
    #[must_use]
    pub const fn new(rs: [u8; 64], recovery: u8) -> Self {
        Self { rs, recovery }
    }

    /// `r || s`.
    #[must_use]
    pub const fn rs(&self) -> &[u8; 64] {
        &self.rs
    }

    /// 0 or 1.
    #[must_use]
    pub const fn recovery(&self) -> u8 {
        self.recovery
    }

    /// Checks, by another implementation of the curve than the one that signed, that this is `key`'s signature of `digest`, s is low, and the recovery id leads to `key` and no other.
    pub fn verify(&self, key: &[u8; 33], digest: &[u8; 32]) -> Result<(), Fault> {
        let bad = |_| Fault::new(FaultKind::Signature);
        let signature = Signature::from_slice(&self.rs).map_err(bad)?;
        let recovery = RecoveryId::from_byte(self.recovery).filter(|id| !id.is_x_reduced());
        let recovery = recovery.ok_or(FaultKind::Signature)?;
        let found = VerifyingKey::recover_from_prehash(digest, &signature, recovery).map_err(bad)?;
        if signature.normalize_s().is_none() && found.to_encoded_point(true).as_bytes() == key {
            Ok(())
        } else {
            Err(FaultKind::Signature.into())
        }
    }
}

impl fmt::Debug for RecoverableSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoverableSignature(")?;
        write_hex(f, &self.rs)?;
        write!(f, ", {})", self.recovery)
    }
}
