//! The multiplication's set-up: each party is sender to the other and receiver of the other, once.

use alloc::{boxed::Box, vec::Vec};

use dkls23_core::utilities::{
    multiplication::{MulReceiver, MulSender},
    ot::{
        base::{OTReceiver, OTSender},
        extension::KAPPA,
    },
    proofs::{CPProof, EncProof, RandomCommitments},
};
use zeroize::Zeroize;

use super::super::{
    curve::{AffinePoint, Curve, ProjectivePoint, Scalar, index},
    proof::Proof,
    randomness::Fresh,
};
use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer},
    hash,
    id::Party,
    secret::and_wipe,
};

/// What one party shows the other.
#[derive(Clone)]
pub(super) struct Shown {
    /// As receiver.
    proof: Proof,
    nonce: Scalar,
    /// As sender.
    seed: [u8; 32],
    encryptions: Vec<EncProof<Curve>>,
}

impl Shown {
    pub(super) fn digest(&self) -> [u8; 32] {
        hash::tagged("twofold/ecdsa/pair-part", &[&Writer::bare().field(self).finish()])
    }
}

impl Encode for Shown {
    fn encode(&self, writer: Writer) -> Writer {
        let writer = writer.field(&self.proof).scalar(&self.nonce).fixed(&self.seed);
        self.encryptions.iter().fold(writer, encode_encryption)
    }
}

impl Decode for Shown {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            proof: reader.field()?,
            nonce: reader.scalar()?,
            seed: reader.array()?,
            encryptions: (0..KAPPA)
                .map(|_| decode_encryption(reader))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// Of a proof's two halves the first says all: the second has the same bases and the same `u`, and its `v` is less by `h`.
fn encode_encryption(writer: Writer, proof: &EncProof<Curve>) -> Writer {
    writer
        .point(&proof.proof0.base_h)
        .point(&proof.proof0.point_u)
        .point(&proof.proof0.point_v)
        .point(&proof.commitments0.rc_g)
        .point(&proof.commitments0.rc_h)
        .point(&proof.commitments1.rc_g)
        .point(&proof.commitments1.rc_h)
        .scalar(&proof.proof0.challenge_response)
        .scalar(&proof.proof1.challenge_response)
        .scalar(&proof.challenge0)
        .scalar(&proof.challenge1)
}

fn decode_encryption(reader: &mut Reader<'_>) -> Result<EncProof<Curve>, Fault> {
    let (base_h, point_u, point_v) = (reader.point()?, reader.point()?, reader.point()?);
    let commitments = |reader: &mut Reader<'_>| {
        Ok::<_, Fault>(RandomCommitments {
            rc_g: reader.point()?,
            rc_h: reader.point()?,
        })
    };
    let (commitments0, commitments1) = (commitments(reader)?, commitments(reader)?);
    let half = |point_u, challenge_response| CPProof {
        base_g: AffinePoint::GENERATOR,
        base_h,
        point_u,
        point_v,
        challenge_response,
    };
    let less = (ProjectivePoint::from(point_u) - ProjectivePoint::from(base_h)).to_affine();
    Ok(EncProof {
        proof0: half(point_u, reader.scalar()?),
        proof1: half(less, reader.scalar()?),
        commitments0,
        commitments1,
        challenge0: reader.scalar()?,
        challenge1: reader.scalar()?,
    })
}

/// What a party keeps between its part and the other's; boxed, so that moving it leaves no copy.
pub(super) struct Kept {
    session: [u8; 32],
    me: Party,
    other: Party,
    ot_sender: OTSender<Curve>,
    nonce: Scalar,
    ot_receiver: OTReceiver,
    correlation: Vec<bool>,
    vec_r: Vec<Scalar>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.ot_sender.s.zeroize();
        self.nonce.zeroize();
        self.ot_receiver.seed.zeroize();
        self.correlation.zeroize();
        self.vec_r.zeroize();
    }
}

/// The session of one direction.
fn session_of(receiver: Party, sender: Party, session: &[u8; 32]) -> Vec<u8> {
    let parties = [index(receiver).as_u8(), index(sender).as_u8()];
    [&b"Multiplication protocol"[..], &parties, session].concat()
}

/// `me`'s part.
pub(super) fn show(me: Party, other: Party, session: &[u8; 32]) -> Result<(Box<Kept>, Shown), Fault> {
    let _fresh = Fresh::seeded()?;
    and_wipe(|| {
        let (ot_sender, proof, nonce) = MulReceiver::<Curve>::init_phase1(&session_of(me, other, session));
        let (ot_receiver, correlation, vec_r, encryptions) =
            MulSender::<Curve>::init_phase1(&session_of(other, me, session));
        let kept = Box::new(Kept {
            session: *session,
            me,
            other,
            nonce,
            correlation,
            vec_r,
            ot_sender,
            ot_receiver,
        });
        let shown = Shown {
            proof: Proof::new(proof)?,
            nonce,
            seed: kept.ot_receiver.seed,
            encryptions,
        };
        Ok((kept, shown))
    })
}

impl Kept {
    /// Checks the other's part and has both multiplications.
    pub(super) fn with(&self, theirs: &Shown) -> Result<(MulSender<Curve>, MulReceiver<Curve>), Fault> {
        let blame = |_| Fault::of(FaultKind::SetupProof, self.other);
        and_wipe(|| {
            let receiver = MulReceiver::init_phase2(
                &self.ot_sender,
                &session_of(self.me, self.other, &self.session),
                &theirs.seed,
                &theirs.encryptions,
                &self.nonce,
            )
            .map_err(blame)?;
            let sender = MulSender::init_phase2(
                &self.ot_receiver,
                &session_of(self.other, self.me, &self.session),
                self.correlation.clone(),
                &self.vec_r,
                theirs.proof.library(),
                &theirs.nonce,
            )
            .map_err(blame)?;
            Ok((sender, receiver))
        })
    }
}
