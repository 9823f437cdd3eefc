//! BIP-340 verification.

use frost_secp256k1_tr::{Signature, VerifyingKey};

use crate::{Fault, FaultKind, identity::Signature64, point};

/// Verifies a BIP-340 signature by an x-only key over a 32-byte message.
pub fn verify_bip340(key: &[u8; 32], message: &[u8; 32], signature: &Signature64) -> Result<(), Fault> {
    let mut compressed = [2; 33];
    compressed[1..].copy_from_slice(key);
    let key = VerifyingKey::deserialize(&compressed).map_err(|_| FaultKind::Point)?;
    let mut response = [0; 32];
    response.copy_from_slice(&signature.0[32..]);
    point::scalar(&response)?;
    let signature = Signature::deserialize(&signature.0).map_err(|_| FaultKind::Point)?;
    key.verify(message, &signature).map_err(|_| FaultKind::Signature.into())
}
