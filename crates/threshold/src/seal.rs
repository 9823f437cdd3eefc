//! Seals for what is kept: XChaCha20-Poly1305 under a random 24-byte nonce, bound to what the record is.

use alloc::vec::Vec;

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{AeadInPlace, KeyInit},
};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::{
    Fault, FaultKind, hash,
    id::{EpochId, KeyKind, Party, WalletId},
    secret::{Secret32, and_wipe},
};

const NONCE: usize = 24;
const TAG: usize = 16;
/// The layout of a seal: version, nonce, ciphertext, tag.
const VERSION: u8 = 1;

/// How many bytes a seal adds to what it holds.
pub const OVERHEAD: usize = 1 + NONCE + TAG;

/// What the sealed bytes are a record of, and in which layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema(pub u16);

impl Schema {
    /// A [`crate::share::Share`].
    pub const SHARE: Self = Self(1);
    /// The server's state between the two requests of a create ceremony.
    pub const CREATE_SERVER: Self = Self(2);
    /// The server's state between the two requests of a refresh.
    pub const REFRESH_SERVER: Self = Self(3);
    /// The server's share of an epoch to come, for a device to keep.
    pub const KEPT_SHARE: Self = Self(4);
    /// The server's state of a ceremony that makes an ECDSA key, once it has dealt.
    pub const ECDSA_DEALT: Self = Self(5);
    /// The same once it has opened what it committed to.
    pub const ECDSA_PROVED: Self = Self(6);
    /// The server's state between the two requests of a refresh of both keys.
    pub const REFRESH_BOTH_SERVER: Self = Self(7);
}

/// Associated data: a seal opens only for the same record of the same wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aad {
    /// Whose wallet.
    pub wallet: WalletId,
    /// Whose share.
    pub party: Party,
    /// Of which key.
    pub kind: KeyKind,
    /// Of which epoch; [`EpochId::NONE`] before the first.
    pub epoch: EpochId,
    /// What the bytes are.
    pub schema: Schema,
    /// The group key; zeroes where there is none yet.
    pub public_key: [u8; 33],
}

impl Aad {
    /// A hash of all fields, each preceded by its length.
    fn digest(&self) -> [u8; 32] {
        hash::tagged(
            "twofold/seal",
            &[
                &self.wallet.0,
                &[self.party.number()],
                &[self.kind.number()],
                &self.epoch.number.to_be_bytes(),
                &self.epoch.transcript,
                &self.schema.0.to_be_bytes(),
                &self.public_key,
            ],
        )
    }
}

/// Seals `plaintext` under `key` for exactly `aad`.
#[must_use]
pub fn seal(key: &Secret32, aad: &Aad, plaintext: &[u8], rng: &mut (impl RngCore + CryptoRng)) -> Vec<u8> {
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    let mut sealed = Vec::with_capacity(plaintext.len() + OVERHEAD);
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plaintext);
    let tag = and_wipe(|| {
        XChaCha20Poly1305::new(key.expose().into()).encrypt_in_place_detached(
            XNonce::from_slice(&nonce),
            &aad.digest(),
            &mut sealed[1 + NONCE..],
        )
    })
    .unwrap_or_else(|_| unreachable!("a record is shorter than the cipher's 256 GiB"));
    sealed.extend_from_slice(&tag);
    sealed
}

/// Opens what [`seal`] made. A wrong key, other associated data and a changed byte look the same.
pub fn open(key: &Secret32, aad: &Aad, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let (&[VERSION], rest) = sealed.split_first_chunk::<1>().ok_or(FaultKind::Seal)? else {
        return Err(FaultKind::Seal.into());
    };
    let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(FaultKind::Seal)?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG>().ok_or(FaultKind::Seal)?;
    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    // The cipher keeps its key on the stack.
    and_wipe(|| {
        XChaCha20Poly1305::new(key.expose().into()).decrypt_in_place_detached(
            XNonce::from_slice(nonce),
            &aad.digest(),
            &mut plaintext,
            tag.into(),
        )
    })
    .map_err(|_| FaultKind::Seal)?;
    Ok(plaintext)
}

#[cfg(test)]
mod tests;
