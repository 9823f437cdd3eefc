//! What can go wrong with a signature, and what of it ends the pair.

use dkls23_core::protocols::{Abort, AbortKind, AbortReason};

use super::super::pair::{PairId, SetUp};
use crate::{Fault, FaultKind, id::Party};

/// Why there is no signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignFault {
    /// This session is over; another may be tried with the same pair.
    #[error(transparent)]
    Refused(#[from] Fault),
    /// A proof failed. Each that fails tells a cheat a little of the other's secrets, so this pair is never used again: the
    /// caller writes that down before it answers.
    #[error("a proof by {culprit} fails, so the set-up {pair} is never used again: refresh the wallet to make another")]
    Quarantined {
        /// What is not used any more.
        pair: PairId,
        /// Whose proof failed.
        culprit: Party,
    },
}

impl From<FaultKind> for SignFault {
    fn from(kind: FaultKind) -> Self {
        Self::Refused(kind.into())
    }
}

/// The library's complaint in our words. What it bans the other side for ends the pair.
pub(super) fn refused(set_up: &SetUp, abort: &Abort) -> SignFault {
    let other = set_up.other().party;
    if let AbortKind::BanCounterparty(_) = abort.kind {
        return set_up.quarantine();
    }
    let kind = match abort.reason {
        // Another session, digest, key or path than ours.
        AbortReason::SessionBindingMismatch { .. } => FaultKind::ForeignCeremony,
        AbortReason::CommitmentMismatch { .. } => FaultKind::CommitmentReplaced,
        // The two shares do not come to the key.
        AbortReason::PolynomialInconsistency => FaultKind::ShareMismatch,
        AbortReason::TrivialInstancePoint { .. } => FaultKind::Point,
        AbortReason::SignatureVerificationFailed | AbortReason::ZeroDenominator => FaultKind::Signature,
        _ => return FaultKind::Internal.into(),
    };
    Fault::of(kind, other).into()
}
