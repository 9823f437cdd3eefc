//! The library's numbers and points, and their one canonical form: as [`crate::point`] has it for frost's older k256.

use alloc::vec::Vec;

use dkls23_core::protocols::{Parameters, PartyIndex};
use k256_next::elliptic_curve::{PrimeField, group::GroupEncoding};
pub(super) use k256_next::{AffinePoint, ProjectivePoint, Scalar, Secp256k1 as Curve};

use crate::{
    Fault, FaultKind,
    codec::{Reader, Writer},
    id::Party,
    point::POINT,
};

/// Two of three.
pub(super) const PARAMETERS: Parameters = Parameters {
    threshold: 2,
    share_count: 3,
};

/// The library's name of a party.
pub(super) fn index(party: Party) -> PartyIndex {
    PartyIndex::new(party.number()).unwrap_or_else(|_| unreachable!("1, 2 and 3 are not zero"))
}

/// The other direction.
pub(super) fn party(index: PartyIndex) -> Result<Party, Fault> {
    index.as_u8().try_into()
}

pub(super) fn scalar(bytes: &[u8; 32]) -> Result<Scalar, Fault> {
    Option::<Scalar>::from(Scalar::from_repr((*bytes).into())).ok_or_else(|| FaultKind::Scalar.into())
}

pub(super) fn scalar_bytes(scalar: &Scalar) -> [u8; 32] {
    scalar.to_repr().into()
}

/// The identity has no encoding here.
pub(super) fn point(bytes: &[u8; POINT]) -> Result<AffinePoint, Fault> {
    if !matches!(bytes[0], 2 | 3) {
        return Err(FaultKind::Point.into());
    }
    Option::<AffinePoint>::from(AffinePoint::from_bytes(&(*bytes).into())).ok_or_else(|| FaultKind::Point.into())
}

pub(super) fn point_bytes(point: &AffinePoint) -> [u8; POINT] {
    point.to_bytes().into()
}

impl Writer {
    pub(super) fn point(self, point: &AffinePoint) -> Self {
        self.fixed(&point_bytes(point))
    }

    pub(super) fn scalar(self, scalar: &Scalar) -> Self {
        self.fixed(&scalar_bytes(scalar))
    }

    pub(super) fn scalars(self, scalars: &[Scalar]) -> Self {
        scalars.iter().fold(self, Self::scalar)
    }
}

impl Reader<'_> {
    pub(super) fn point(&mut self) -> Result<AffinePoint, Fault> {
        point(&self.array()?)
    }

    pub(super) fn scalar(&mut self) -> Result<Scalar, Fault> {
        scalar(&self.array()?)
    }

    /// Exactly `count` scalars.
    pub(super) fn scalars(&mut self, count: usize) -> Result<Vec<Scalar>, Fault> {
        (0..count).map(|_| self.scalar()).collect()
    }

    /// Exactly `count` byte strings of `N` bytes.
    pub(super) fn arrays<const N: usize>(&mut self, count: usize) -> Result<Vec<[u8; N]>, Fault> {
        (0..count).map(|_| self.array()).collect()
    }
}
