//! The numbers of a refresh: each dealer's polynomial f(x) = a·x, and what both together add to each party's share.

use frost_secp256k1_tr::keys::refresh::compute_refreshing_shares;
use k256::{
    ProjectivePoint, Scalar,
    elliptic_curve::{PrimeField, group::Group},
};
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    Fault, FaultKind,
    create::Dealt,
    id::{EpochId, Party},
    point,
    secret::{SecretScalar, and_wipe},
    share::{PublicShares, Share},
};

/// A point that a dealer committed to: a·G.
pub(super) type Commitment = [u8; 33];

/// One dealer's polynomial.
pub(super) struct Polynomial {
    slope: SecretScalar,
    commitment: Commitment,
}

impl Polynomial {
    /// Draws one.
    pub(super) fn deal(public: &PublicShares, rng: &mut (impl RngCore + CryptoRng)) -> Result<Self, Fault> {
        let package = public.package()?;
        let parties = Party::ALL.map(Party::identifier);
        and_wipe(|| {
            let (shares, _) = compute_refreshing_shares(package, &parties, rng).map_err(|_| FaultKind::Internal)?;
            // The server's number is 1, and f(1) = a.
            let first = shares
                .iter()
                .find(|share| *share.identifier() == Party::Server.identifier())
                .ok_or(FaultKind::Internal)?;
            let commitment = first.commitment().serialize_whole().map_err(|_| FaultKind::Internal)?;
            let slope = Zeroizing::new(first.signing_share().serialize());
            let slope: &[u8; 32] = slope.as_slice().try_into().map_err(|_| FaultKind::Internal)?;
            Ok(Self {
                slope: SecretScalar::new(slope).map_err(|_| FaultKind::Internal)?,
                commitment: commitment.try_into().map_err(|_| FaultKind::Internal)?,
            })
        })
    }

    /// The polynomial that `dealer` committed to, from what it comes to at `at`.
    pub(super) fn through(at: Party, value: &Dealt, commitment: &Commitment, dealer: Party) -> Result<Self, Fault> {
        let blame = || Fault::of(FaultKind::DealtShare, dealer);
        let inverse = Option::<Scalar>::from(number(at).invert()).ok_or(FaultKind::Internal)?;
        and_wipe(|| {
            let mut slope = point::nonzero_scalar(value).map_err(|_| blame())? * inverse;
            let fits = point::encode(&(ProjectivePoint::GENERATOR * slope)).is_ok_and(|point| point == *commitment);
            let bytes = Zeroizing::new(<[u8; 32]>::from(slope.to_repr()));
            slope.zeroize();
            if !fits {
                return Err(blame());
            }
            Ok(Self {
                slope: SecretScalar::new(&bytes)?,
                commitment: *commitment,
            })
        })
    }

    pub(super) const fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    /// What it comes to at `party`.
    pub(super) fn at(&self, party: Party) -> Dealt {
        times(&self.slope, party)
    }

    /// Both dealers' polynomials in one. `other` dealt last and is to blame for a sum that changes nothing.
    pub(super) fn plus(&self, theirs: &Self, other: Party) -> Result<Whole, Fault> {
        and_wipe(|| {
            let mut sum = *self.slope.expose() + theirs.slope.expose();
            let bytes = Zeroizing::new(<[u8; 32]>::from(sum.to_repr()));
            sum.zeroize();
            let slope = SecretScalar::new(&bytes).map_err(|_| Fault::of(FaultKind::DealtShare, other))?;
            Ok(Whole(slope))
        })
    }
}

/// What both dealers know: the sum of their polynomials.
pub(super) struct Whole(SecretScalar);

impl Whole {
    /// What `party`'s share grows by.
    pub(super) fn increment(&self, party: Party) -> Dealt {
        times(&self.0, party)
    }
}

/// The same in public: both commitments' sum.
#[derive(Clone, Copy)]
pub(super) struct PublicWhole(ProjectivePoint);

impl PublicWhole {
    /// Adds up what both dealers committed to.
    pub(super) fn of(commitments: &[Commitment; 2]) -> Result<Self, Fault> {
        let sum = point::decode(&commitments[0])? + point::decode(&commitments[1])?;
        if bool::from(sum.is_identity()) {
            // Nothing would change: every old share would stay alive.
            return Err(FaultKind::Point.into());
        }
        Ok(Self(sum))
    }

    /// The verifying shares of the next epoch.
    pub(super) fn verifying_shares(&self, public: &PublicShares) -> Result<[[u8; 33]; 3], Fault> {
        let mut shares = [[0; 33]; 3];
        for party in Party::ALL {
            let share = point::decode(public.verifying_share(party))? + self.at(party);
            shares[party.index()] = point::encode(&share)?;
        }
        Ok(shares)
    }

    /// Whether `increment` is what `party`'s share grows by.
    pub(super) fn fits(&self, party: Party, increment: &Dealt) -> bool {
        and_wipe(|| {
            point::nonzero_scalar(increment)
                .is_ok_and(|increment| ProjectivePoint::GENERATOR * increment == self.at(party))
        })
    }

    fn at(&self, party: Party) -> ProjectivePoint {
        match party {
            Party::Server => self.0,
            Party::Device => self.0.double(),
            Party::Recovery => self.0.double() + self.0,
        }
    }
}

/// a·x at `party`.
fn times(slope: &SecretScalar, party: Party) -> Dealt {
    and_wipe(|| Zeroizing::new((*slope.expose() * number(party)).to_repr().into()))
}

/// The share that `share` becomes. The caller checks it against the verifying shares of `epoch`.
pub(super) fn grown(share: &Share, increment: &Dealt, epoch: EpochId) -> Result<Share, Fault> {
    and_wipe(|| {
        let mut sum = *share.scalar() + point::nonzero_scalar(increment)?;
        let bytes = Zeroizing::new(<[u8; 32]>::from(sum.to_repr()));
        sum.zeroize();
        Share::new(share.wallet(), share.party(), share.kind(), epoch, &bytes)
    })
}

fn number(party: Party) -> Scalar {
    Scalar::from(u64::from(party.number()))
}
