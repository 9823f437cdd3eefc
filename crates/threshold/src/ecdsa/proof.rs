//! Proofs of knowing a discrete logarithm (Fischlin's transform of Schnorr's), in bytes and as the library has them.

use alloc::vec::Vec;
use core::fmt;

use dkls23_core::utilities::proofs::{DLogProof, InteractiveDLogProof, R};

use super::curve::{Curve, Scalar};
use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer},
};

/// How many proofs run beside each other.
const PARALLEL: usize = R as usize;
/// Bytes of one challenge.
const CHALLENGE: usize = 4;

/// A proof.
#[derive(Clone)]
pub(super) struct Proof(DLogProof<Curve>);

impl Proof {
    /// Its length: a point, and for each of the parallel proofs a point, a challenge and a response.
    pub(super) const BYTES: usize = 33 + PARALLEL * (33 + CHALLENGE + 32);

    pub(super) fn new(proof: DLogProof<Curve>) -> Result<Self, Fault> {
        let fits = proof.rand_commitments.len() == PARALLEL
            && proof.proofs.len() == PARALLEL
            && proof.proofs.iter().all(|one| one.challenge.len() == CHALLENGE);
        if fits {
            Ok(Self(proof))
        } else {
            Err(FaultKind::Internal.into())
        }
    }

    pub(super) const fn library(&self) -> &DLogProof<Curve> {
        &self.0
    }

    /// What is claimed to be known the logarithm of.
    pub(super) fn point(&self) -> [u8; 33] {
        super::curve::point_bytes(&self.0.point)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        Writer::bare().field(self).finish()
    }
}

impl PartialEq for Proof {
    fn eq(&self, other: &Self) -> bool {
        self.to_bytes() == other.to_bytes()
    }
}

impl Eq for Proof {}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(")?;
        crate::id::write_hex(f, &self.point())?;
        f.write_str(")")
    }
}

impl Encode for Proof {
    fn encode(&self, writer: Writer) -> Writer {
        let writer = writer.point(&self.0.point);
        let writer = self.0.rand_commitments.iter().fold(writer, Writer::point);
        self.0.proofs.iter().fold(writer, |writer, one| {
            writer.fixed(&one.challenge).scalar(&one.challenge_response)
        })
    }
}

impl Decode for Proof {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let point = reader.point()?;
        let rand_commitments = (0..PARALLEL).map(|_| reader.point()).collect::<Result<_, _>>()?;
        let proofs = (0..PARALLEL)
            .map(|_| {
                let challenge: [u8; CHALLENGE] = reader.array()?;
                let response = reader.scalar()?;
                // The library's only way to put one together; a secret of zero leaves the response as it is.
                Ok(InteractiveDLogProof::prove_step2(&Scalar::ZERO, &response, &challenge))
            })
            .collect::<Result<_, Fault>>()?;
        Ok(Self(DLogProof {
            point,
            rand_commitments,
            proofs,
        }))
    }
}
