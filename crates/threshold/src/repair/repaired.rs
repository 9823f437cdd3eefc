//! The one whose share is given back.

use super::{
    hub::Carried,
    message::{Claim, Helpers},
    part,
};
use crate::{
    Fault, FaultKind,
    envelope::{Purpose, SealSecret},
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
}
