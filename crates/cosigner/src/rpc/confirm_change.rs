//! The owner's yes to a change that waits for the operator's, by a sign-in that is fresh and had a second factor.
//!
//! It comes from the machine that asked for the change and from no other, so a token that was stolen without the machine says
//! nothing; and the wait goes on, so who hears of the change can still stop it.

use std::future::Future;

use twofold_api::{
    Reason, Refusal,
    audit::{Event, ShapeStep},
    reply::Done,
    request::ConfirmChange,
};

use super::{ask_recovery::subject, get_recovery::Reached};
use crate::{
    Authenticated, Cosigner, SignedIn,
    auth::Unique,
    failpoint::failpoint,
    pending::Asker,
    port::{Clock, chain::Chain, store::Store},
    wallet::Owned,
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Says yes as the owner. `who` is asked only if this request was not answered before.
    pub async fn confirm_change(
        &self,
        request: Authenticated<ConfirmChange>,
        who: impl Future<Output = Result<SignedIn, Refusal>>,
    ) -> Result<Done, Refusal> {
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        // A stranger's wallet is answered as one that is not there, whatever the operator takes.
        self.of_user(&request, request.request().wallet).await?;
        if self.config.step_up.is_none() {
            return Err(Refusal::new(
                Reason::NotPermitted,
                "at this server the operator alone says yes to what waits for it",
            ));
        }
        // Nobody's wallet is held while a provider is asked.
        if !self.same_person(&request, who).await?.stepped_up {
            return Err(Reason::StepUpNeeded.into());
        }
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let (owned, by, of) = self.asked_here(&request).await?;
        let mut change = owned.change();
        let waiting = &mut change.state.shape.waiting;
        waiting.asked_by(asked.change, by, of.as_ref())?;
        let subject = *waiting.agree(asked.change)?.subject();
        change.log(
            request.now(),
            Event::Shape {
                device: request.device(),
                step: ShapeStep::PersonAgreed,
                subject,
            },
        );
        failpoint!("confirm_change::before_commit");
        let reply = self.settle_done(&request, change).await?;
        failpoint!("confirm_change::after_commit");
        Ok(reply)
    }

    /// The wallet, and as whom this machine has asked for something: as a listed device; or as the one that recovery asks for,
    /// and then for that alone.
    async fn asked_here(
        &self,
        request: &Authenticated<ConfirmChange>,
    ) -> Result<(Owned, Asker, Option<[u8; 32]>), Refusal> {
        let asked = request.request();
        if let Some(checkpoint) = &asked.checkpoint {
            let owned = self.owned(request, asked.wallet).await?;
            let owned = self.heed(request, owned, checkpoint).await?;
            owned.unfenced()?;
            self.unmoved(&owned, checkpoint)?;
            return Ok((owned, Asker::Device(request.device().0), None));
        }
        let Reached { owned, list, .. } = self.reached(request, asked.wallet).await?;
        let subject = subject(request.key(), &list, &owned).ok_or(Reason::DeviceNotListed)?;
        Ok((owned, Asker::Recovery, Some(subject)))
    }
}
