//! What went wrong inside, as what the caller is told.

use std::borrow::Cow;

use twofold_api::{Reason, Refusal};
use twofold_intent::Refused;
use twofold_threshold::{Class, Fault, FaultKind};

use crate::{
    port::{chain::ChainFault, store::StoreFault},
    state::Tampered,
};

impl From<StoreFault> for Refusal {
    fn from(fault: StoreFault) -> Self {
        match fault {
            StoreFault::Conflict(_) => Reason::Conflict.into(),
            StoreFault::Exists(what) => {
                tracing::debug!(what, "a row exists already");
                Reason::Conflict.into()
            }
            StoreFault::Unavailable(cause) => {
                tracing::error!(cause, "the database is unavailable");
                Self::from(Reason::StoreUnavailable).retry_after(1)
            }
            StoreFault::Damaged(cause) => internal("a row is damaged", &cause),
        }
    }
}

impl From<ChainFault> for Refusal {
    fn from(fault: ChainFault) -> Self {
        match fault {
            ChainFault::Refused(why) => Self::new(
                Reason::ChainRefused,
                Cow::Owned(format!("the node refused the transaction: {why}")),
            ),
            ChainFault::Unavailable(cause) => {
                tracing::warn!(cause, "the node does not answer");
                Self::from(Reason::ChainUnavailable).retry_after(5)
            }
            ChainFault::Disagreement(cause) => {
                tracing::error!(cause, "the two sources of the chain disagree");
                Self::from(Reason::ChainUnavailable).retry_after(5)
            }
            ChainFault::Missing(_) | ChainFault::Beyond(_) => Self::from(Reason::ChainUnavailable).retry_after(5),
        }
    }
}

impl From<Tampered> for Refusal {
    fn from(_: Tampered) -> Self {
        tracing::error!("a wallet's state record does not authenticate");
        Reason::StateTampered.into()
    }
}

/// A refusal for a fault of our own: the caller learns nothing of its insides, the log does.
pub(crate) fn internal(what: &'static str, cause: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%cause, what, "internal fault");
    Refusal::new(
        Reason::Internal,
        "something went wrong on the server; nothing was changed",
    )
}

/// What a fault of the protocol tells the caller.
pub(crate) fn protocol(fault: &Fault) -> Refusal {
    let reason = match (fault.kind, fault.class()) {
        (FaultKind::StaleEpoch, _) => Reason::StaleEpoch,
        (FaultKind::ForeignCeremony | FaultKind::Equivocation, _) => Reason::CeremonyMismatch,
        (_, Class::Malformed) => Reason::Malformed,
        (_, Class::Blame) => Reason::Culprit,
        (_, Class::WrongOrder) => Reason::OutOfOrder,
        (_, Class::Denied) => Reason::WrongUnlockKey,
        (_, Class::Unreadable) => Reason::ShareDamaged,
        _ => return internal("the protocol broke", fault),
    };
    Refusal::new(reason, Cow::Owned(fault.kind.to_string())).blaming(fault.culprits.clone())
}

/// Why a PSBT gives no facts.
pub(crate) fn psbt(refused: &Refused) -> Refusal {
    Refusal::new(Reason::PsbtRefused, Cow::Owned(refused.to_string()))
}
