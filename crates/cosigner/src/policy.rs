//! Whether a spend may be. Only what policy approved reaches a share: [`Approved`] is made here and nowhere else.

mod allow;

use twofold_api::{Reason, Refusal};
use twofold_intent::{Facts, MessageFacts};

/// What a transaction does, worked out by us.
#[derive(Debug)]
pub struct Understood {
    pub(crate) facts: Facts,
}

/// A text to be signed for an address, with what that means, worked out by us.
#[derive(Debug)]
pub struct Text {
    pub(crate) facts: MessageFacts,
}

/// The test signature of a ceremony, over a message that can be no sighash. Nobody outside can have one approved:
///
/// ```compile_fail,E0624
/// let approved = twofold_cosigner::policy::TestSignature::approved();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestSignature;

impl TestSignature {
    /// A test signature moves nothing, so no policy has anything against it.
    pub(crate) const fn approved() -> Approved<Self> {
        Approved(Self)
    }
}

/// A repair of the device's share that recovery has signed for, with its wait over or its device listed, or of recovery's for
/// new words that may take the old ones' place now. Nobody outside can have one approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repair;

impl Repair {
    /// A repair gives out no signature and moves nothing; who may have one the device list's powers say.
    pub(crate) const fn approved() -> Approved<Self> {
        Approved(Self)
    }
}

/// A refresh of the shares with the device list as it is: one device may have it at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refresh;

impl Refresh {
    /// A refresh signs nothing and gives nobody anything, so no policy has anything against it.
    pub(crate) const fn approved() -> Approved<Self> {
        Approved(Self)
    }
}

/// Something that policy approved. No share is opened without one.
#[derive(Debug)]
pub struct Approved<T>(T);

impl<T> Approved<T> {
    /// What was approved.
    pub const fn get(&self) -> &T {
        &self.0
    }
}

/// What policy says.
#[derive(Debug)]
#[non_exhaustive]
pub enum Verdict<T> {
    /// It may be, now.
    Allow(Approved<T>),
    /// Somebody else has to agree first.
    NeedsApproval(T),
    /// It may be at this time, in seconds since 1970, unless somebody objects.
    Wait(T, u64),
    /// It may not be.
    Refuse(Refusal),
}

impl<T> Verdict<T> {
    /// What may be now; nothing waits or asks for more voices yet.
    pub(crate) fn approved(self) -> Result<Approved<T>, Refusal> {
        match self {
            Self::Allow(approved) => Ok(approved),
            Self::Refuse(refusal) => Err(refusal),
            Self::NeedsApproval(_) | Self::Wait(..) => Err(Reason::NotPermitted.into()),
        }
    }
}

/// The policy of a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Whatever passes the operator's sanity limits may be.
    Allow,
}

impl Policy {
    /// The policy's hash, as the state record names it.
    #[must_use]
    pub fn hash(self) -> [u8; 32] {
        match self {
            Self::Allow => allow::hash(),
        }
    }

    /// The policy that a state record names; none where this server does not know it.
    #[must_use]
    pub fn by_hash(hash: &[u8; 32]) -> Option<Self> {
        [Self::Allow].into_iter().find(|policy| policy.hash() == *hash)
    }

    /// Judges a transaction.
    #[must_use]
    pub fn judge(self, understood: Understood) -> Verdict<Understood> {
        match self {
            Self::Allow => allow::judge(understood),
        }
    }

    /// Judges a text that is to be signed.
    #[must_use]
    pub fn judge_text(self, text: Text) -> Verdict<Text> {
        match self {
            Self::Allow => allow::judge_text(text),
        }
    }
}

#[cfg(test)]
mod tests;
