//! The numbers of a repair: deltas, what is shown of them, sigmas.

use alloc::vec::Vec;
use core::hint::black_box;

use frost_secp256k1_tr::{
    Secp256K1Sha256TR,
    keys::repairable::{self, Delta, Sigma},
};
use k256::{ProjectivePoint, Scalar};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::message::Claim;
use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer},
    envelope::{Purpose, SealPublic, SealSecret},
    id::Party,
    point::{self, POINT},
    secret::{Secret32, and_wipe},
    share::{PublicShares, Share, key_package},
};

/// delta·G of a helper's two deltas: of the one that it keeps, and of the one that it gives its fellow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) kept: [u8; POINT],
    pub(super) given: [u8; POINT],
}

impl Shown {
    /// Both deltas together are the helper's part of the lost share, or the helper lies.
    pub(super) fn check(
        &self,
        public: &PublicShares,
        helper: Party,
        fellow: Party,
        repaired: Party,
    ) -> Result<(), Fault> {
        let sum = point::decode(&self.kept)? + point::decode(&self.given)?;
        let part = point::decode(public.verifying_share(helper))? * lagrange(helper, fellow, repaired)?;
        if sum == part {
            Ok(())
        } else {
            Err(Fault::of(FaultKind::Repair, helper))
        }
    }
}

impl Encode for Shown {
    fn encode(&self, writer: Writer) -> Writer {
        writer.fixed(&self.kept).fixed(&self.given)
    }
}

impl Decode for Shown {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let shown = Self {
            kept: reader.array()?,
            given: reader.array()?,
        };
        point::decode(&shown.kept)?;
        point::decode(&shown.given)?;
        Ok(shown)
    }
}

/// The Lagrange coefficient of `helper` for the value at `repaired`, with `fellow` as the other helper: frost keeps its own
/// to itself, and shows none of what it uses it for.
fn lagrange(helper: Party, fellow: Party, repaired: Party) -> Result<Scalar, Fault> {
    let x = |party: Party| Scalar::from(u64::from(party.number()));
    let below = Option::<Scalar>::from((x(helper) - x(fellow)).invert()).ok_or(FaultKind::Count)?;
    Ok((x(repaired) - x(fellow)) * below)
}

/// A helper's two deltas.
pub(super) struct Deltas {
    pub(super) kept: Secret32,
    pub(super) given: Secret32,
    pub(super) shown: Shown,
}

impl Deltas {
    /// Splits the helper's part of what `repaired` has lost.
    pub(super) fn deal(
        share: &Share,
        public: &PublicShares,
        fellow: Party,
        repaired: Party,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, Fault> {
        share.check_epoch(public)?;
        let (me, frost) = (share.party(), public.package()?);
        let (kept, given) = and_wipe(|| -> Result<_, Fault> {
            let key = key_package(me, share.scalar(), &frost)?;
            let helpers = [me.identifier(), fellow.identifier()];
            let mut deltas =
                repairable::repair_share_part1::<Secp256K1Sha256TR, _>(&helpers, &key, rng, repaired.identifier())
                    .map_err(|_| FaultKind::Internal)?;
            let pair = [me, fellow].map(|party| {
                let delta = deltas.get(&party.identifier()).ok_or(FaultKind::Internal)?;
                secret(delta.serialize())
            });
            // The map frees its copies as they are.
            let nothing = Delta::deserialize(&[0; 32]).map_err(|_| FaultKind::Internal)?;
            for delta in deltas.values_mut() {
                *delta = nothing;
            }
            black_box(&deltas);
            let [kept, given] = pair;
            Ok((kept?, given?))
        })?;
        let shown = Shown {
            kept: point::encode(&times_g(&kept)?)?,
            given: point::encode(&times_g(&given)?)?,
        };
        Ok(Self { kept, given, shown })
    }
}

/// A helper's sigma: what it keeps and what its fellow gave it.
pub(super) fn sigma(kept: &Secret32, received: &Secret32) -> Result<Secret32, Fault> {
    and_wipe(|| {
        let delta = |secret: &Secret32| Delta::deserialize(secret.expose()).map_err(|_| FaultKind::Scalar);
        let sigma = repairable::repair_share_part2(&[delta(kept)?, delta(received)?]);
        secret(sigma.serialize())
    })
}

/// The lost share. frost takes any sigmas: the result is held against the verifying share.
pub(super) fn share(claim: &Claim, public: &PublicShares, sigmas: [&Secret32; 2]) -> Result<Share, Fault> {
    let frost = public.package()?;
    let share = and_wipe(|| -> Result<_, Fault> {
        let sigma = |secret: &Secret32| Sigma::deserialize(secret.expose()).map_err(|_| FaultKind::Scalar);
        let sigmas = [sigma(sigmas[0])?, sigma(sigmas[1])?];
        let key = repairable::repair_share_part3(&sigmas, claim.repaired.identifier(), &frost)
            .map_err(|_| FaultKind::Internal)?;
        let bytes = secret(key.signing_share().serialize())?;
        Share::new(claim.wallet, claim.repaired, claim.kind, claim.epoch, bytes.expose())
    })?;
    share.check(public)?;
    Ok(share)
}

/// What goes from one party to another under seal, and the key that it is sealed to.
pub(super) fn seal(
    claim: &Claim,
    (from, to): (Party, Party),
    key: &SealPublic,
    purpose: Purpose,
    plain: &Secret32,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Vec<u8>, Fault> {
    key.seal(&claim.binding(from, to), purpose, plain.expose(), rng)
}

/// The other direction. What does not open was sealed by `from` for somewhere else, if its signature over it is good.
pub(super) fn open(
    claim: &Claim,
    (from, to): (Party, Party),
    key: &SealSecret,
    purpose: Purpose,
    sealed: &[u8],
) -> Result<Secret32, Fault> {
    let plain = key
        .open(&claim.binding(from, to), purpose, sealed)
        .map_err(|_| Fault::of(FaultKind::SealedPackage, from))?;
    Secret32::try_from(plain.as_slice()).map_err(|_| Fault::of(FaultKind::SealedPackage, from))
}

/// Holds a number to the point that was shown for it.
pub(super) fn is_behind(secret: &Secret32, shown: &ProjectivePoint, by: Party) -> Result<(), Fault> {
    let point = times_g(secret).map_err(|fault| fault.by(by))?;
    if point == *shown {
        Ok(())
    } else {
        Err(Fault::of(FaultKind::Repair, by))
    }
}

fn times_g(secret: &Secret32) -> Result<ProjectivePoint, Fault> {
    and_wipe(|| Ok(ProjectivePoint::GENERATOR * point::scalar(secret.expose())?))
}

fn secret(bytes: Vec<u8>) -> Result<Secret32, Fault> {
    Secret32::try_from(Zeroizing::new(bytes).as_slice())
}
