//! A digest without what it is of: nobody can say what it does, so it is a capability of its own, off by default.

use alloy_primitives::{Address, B256};

use super::{Account, Allowed, Effect, Unknown, Why};

/// A digest, and that nothing is known of it. Made only by [`facts`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The digest that is signed.
    pub digest: B256,
    /// Who signs.
    pub from: Address,
    /// One effect, and it is unknown.
    pub effects: Vec<Effect>,
}

/// Why a digest is not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// By default none is.
    #[error(
        "a bare digest may be of anything, so none is signed here; send the transaction, text or typed data itself"
    )]
    BareDigest,
}

impl Refused {
    /// The stable name of this refusal, for programs.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::BareDigest => "BARE_DIGEST",
        }
    }
}

/// What a bare digest means to this account: anything, where it is allowed at all.
pub fn facts(digest: B256, account: &Account, allowed: &Allowed) -> Result<Facts, Refused> {
    if !allowed.bare_digests {
        return Err(Refused::BareDigest);
    }
    let effects = vec![Effect::Unknown(Unknown {
        from: account.address,
        contract: None,
        why: Why::Digest,
    })];
    Ok(Facts {
        digest,
        from: account.address,
        effects,
    })
}

#[cfg(test)]
mod tests;
