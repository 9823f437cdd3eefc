//! Curve points and scalars in their one canonical form: SEC 1 compressed points without the identity, scalars below
//! the group order.

use k256::{
    AffinePoint, ProjectivePoint, Scalar,
    elliptic_curve::{
        PrimeField,
        sec1::{FromEncodedPoint, ToEncodedPoint},
    },
};

use crate::{Fault, FaultKind};

/// Bytes of a compressed point.
pub(crate) const POINT: usize = 33;

pub(crate) fn decode(bytes: &[u8; POINT]) -> Result<ProjectivePoint, Fault> {
    if !matches!(bytes[0], 2 | 3) {
        return Err(FaultKind::Point.into());
    }
    let encoded = k256::EncodedPoint::from_bytes(bytes).map_err(|_| FaultKind::Point)?;
    let point = Option::<AffinePoint>::from(AffinePoint::from_encoded_point(&encoded)).ok_or(FaultKind::Point)?;
    Ok(point.into())
}

/// The identity has no encoding here.
pub(crate) fn encode(point: &ProjectivePoint) -> Result<[u8; POINT], Fault> {
    let encoded = point.to_affine().to_encoded_point(true);
    encoded.as_bytes().try_into().map_err(|_| FaultKind::Point.into())
}

pub(crate) fn scalar(bytes: &[u8; 32]) -> Result<Scalar, Fault> {
    Option::<Scalar>::from(Scalar::from_repr((*bytes).into())).ok_or_else(|| FaultKind::Scalar.into())
}

pub(crate) fn nonzero_scalar(bytes: &[u8; 32]) -> Result<Scalar, Fault> {
    let scalar = scalar(bytes)?;
    if bool::from(scalar.is_zero()) {
        Err(FaultKind::Scalar.into())
    } else {
        Ok(scalar)
    }
}
