//! Dealing, and what a party has of its own once everybody has dealt.

use dkls23_core::protocols::dkg::{self, SessionData};
use zeroize::{Zeroize, Zeroizing};

use super::super::{
    curve::{self, Curve, PARAMETERS, ProjectivePoint, Scalar},
    proof::Proof,
    randomness::Fresh,
};
use crate::{
    Fault, FaultKind,
    codec::{Reader, Writer},
    create::Dealt,
    id::Party,
    secret::{Secret32, and_wipe},
};

/// What one party deals to each, itself included, by party.
pub(super) type DealtToAll = [Dealt; 3];

pub(super) fn session_data(me: Party, session: &[u8; 32]) -> SessionData {
    SessionData {
        parameters: PARAMETERS,
        party_index: curve::index(me),
        session_id: session.to_vec(),
    }
}

/// Draws a line and says where it passes at each party.
pub(super) fn deal(me: Party) -> Result<DealtToAll, Fault> {
    let _fresh = Fresh::seeded()?;
    and_wipe(|| {
        // Dealing is of no session yet.
        let mut values = dkg::phase1::<Curve>(&session_data(me, &[0; 32]));
        let dealt = Party::ALL.map(|party| {
            let value = values.get(party.index()).copied();
            Zeroizing::new(value.map_or([0; 32], |value| curve::scalar_bytes(&value)))
        });
        let complete = values.len() == dealt.len();
        values.zeroize();
        if complete {
            Ok(dealt)
        } else {
            Err(FaultKind::Internal.into())
        }
    })
}

/// A party's own value, what it commits to, and what it will open.
pub(super) struct Own {
    pub(super) value: Secret32,
    pub(super) proof: Proof,
    pub(super) commitment: [u8; 32],
}

impl Own {
    /// Adds up what everybody dealt to `me`.
    pub(super) fn of(me: Party, session: &[u8; 32], dealt: [(Party, &Dealt); 3]) -> Result<Self, Fault> {
        let _fresh = Fresh::seeded()?;
        and_wipe(|| {
            let mut values = [Scalar::ZERO; 3];
            for (value, (from, dealt)) in values.iter_mut().zip(dealt) {
                *value = curve::scalar(dealt).map_err(|_| Fault::of(FaultKind::DealtShare, from))?;
            }
            let (mut sum, opened, mut zero, _, mut chain, _) =
                dkg::phase2::<Curve>(&session_data(me, session), &values);
            values.zeroize();
            let value = Secret32::new(curve::scalar_bytes(&sum));
            sum.zeroize();
            // Seeds that a pair makes for itself, and a chain code that the transcript gives.
            for kept in zero.values_mut() {
                kept.seed.zeroize();
            }
            chain.aux_chain_code.zeroize();
            Ok(Self {
                value,
                commitment: opened.commitment,
                proof: Proof::new(opened.proof)?,
            })
        })
    }
}

impl Own {
    /// Bytes that it takes in a record.
    pub(super) const RECORD: usize = 32 + Proof::BYTES + 32;

    /// Into a record under a seal.
    pub(super) fn write(&self, writer: Writer) -> Writer {
        writer
            .fixed(self.value.expose())
            .field(&self.proof)
            .fixed(&self.commitment)
    }

    /// Out of one: the proof must be of this value.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let own = Self {
            value: Secret32::new(reader.array()?),
            proof: reader.field()?,
            commitment: reader.array()?,
        };
        let point = and_wipe(|| {
            let mut value = curve::scalar(own.value.expose())?;
            let point = (ProjectivePoint::GENERATOR * value).to_affine();
            value.zeroize();
            Ok::<_, Fault>(curve::point_bytes(&point))
        })?;
        if point == own.proof.point() {
            Ok(own)
        } else {
            Err(FaultKind::ShareMismatch.into())
        }
    }
}

/// A number that was dealt, out of a record.
pub(super) fn read_dealt(reader: &mut Reader<'_>) -> Result<Dealt, Fault> {
    let dealt = Zeroizing::new(reader.array()?);
    curve::scalar(&dealt)?;
    Ok(dealt)
}
