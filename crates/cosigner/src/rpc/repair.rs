//! The server's part in a repair, whoever is given a share: a device in a lost one's place, or new recovery words.

use twofold_api::{
    Refusal,
    seal_key::{SealedUnlockKey, Step},
};
use twofold_threshold::{
    id::{KeyKind, Party},
    identity::IdentityKey,
    repair::{Claim, Helpers, Opening, Signed, second},
};

use crate::{
    Authenticated, Cosigner, fault,
    policy::Repair,
    port::{Clock, chain::Chain, store::Store},
    wallet::Owned,
};

/// Whose share is repaired, and by whose leave.
pub(super) struct Case {
    /// What the unlock key was sealed for.
    pub(super) step: Step,
    /// The party that is given its share.
    pub(super) repaired: Party,
    /// The identity that is given it.
    pub(super) identity: IdentityKey,
    /// The helper that opened the repair; the server is the other.
    pub(super) first: (Party, IdentityKey),
    /// The digest of what calls for it.
    pub(super) mandate: [u8; 32],
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Answers a repair's opening, in bytes. Whether there may be one, the caller has seen. Nothing of it is kept: the share and
    /// the server's deltas live as long as this call.
    pub(super) async fn answer_repair<T>(
        &self,
        request: &Authenticated<T>,
        owned: &Owned,
        case: Case,
        opening: &Signed<Opening>,
        sealed: &SealedUnlockKey,
    ) -> Result<Vec<u8>, Refusal> {
        let (state, public) = (owned.state(), &owned.keys().public);
        let (now, steady) = (self.time.now(), self.time.steady());
        let unlock = self.unlock_to_use(request, owned, case.step, sealed, now)?;
        let key = self.seal_keys.named(now, steady, sealed)?;
        let share = self.share_to_repair(owned, &unlock, &Repair::approved()).await?.share;
        let said = opening.claim();
        let claim = Claim {
            wallet: owned.id(),
            ceremony: said.ceremony,
            kind: KeyKind::Taproot,
            epoch: state.epoch(),
            repaired: case.repaired,
            identity: case.identity,
            key: said.key,
            unlock_digest: state.unlock_digest,
            mandate: case.mandate,
        };
        let helpers = Helpers {
            first: case.first,
            second: (Party::Server, self.identity.public()),
        };
        let drafted = second::answer(claim, helpers, opening, &share, public, key.secret(), &mut self.rng())
            .map_err(|fault| fault::protocol(&fault))?;
        let signature = self.identity.sign_raw(&drafted.signing_bytes());
        let ((), answer) = drafted.signed(signature).map_err(|fault| fault::protocol(&fault))?;
        Ok(answer.to_bytes())
    }
}
