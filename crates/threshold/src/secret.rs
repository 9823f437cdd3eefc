//! Secrets as types: wiped when dropped, redacted when printed, never cloned or serialized by accident.

use core::fmt;

use rand_core::{CryptoRng, RngCore};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Fault, FaultKind, hash};

/// 32 secret bytes. Getting at them is spelt out ([`Self::expose`]).
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret32([u8; 32]);

impl Secret32 {
    /// Takes bytes that are secret. The caller wipes its own copy.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Fresh randomness.
    #[must_use]
    pub fn generate(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut secret = Self([0; 32]);
        rng.fill_bytes(&mut secret.0);
        secret
    }

    /// The bytes themselves.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<&[u8]> for Secret32 {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let mut secret = Self([0; 32]);
        if bytes.len() != 32 {
            return Err(FaultKind::Length.into());
        }
        secret.0.copy_from_slice(bytes);
        Ok(secret)
    }
}

impl fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret32(redacted)")
    }
}

/// What the user's parties hold so that the server alone cannot open its own share. One for each wallet and epoch.
#[derive(ZeroizeOnDrop)]
pub struct UnlockKey(Secret32);

impl UnlockKey {
    /// Draws a new one.
    #[must_use]
    pub fn generate(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        Self(Secret32::generate(rng))
    }

    /// Takes one out of a keystore or a package.
    #[must_use]
    pub fn new(secret: Secret32) -> Self {
        Self(secret)
    }

    /// The bytes, for a seal or a keystore.
    #[must_use]
    pub fn expose(&self) -> &Secret32 {
        &self.0
    }

    /// H(unlock key): public, part of the transcript.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        hash::tagged("twofold/unlock-key", &[self.0.expose()])
    }

    /// Whether this is the key that `digest` was made of.
    pub fn check(&self, digest: &[u8; 32]) -> Result<(), Fault> {
        if bool::from(self.digest().ct_eq(digest)) {
            Ok(())
        } else {
            Err(FaultKind::UnlockKey.into())
        }
    }
}

impl fmt::Debug for UnlockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnlockKey(redacted)")
    }
}

/// Overwrites the part of the stack that a secret operation has just left: the curve types in use are `Copy`, and
/// their copies die without being wiped. Call it from the frame that made the operation's (not inlined) call.
#[inline(never)]
pub(crate) fn wipe_stack() {
    let mut stack = [0u64; 2048];
    core::hint::black_box(&mut stack);
    stack.zeroize();
    core::hint::black_box(&stack);
}
