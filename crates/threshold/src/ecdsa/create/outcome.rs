//! What a ceremony comes to, worked out the same way by all three.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use dkls23_core::{
    protocols::{
        AbortReason,
        dkg::{self, BroadcastDerivationPhase2to4, BroadcastDerivationPhase3to4, ProofCommitment},
    },
    utilities::commits,
};

use super::{
    super::{
        EcdsaTranscript,
        curve::{self, Curve},
        proof::Proof,
        transcript::{chain_code, proof_digest},
    },
    dealing::session_data,
    message::{Dealing, Opening},
};
use crate::{
    Fault, FaultKind,
    derive::ExtendedKey,
    id::{KeyKind, Party},
    secret::{Secret32, and_wipe},
    share::{PublicShares, Share},
    transcript::FirstTranscript,
};

/// All that was said in a run.
pub(super) struct Rounds<'a> {
    pub(super) opening: &'a Opening,
    pub(super) dealing: &'a Dealing,
    /// In the transcript's order.
    pub(super) sealed: [[u8; 32]; 6],
    /// By party.
    pub(super) commitments: [[u8; 32]; 3],
    /// By party.
    pub(super) proofs: [Proof; 3],
}

/// What `me` has of it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) share: Share,
    pub(super) public: PublicShares,
    pub(super) transcript: EcdsaTranscript,
}

impl Rounds<'_> {
    /// Checks every proof against its commitment, all points against each other, and `own` against its place.
    pub(super) fn outcome(self, me: Party, own: &Secret32) -> Result<Outcome, Fault> {
        self.distinct(me)?;
        let (key, verifying_shares) = self.check(me, own)?;
        let Self { opening, dealing, .. } = self;
        let transcript = EcdsaTranscript {
            run: opening.run,
            ground: opening.ground,
            server_key: dealing.server_key,
            device_key: opening.device_key,
            sealed: self.sealed,
            commitments: self.commitments,
            proofs: Party::ALL.map(|party| proof_digest(&self.proofs[party.index()])),
            group: ExtendedKey {
                key,
                chain_code: chain_code(opening.run, &self.proofs),
            },
            verifying_shares,
        };
        let public = transcript.public_shares()?;
        let wallet = opening.run.wallet;
        let share = Share::new(wallet, me, KeyKind::Ecdsa, public.epoch(), own.expose())?;
        share.check(&public)?;
        Ok(Outcome {
            share,
            public,
            transcript,
        })
    }

    /// A proof does not say whose it is: one that repeats another's point was copied, by whoever is not `me`.
    fn distinct(&self, me: Party) -> Result<(), Fault> {
        for one in Party::ALL {
            for other in Party::ALL {
                if one.index() < other.index() && self.proofs[one.index()].point() == self.proofs[other.index()].point()
                {
                    return Err(Fault {
                        kind: FaultKind::ProofOfPossession,
                        culprits: [one, other].into_iter().filter(|party| *party != me).collect(),
                    });
                }
            }
        }
        Ok(())
    }

    /// The library's last phase, without what pairs make for themselves: group key and points by party.
    fn check(&self, me: Party, own: &Secret32) -> Result<([u8; 33], [[u8; 33]; 3]), Fault> {
        let opened: Vec<_> = Party::ALL
            .into_iter()
            .map(|party| ProofCommitment {
                index: curve::index(party),
                proof: self.proofs[party.index()].library().clone(),
                commitment: self.commitments[party.index()],
            })
            .collect();
        // The chain code is the transcript's; the library's own is given nothing to make one of.
        let nothing = [0; 32];
        let (cc_commitment, cc_salt) = commits::commit(&nothing);
        let (mut committed, mut shown) = (BTreeMap::new(), BTreeMap::new());
        for sender_index in Party::ALL.map(curve::index) {
            committed.insert(
                sender_index,
                BroadcastDerivationPhase2to4 {
                    sender_index,
                    cc_commitment,
                },
            );
            shown.insert(
                sender_index,
                BroadcastDerivationPhase3to4 {
                    sender_index,
                    aux_chain_code: nothing,
                    cc_salt: cc_salt.clone(),
                },
            );
        }
        let session = self.dealing.session(self.opening);
        and_wipe(|| {
            let own = curve::scalar(own.expose())?;
            let (_hollow, package) = dkg::phase4::<Curve>(
                &session_data(me, &session),
                &own,
                &opened,
                &BTreeMap::new(),
                &[],
                &[],
                &BTreeMap::new(),
                &[],
                &committed,
                &shown,
                |_| String::new(),
            )
            .map_err(|abort| blame(me, &abort.reason))?;
            let mut points = [[0; 33]; 3];
            for party in Party::ALL {
                let point = package
                    .verifying_share(curve::index(party))
                    .ok_or(FaultKind::Internal)?;
                points[party.index()] = curve::point_bytes(point);
            }
            Ok((curve::point_bytes(package.verifying_key()), points))
        })
    }
}

/// The library's complaint in our words.
fn blame(me: Party, reason: &AbortReason) -> Fault {
    match reason {
        AbortReason::ProofVerificationFailed { counterparty } => match curve::party(*counterparty) {
            Ok(party) if party != me => Fault::of(FaultKind::ProofOfPossession, party),
            // What was dealt does not come to what was said to come of it.
            _ => FaultKind::DealtShare.into(),
        },
        // The points are on no line: somebody dealt two of us different ones.
        AbortReason::PolynomialInconsistency => FaultKind::DealtShare.into(),
        AbortReason::TrivialPublicKey | AbortReason::TrivialKeyShare => FaultKind::Point.into(),
        _ => FaultKind::Internal.into(),
    }
}
