//! Tagged hashes in the manner of BIP-340, under tags that only Twofold uses.

use sha2::{Digest, Sha256};

/// A tagged SHA-256. Every part is preceded by its length, so no two lists of parts hash alike.
pub(crate) struct Tagged(Sha256);

impl Tagged {
    pub(crate) fn new(tag: &str) -> Self {
        let tag = Sha256::digest(tag.as_bytes());
        Self(Sha256::new_with_prefix(tag).chain_update(tag))
    }

    pub(crate) fn part(self, bytes: &[u8]) -> Self {
        Self(
            self.0
                .chain_update((bytes.len() as u64).to_be_bytes())
                .chain_update(bytes),
        )
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// A tagged hash of a list of parts.
pub(crate) fn tagged(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    parts
        .iter()
        .fold(Tagged::new(tag), |hash, part| hash.part(part))
        .finish()
}

/// BIP-340's own form, for tags that Bitcoin defines: the bytes follow the tag bare.
pub(crate) fn bip340_tagged(tag: &str, bytes: &[u8]) -> [u8; 32] {
    let tag = Sha256::digest(tag.as_bytes());
    Sha256::new_with_prefix(tag)
        .chain_update(tag)
        .chain_update(bytes)
        .finalize()
        .into()
}
