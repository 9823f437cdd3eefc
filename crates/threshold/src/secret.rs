//! Secrets as types: wiped when dropped, redacted when printed, never cloned or serialized by accident.

use alloc::boxed::Box;
use core::fmt;

use k256::Scalar;

use rand_core::{CryptoRng, RngCore};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Fault, FaultKind, hash, point};

/// 32 secret bytes. Getting at them is spelt out ([`Self::expose`]). They stay where they were first put: moving the
/// secret moves a pointer and leaves no copy on the stack.
pub struct Secret32(Box<[u8; 32]>);

impl Zeroize for Secret32 {
    fn zeroize(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

impl Drop for Secret32 {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for Secret32 {}

impl Secret32 {
    /// Takes bytes that are secret. The caller wipes its own copy.
    #[must_use]
    pub fn new(mut bytes: [u8; 32]) -> Self {
        let secret = Self(Box::new(bytes));
        bytes.zeroize();
        secret
    }

    /// Fresh randomness.
    #[must_use]
    pub fn generate(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut secret = Self(Box::new([0; 32]));
        rng.fill_bytes(secret.0.as_mut_slice());
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
        let mut secret = Self(Box::new([0; 32]));
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
        and_wipe(|| hash::tagged("twofold/unlock-key", &[self.0.expose()]))
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

/// A secret number. Moving it moves a pointer, as for [`Secret32`].
pub(crate) struct SecretScalar(Box<Scalar>);

impl SecretScalar {
    /// Takes 32 bytes of a number that is not zero and below the group's order.
    pub(crate) fn new(bytes: &[u8; 32]) -> Result<Self, Fault> {
        and_wipe(|| point::nonzero_scalar(bytes).map(|scalar| Self(Box::new(scalar))))
    }

    pub(crate) const fn expose(&self) -> &Scalar {
        &self.0
    }
}

impl Zeroize for SecretScalar {
    fn zeroize(&mut self) {
        (*self.0).zeroize();
    }
}

impl Drop for SecretScalar {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for SecretScalar {}

/// Runs a secret operation in a frame of its own and wipes what it left on the stack.
#[inline(never)]
pub(crate) fn and_wipe<T>(operation: impl FnOnce() -> T) -> T {
    let result = called(operation);
    wipe_stack();
    result
}

#[inline(never)]
fn called<T>(operation: impl FnOnce() -> T) -> T {
    operation()
}

/// Overwrites the part of the stack that a secret operation has just left: the curve types in use are `Copy`, and
/// their copies die without being wiped. Call it from the frame that made the operation's (not inlined) call.
#[inline(never)]
fn wipe_stack() {
    let mut stack = [0u64; 2048];
    core::hint::black_box(&mut stack);
    stack.zeroize();
    core::hint::black_box(&stack);
}
