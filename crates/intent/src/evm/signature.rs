//! Signatures that come back, held to the digest and the address before they are passed on.

use alloy_primitives::{Address, B256, Signature};

use super::Account;

/// The signature is not the account's over this intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadSignature {
    /// The larger of the two values of s, which chains refuse (EIP-2).
    #[error("the signature has the larger s, which no chain takes; ask for it again")]
    HighS,
    /// It is of another key, or over another digest.
    #[error("the signature does not verify; ask for it again")]
    Other,
}

impl BadSignature {
    /// The stable name of this error, for programs.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::HighS => "SIGNATURE_HIGH_S",
            Self::Other => "BAD_SIGNATURE",
        }
    }
}

/// The signature of a text or of typed data as people pass it on: r, s, and 27 or 28 for the parity. It is verified first.
pub fn proof(digest: &B256, account: &Account, signature: &Signature) -> Result<[u8; 65], BadSignature> {
    check(digest, signature, account.address)?;
    Ok(signature.as_bytes())
}

/// Whether this is the address's signature over the digest, parity and all.
pub(super) fn check(digest: &B256, signature: &Signature, by: Address) -> Result<(), BadSignature> {
    if signature.normalize_s().is_some() {
        return Err(BadSignature::HighS);
    }
    match signature.recover_address_from_prehash(digest) {
        Ok(signer) if signer == by => Ok(()),
        _ => Err(BadSignature::Other),
    }
}
