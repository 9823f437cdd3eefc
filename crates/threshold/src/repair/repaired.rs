//! The one whose share is given back.

use super::{
    first,
    hub::Carried,
    message::{Answer, Claim, Helpers, Signed},
    part,
};
use crate::{
    Fault, FaultKind,
    envelope::{Purpose, SealSecret},
    hash,
    id::Party,
    point,
    secret::{Secret32, UnlockKey},
    share::{PublicShares, Share},
};

/// Waiting for what both helpers sealed.
#[derive(Debug)]
#[must_use]
pub struct AwaitSigmas {
    claim: Claim,
    helpers: Helpers,
    public: PublicShares,
}

/// A share that is as good as the lost one was.
#[derive(Debug)]
#[must_use]
pub struct Repaired {
    /// The share.
    pub share: Share,
    /// The unlock key of its epoch.
    pub unlock: UnlockKey,
    /// H(T) of the repair.
    pub transcript: [u8; 32],
}

impl AwaitSigmas {
    /// Waits for the repair that `claim` names.
    pub fn new(claim: Claim, helpers: Helpers, public: PublicShares) -> Result<Self, Fault> {
        claim.check(&public, &helpers)?;
        Ok(Self { claim, helpers, public })
    }

    /// Checks everything, opens both sigmas with `key`, and holds each to what its helper showed and their sum to the
    /// verifying share. A share of one's own that is still there stays as it is: this changes nothing.
    pub fn receive(self, carried: &Carried, key: &SealSecret) -> Result<Repaired, Fault> {
        let Self { claim, helpers, public } = self;
        if key.public() != claim.key {
            return Err(FaultKind::PublicKey.into());
        }
        let carried = carried.clone().check(claim.clone(), helpers, public.clone())?;
        let (first, second) = (helpers.first.0, helpers.second.0);
        let sigma = |helper: Party| -> Result<Secret32, Fault> {
            let (sealed, [kept, received]) = carried.sigma_of(helper, first);
            let sigma = part::open(&claim, (helper, claim.repaired), key, Purpose::Sigma, sealed)?;
            part::is_behind(&sigma, &(point::decode(kept)? + point::decode(received)?), helper)?;
            Ok(sigma)
        };
        let (of_first, of_second) = (sigma(first)?, sigma(second)?);
        let share =
            part::share(&claim, &public, [&of_first, &of_second]).map_err(|fault| fault.by(first).or(second))?;
        let sealed = &carried.closing.message.unlock;
        let unlock = part::open(&claim, (first, claim.repaired), key, Purpose::UnlockKey, sealed)?;
        let unlock = UnlockKey::new(unlock);
        unlock
            .check(&claim.unlock_digest)
            .map_err(|_| Fault::of(FaultKind::SealedPackage, first))?;
        Ok(Repaired {
            share,
            unlock,
            transcript: carried.transcript(),
        })
    }

    /// The same where the first helper is gone when the second answers, and has left what it waits with, and the unlock key,
    /// to the one repaired.
    ///
    /// So the one repaired sees the delta that it keeps and the one that it is given apart, and not their sum alone. Both
    /// are uniform, and the second's sigma is the share less both: they tell no more of the helpers' shares than the share
    /// itself does, however often the second answers the same opening.
    pub fn receive_left(
        self,
        left: first::AwaitAnswer,
        answer: &Signed<Answer>,
        unlock: UnlockKey,
        key: &SealSecret,
    ) -> Result<Repaired, Fault> {
        let Self { claim, helpers, public } = self;
        if key.public() != claim.key {
            return Err(FaultKind::PublicKey.into());
        }
        let (first, second) = (helpers.first.0, helpers.second.0);
        if *left.claim() != claim {
            return Err(Fault::of(FaultKind::ForeignCeremony, first));
        }
        unlock
            .check(&claim.unlock_digest)
            .map_err(|_| Fault::of(FaultKind::SealedPackage, first))?;
        let opening = left.hub.opening.clone();
        drop(left.hub.receive(answer.clone())?);
        let (opened, answered) = (&opening.message, &answer.message);
        let delta = part::open(&claim, (second, first), &left.key, Purpose::Delta, &answered.to_first)?;
        part::is_behind(&delta, &point::decode(&answered.shown.given)?, second)?;
        let sealed = &answered.to_repaired;
        let of_second = part::open(&claim, (second, claim.repaired), key, Purpose::Sigma, sealed)?;
        let shown = point::decode(&answered.shown.kept)? + point::decode(&opened.shown.given)?;
        part::is_behind(&of_second, &shown, second)?;
        let of_first = part::sigma(&left.kept, &delta)?;
        let share =
            part::share(&claim, &public, [&of_first, &of_second]).map_err(|fault| fault.by(first).or(second))?;
        Ok(Repaired {
            share,
            unlock,
            transcript: hash::tagged("twofold/repair-left", &[&opening.to_bytes(), &answer.to_bytes()]),
        })
    }
}
