//! Dealing, and what a party has of its own once everybody has dealt.

use dkls23_core::protocols::dkg::{self, SessionData};
use zeroize::{Zeroize, Zeroizing};

use super::super::{
    curve::{self, Curve, PARAMETERS, Scalar},
    proof::Proof,
    randomness::Fresh,
};
use crate::{
    Fault, FaultKind,
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
