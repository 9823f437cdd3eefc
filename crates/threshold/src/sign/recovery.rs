//! Recovery answers a device, where there is no server: the same one request, the same nonces that never outlive it.
//!
//! Recovery keeps no record of what it answered. Asked the same again it makes fresh nonces, so no commitment of its own
//! ever meets two challenges; the device's live in the memory of the process that waits, and the first answer uses them
//! up.

use rand_core::{CryptoRng, RngCore};

use super::{
    device::{Answerer, AwaitingReply},
    reply::{Commitment, CosignReply},
    server::{InputToCosign, answer},
};
use crate::{
    Fault, FaultKind,
    id::{Party, RequestDigest},
    identity::{Domain, IdentityKey, IdentitySecret, Signature64},
    share::{PublicShares, Share},
};

/// The server adds a checkpoint to what it signs; recovery has none.
const NO_CONTEXT: [u8; 32] = [0; 32];

/// Makes recovery's nonces, commitments and shares for all inputs of one request, and signs them as the answer to it.
pub fn cosign_as_recovery(
    share: &Share,
    public: &PublicShares,
    inputs: &[InputToCosign<'_>],
    device: &[Commitment],
    request: RequestDigest,
    recovery: &IdentitySecret,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<CosignReply, Fault> {
    if share.party() != Party::Recovery {
        return Err(FaultKind::Internal.into());
    }
    let asked = (Party::Device, device);
    let cosigned = answer(share, public, inputs, asked, request, &recovery.public(), rng)?;
    Ok(cosigned.sign_in(Domain::RECOVERY_COSIGN, recovery, &NO_CONTEXT))
}

impl AwaitingReply {
    /// Checks recovery's half to the end before the device's own is made, then finishes the signatures.
    pub fn receive_from_recovery(
        self,
        reply: &CosignReply,
        share: &Share,
        public: &PublicShares,
        recovery: &IdentityKey,
    ) -> Result<alloc::vec::Vec<Signature64>, Fault> {
        let from = Answerer {
            party: Party::Recovery,
            identity: recovery,
            domain: Domain::RECOVERY_COSIGN,
        };
        self.receive_from(from, reply, share, public, &NO_CONTEXT)
    }
}
