//! The helper that answers: one request, nothing kept.

use rand_core::{CryptoRng, RngCore};

use super::{
    hub,
    message::{Answer, Claim, Helpers, Opening, Signed, ToSign, named},
    part::{self, Deltas},
};
use crate::{
    Fault, FaultKind,
    envelope::{Purpose, SealSecret},
    id::Party,
    point,
    share::{PublicShares, Share},
};

/// Answers an opening of the repair that `claim` names: the caller knows from elsewhere which one that is, and that it is
/// wanted. `key` is the one that the first helper sealed to.
///
/// Asked the same again it draws fresh deltas. Whoever has several answers to one opening learns no more than from one:
/// each is masked anew.
pub fn answer(
    claim: Claim,
    helpers: Helpers,
    opening: &Signed<Opening>,
    share: &Share,
    public: &PublicShares,
    key: &SealSecret,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<ToSign<(), Answer>, Fault> {
    let hub = hub::AwaitOpening::new(claim, helpers, public.clone())?.receive(opening.clone())?;
    let claim = hub.opening.claim();
    let (fellow, me): (Party, Party) = (helpers.first.0, helpers.second.0);
    if share.party() != me || share.wallet() != claim.wallet {
        return Err(FaultKind::Internal.into());
    }
    let opening = &hub.opening.message;
    let received = part::open(claim, (fellow, me), key, Purpose::Delta, &opening.to_second)?;
    part::is_behind(&received, &point::decode(&opening.shown.given)?, fellow)?;
    let deltas = Deltas::deal(share, public, fellow, claim.repaired, rng)?;
    let sigma = part::sigma(&deltas.kept, &received)?;
    let message = Answer {
        ceremony: claim.ceremony,
        opening: named(&hub.opening.to_bytes()),
        shown: deltas.shown,
        to_first: part::seal(claim, (me, fellow), &opening.key, Purpose::Delta, &deltas.given, rng)?,
        to_repaired: part::seal(claim, (me, claim.repaired), &claim.key, Purpose::Sigma, &sigma, rng)?,
    };
    Ok(ToSign {
        body: message.body(),
        message,
        state: (),
        signer: helpers.second,
    })
}
