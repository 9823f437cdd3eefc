//! A person's yes that a fenced wallet may sign again, or recovery's.

use twofold_api::{Reason, Refusal, audit::Lift, reply::Done, request::LiftFence, shape::lifting};
use twofold_threshold::identity::{Domain, Signature64};

use crate::{
    Authenticated, Cosigner,
    failpoint::failpoint,
    port::{
        Clock,
        chain::Chain,
        store::{Batch, Store},
    },
    wallet::Owned,
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Notes the yes, and lifts the fence where that was all it took.
    pub async fn lift_fence(&self, request: Authenticated<LiftFence>) -> Result<Done, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let owned = self.made(&request, asked.wallet).await?;
        let owned = self.heed_shown(&request, owned, asked.checkpoint.as_ref()).await?;
        let Some(fence) = &owned.state().fence else {
            let reply = Done {
                head: self.head(Some((owned.id(), owned.state()))),
            };
            return self.settle(&request, reply, Batch::default()).await;
        };
        // What was said to another run may have been said of another restore.
        self.held_seal_key(&asked.seal_key)?;
        fence.may_be_lifted(owned.state().epoch().number)?;
        self.has_share(&owned).await?;
        let word = match &asked.recovery {
            Some(signature) => {
                self.is_of_recovery(&owned, asked, &Signature64(*signature)).await?;
                Some(Lift::Recovery)
            }
            None => self.agreement(&request, &owned).await?,
        };

        let line = match word {
            Some(_) => self.anchor_lift(&owned).await?,
            None => None,
        };
        let mut change = owned.change();
        let device = request.device();
        match (word, &mut change.state.fence) {
            (Some(word), _) => self.lift(&mut change, word, line),
            (None, Some(fence)) => fence.agree(device),
            (None, None) => {}
        }
        tracing::warn!(wallet = %change.row.id, %device, lifted = change.state.fence.is_none(), "a device would lift a fence");
        failpoint!("lift_fence::before_commit");
        let reply = self.settle_done(&request, change).await?;
        failpoint!("lift_fence::after_commit");
        Ok(reply)
    }

    /// Whether recovery signed for the wallet as it stands here.
    async fn is_of_recovery(&self, owned: &Owned, asked: &LiftFence, signature: &Signature64) -> Result<(), Refusal> {
        let chains = self.chains(owned.id()).await?;
        let recovery = *self.device_list(owned, &chains)?.recovery();
        let stands = lifting(&self.newest(owned.id(), owned.state()), &asked.seal_key);
        recovery.verify(Domain::LIFT_FENCE, &stands, signature).map_err(|_| {
            Refusal::new(
                Reason::NotPermitted,
                "recovery did not sign for the checkpoint that this server shows",
            )
        })
    }

    /// What this device's yes comes to, beside what was said before it.
    async fn agreement(&self, request: &Authenticated<LiftFence>, owned: &Owned) -> Result<Option<Lift>, Refusal> {
        let chains = self.chains(owned.id()).await?;
        let list = self.device_list(owned, &chains)?;
        let device = request.device();
        if list.device(device).is_none() {
            return Err(Refusal::new(
                Reason::NotPermitted,
                "this device is not on the wallet's list",
            ));
        }
        let Some(fence) = &owned.state().fence else {
            return Ok(None);
        };
        let listed: Vec<_> = list
            .devices()
            .iter()
            .map(twofold_threshold::device_list::Device::id)
            .collect();
        let (now, contacts) = (self.time.counted(), &owned.state().contacts);
        let lately = |other| contacts.lately(other, now, fence.since);
        Ok(fence.lifted_by(device, &listed, lately, now))
    }
}
