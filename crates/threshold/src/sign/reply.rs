//! Commitments, signature shares, and the server's reply.

use alloc::{collections::BTreeMap, vec::Vec};
use core::fmt;

use frost_secp256k1_tr::{
    SigningPackage,
    round1::{NonceCommitment, SigningCommitments},
    round2,
};

use super::MAX_INPUTS;
use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Kind, Reader, Writer},
    hash,
    id::{EpochId, Party, RequestDigest, write_hex},
    identity::Signature64,
    point,
};

/// A signer's two commitments for one input: hiding, then binding, each a compressed point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Commitment {
    points: SigningCommitments,
    /// Kept, since points come out of a multiplication in coordinates that take an inversion to write down.
    bytes: [u8; Self::LEN],
}

impl Commitment {
    /// Bytes of a commitment.
    pub const LEN: usize = 66;

    /// Canonical bytes.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; Self::LEN] {
        self.bytes
    }

    pub(crate) const fn frost(&self) -> SigningCommitments {
        self.points
    }
}

impl From<SigningCommitments> for Commitment {
    fn from(points: SigningCommitments) -> Self {
        let mut bytes = [0; Self::LEN];
        for (half, nonce) in bytes.chunks_exact_mut(33).zip([points.hiding(), points.binding()]) {
            // The identity cannot be here: decoding refuses it and a nonce is never zero.
            if let Ok(point) = nonce.serialize() {
                half.copy_from_slice(&point);
            }
        }
        Self { points, bytes }
    }
}

impl TryFrom<&[u8]> for Commitment {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().map_err(|_| FaultKind::Length)?;
        let nonce = |half: &[u8]| {
            if !matches!(half[0], 2 | 3) {
                return Err(Fault::new(FaultKind::Point));
            }
            NonceCommitment::deserialize(half).map_err(|_| FaultKind::Point.into())
        };
        Ok(Self {
            points: SigningCommitments::new(nonce(&bytes[..33])?, nonce(&bytes[33..])?),
            bytes: *bytes,
        })
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Commitment(")?;
        write_hex(f, &self.to_bytes())?;
        f.write_str(")")
    }
}

impl Encode for Commitment {
    fn encode(&self, writer: Writer) -> Writer {
        writer.fixed(&self.to_bytes())
    }
}

impl Decode for Commitment {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.array::<{ Self::LEN }>()?.as_slice().try_into()
    }
}

/// One signer's share of one signature: a scalar, never zero.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SignatureShare([u8; 32]);

impl SignatureShare {
    /// Canonical bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn frost(&self) -> Result<round2::SignatureShare, Fault> {
        round2::SignatureShare::deserialize(&self.0).map_err(|_| FaultKind::Scalar.into())
    }
}

impl TryFrom<&[u8]> for SignatureShare {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let bytes = bytes.try_into().map_err(|_| FaultKind::Length)?;
        point::nonzero_scalar(&bytes)?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for SignatureShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignatureShare(")?;
        write_hex(f, &self.0)?;
        f.write_str(")")
    }
}

impl Encode for SignatureShare {
    fn encode(&self, writer: Writer) -> Writer {
        writer.fixed(&self.0)
    }
}

impl Decode for SignatureShare {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.array::<32>()?.as_slice().try_into()
    }
}

/// The half of a signature that answers a device's request, the server's or recovery's: for each input in order a
/// commitment and a share, signed with what the caller adds as context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignReply {
    /// The epoch of the answerer's share.
    pub epoch: EpochId,
    /// One for each input, in order.
    pub commitments: Vec<Commitment>,
    /// One for each input, in order.
    pub shares: Vec<SignatureShare>,
    /// The answerer's identity signature.
    pub signature: Signature64,
}

impl CosignReply {
    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        body(self.epoch, &self.commitments, &self.shares)
            .field(&self.signature)
            .finish()
    }

    /// What the answerer signs: the reply, the request that it answers, and the context.
    pub(crate) fn signed_hash(
        epoch: EpochId,
        commitments: &[Commitment],
        shares: &[SignatureShare],
        request: &RequestDigest,
        context: &[u8; 32],
    ) -> [u8; 32] {
        hash::tagged(
            "twofold/cosign",
            &[&body(epoch, commitments, shares).finish(), &request.0, context],
        )
    }
}

fn body(epoch: EpochId, commitments: &[Commitment], shares: &[SignatureShare]) -> Writer {
    let mut writer = Writer::new(Kind::CosignReply)
        .field(&epoch)
        .u32(count(commitments.len()));
    for commitment in commitments {
        writer = writer.field(commitment);
    }
    writer = writer.u32(count(shares.len()));
    for share in shares {
        writer = writer.field(share);
    }
    writer
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl TryFrom<&[u8]> for CosignReply {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        fn list<T: Decode>(reader: &mut Reader<'_>) -> Result<Vec<T>, Fault> {
            let count = usize::try_from(reader.u32()?).map_err(|_| FaultKind::Count)?;
            if count == 0 || count > MAX_INPUTS {
                return Err(FaultKind::Count.into());
            }
            (0..count).map(|_| reader.field()).collect()
        }
        let mut reader = Reader::new(bytes, Kind::CosignReply)?;
        let epoch = reader.field()?;
        let (commitments, shares) = (list::<Commitment>(&mut reader)?, list::<SignatureShare>(&mut reader)?);
        let signature = reader.field()?;
        reader.finish()?;
        if commitments.len() != shares.len() {
            return Err(FaultKind::Count.into());
        }
        Ok(Self {
            epoch,
            commitments,
            shares,
            signature,
        })
    }
}

/// frost's package for a message that two parties sign.
pub(crate) fn signing_package(
    one: (Party, &Commitment),
    other: (Party, &Commitment),
    message: &[u8; 32],
) -> SigningPackage {
    let commitments = [one, other].map(|(party, commitment)| (party.identifier(), commitment.frost()));
    SigningPackage::new(BTreeMap::from(commitments), message)
}
