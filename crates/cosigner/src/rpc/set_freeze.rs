//! Freezes a wallet, or lets it sign again.
//!
//! Any device freezes, at once and behind a fence too. To unfreeze takes two approvers, or one and recovery; one device
//! asks and waits, and an approver that asks for what another has asked for is the second voice.

use twofold_api::{
    Reason, Refusal,
    audit::{Event, ShapeStep},
    reply::Asked,
    request::SetFreeze,
    shape::{UNFREEZE, unfreezing},
};
use twofold_threshold::{
    device_list::{
        DeviceList, Signer,
        powers::{Deed, Voices, leave},
    },
    identity::Signature64,
};

use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    failpoint::failpoint,
    pending::{self, Asker, What, Wish},
    port::{
        Clock,
        chain::Chain,
        store::{Batch, Store},
    },
    shape::{self, Freeze},
    wallet::{Change, Owned},
};

/// The wish to end one freeze and no other.
fn subject(freeze: &Freeze) -> [u8; 32] {
    let mut subject = *b"twofold/asked/1/unfreeze........";
    subject[24..].copy_from_slice(&freeze.since.to_be_bytes());
    subject
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Freezes or unfreezes. What is so already stays so.
    pub async fn set_freeze(&self, request: Authenticated<SetFreeze>) -> Result<Asked, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let owned = self.owned(&request, asked.wallet).await?;
        let owned = self.heed(&request, owned, &asked.checkpoint).await?;
        // Behind a fence a device may stand on a log that is lost, where nothing leads from: it freezes all the same.
        if !asked.frozen || owned.state().fence.is_none() {
            self.unmoved(&owned, &asked.checkpoint)?;
        }
        match (asked.frozen, owned.state().shape.freeze) {
            (true, None) => {
                let mut change = owned.change();
                change.state.shape.freeze = Some(Freeze {
                    since: change.state.head().seq.saturating_add(1),
                    by: request.device().0,
                });
                self.set(&request, change, Some(ShapeStep::Frozen)).await
            }
            (false, Some(freeze)) => self.unfreeze(&request, owned, freeze).await,
            _ => self.set(&request, owned.change(), None).await,
        }
    }

    async fn unfreeze(
        &self,
        request: &Authenticated<SetFreeze>,
        owned: Owned,
        freeze: Freeze,
    ) -> Result<Asked, Refusal> {
        owned.unfenced()?;
        self.saw_freeze(&owned, &request.request().checkpoint, freeze.since)?;
        let chains = self.chains(owned.id()).await?;
        let list = self.device_list(&owned, &chains)?;
        // Recovery lists a machine beside the lost one, and comes with a freeze: it ends when the lost one is struck off.
        if !self.config.several_devices && list.devices().len() > 1 {
            return Err(Refusal::new(
                Reason::NotPermitted,
                "at this server a wallet is on one machine: strike the others off first (twofold device revoke)",
            ));
        }
        let subject = subject(&freeze);
        let voices = self.voices(request, &owned, &list, &freeze, &subject)?;
        // A recovery waits longer than what one device asks for, and the device that asks may be the one that was lost: no
        // notice makes up for that.
        let noticed = !owned.state().shape.waiting.recovers() && pending::noticed(&list, request.device());
        let wait = pending::wait(leave(Deed::Unfreeze, voices), noticed, &self.config.waits)?;
        let by = Asker::Device(request.device().0);
        let ripe = |counted| owned.state().shape.waiting.is_ripe(by, &subject, counted);
        if let Some(wait) = wait.filter(|_| !ripe(self.time.counted())) {
            let wish = Wish {
                what: What::Unfreeze,
                subject,
                asker: by,
                body: Vec::new(),
            };
            return self.let_wait(request, owned, wish, wait).await;
        }
        let mut change = owned.change();
        change.state.shape.freeze = None;
        change.state.shape.waiting.done(&subject);
        self.set(request, change, Some(ShapeStep::Unfrozen)).await
    }

    /// The device that asks now, those that asked before it, and recovery where its signature is there.
    fn voices(
        &self,
        request: &Authenticated<SetFreeze>,
        owned: &Owned,
        list: &DeviceList,
        freeze: &Freeze,
        subject: &[u8; 32],
    ) -> Result<Voices, Refusal> {
        let before = owned.state().shape.waiting.askers(subject);
        let mut signers: Vec<Signer> = before
            .filter_map(|id| list.device(id))
            .map(|device| Signer::Device(*device.identity()))
            .collect();
        signers.push(Signer::Device(*request.key()));
        if let Some(word) = request.request().recovery {
            // A log that was brought back twice has the same freeze twice.
            self.held_seal_key(&word.seal_key)?;
            let said = unfreezing(owned.id(), freeze.since, &word.seal_key);
            list.recovery()
                .verify(UNFREEZE, &said, &Signature64(word.signature))
                .map_err(|_| {
                    Refusal::new(
                        Reason::NotPermitted,
                        "that is not the signature of this wallet's recovery over this freeze",
                    )
                })?;
            signers.push(Signer::Recovery);
        }
        list.voices(&signers).map_err(|fault| shape::refused(&fault))
    }

    async fn set(
        &self,
        request: &Authenticated<SetFreeze>,
        mut change: Change,
        step: Option<ShapeStep>,
    ) -> Result<Asked, Refusal> {
        if let Some(step) = step {
            change.log(
                request.now(),
                Event::Shape {
                    device: request.device(),
                    step,
                    subject: [0; 32],
                },
            );
        }
        let reply = Asked {
            head: self.head(Some((change.row.id, &change.state))),
            waiting: None,
        };
        let mut batch = Batch::default();
        if step.is_some() {
            self.store_change(change, &mut batch)?;
        }
        failpoint!("set_freeze::before_commit");
        let reply = self.settle(request, reply, batch).await?;
        failpoint!("set_freeze::after_commit");
        Ok(reply)
    }
}
