//! A repair in which a party that is here helps first and the server second: recovery for a lost device, this device for
//! new words.

use twofold_api::procedure::Request;
use twofold_api::reply::Recovered;
use twofold_api::seal_key::{SealTo, SealedUnlockKey, Step as SealStep, Usage as SealUsage};
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::id::Party;
use twofold_threshold::identity::{IdentityKey, IdentitySecret, Signature64};
use twofold_threshold::repair::hub::{self, Carried};
use twofold_threshold::repair::{Answer, Claim, Helpers, Signed, first};
use twofold_threshold::secret::UnlockKey;
use twofold_threshold::share::{PublicShares, Share};

use crate::client::Client;
use crate::fault::{Breach, Fault};
use crate::port::Platform;
use crate::session::{Rpc, Session, internal};

/// What the first helper brings.
pub(super) struct Help<'a> {
    pub(super) claim: Claim,
    /// Which party it is, and the identity that it signs with.
    pub(super) party: Party,
    pub(super) identity: IdentityKey,
    /// Its key where it is recovery; none where it is this device.
    pub(super) words: Option<&'a IdentitySecret>,
    pub(super) share: &'a Share,
    pub(super) public: &'a PublicShares,
    pub(super) unlock: &'a UnlockKey,
    pub(super) step: SealStep,
}

impl Help<'_> {
    /// Both helpers.
    pub(super) const fn helpers(&self, server: IdentityKey) -> Helpers {
        Helpers {
            first: (self.party, self.identity),
            second: (Party::Server, server),
        }
    }

    fn sign(&self, session: &Session, bytes: &[u8]) -> Signature64 {
        match self.words {
            Some(words) => words.sign_raw(bytes),
            None => session.device().sign_raw(bytes),
        }
    }
}

impl<P: Platform> Client<P> {
    /// One round trip: all three messages, checked, for the one repaired. `request` makes the request of an opening.
    pub(super) async fn help_with_server<R: Rpc + Request<Reply = Recovered>>(
        &mut self,
        help: &Help<'_>,
        known: Option<&Checkpoint>,
        request: impl Fn(Vec<u8>, SealedUnlockKey) -> R,
    ) -> Result<(Carried, Option<Checkpoint>), Fault> {
        let claim = &help.claim;
        let helpers = help.helpers(self.session.server);
        let mut waiting = None;
        let build = |session: &Session, to: &SealTo, random: &mut P::Random| {
            let drafted = first::begin(claim.clone(), helpers, help.share, help.public, to.public(), random)?;
            let signature = help.sign(session, &drafted.signing_bytes());
            let (state, opening) = drafted.signed(signature)?;
            let usage = SealUsage {
                wallet: claim.wallet,
                epoch: claim.epoch.number,
                step: help.step,
                device: session.device_id(),
            };
            let unlock = to.seal(help.unlock, &usage, random).map_err(|_| Breach::SealKey)?;
            let bytes = opening.to_bytes();
            waiting = Some((state.opened(opening.clone()), opening));
            Ok(request(bytes, unlock))
        };
        let (reply, newest) = self.call_sealed(known, build).await?;
        let (state, opening) = waiting.ok_or_else(internal)?;
        let answer = Signed::<Answer>::try_from(reply.answer.as_slice())?;
        let drafted = state.receive(&answer, help.unlock, &mut self.random)?;
        let signature = help.sign(&self.session, &drafted.signing_bytes());
        let ((), closing) = drafted.signed(signature)?;
        let carried = hub::AwaitOpening::new(claim.clone(), helpers, help.public.clone())?
            .receive(opening)?
            .receive(answer)?
            .receive(closing)?;
        Ok((carried, newest))
    }
}
