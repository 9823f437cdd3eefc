//! Cancels a change that waits, or objects to it; and, for the operator, says yes to one.

use twofold_api::{
    Reason, Refusal,
    audit::{Event, ShapeStep},
    reply::{Done, Waiting},
    request::CancelChange,
};
use twofold_threshold::id::{DeviceId, WalletId};

use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    failpoint::failpoint,
    pending::Stopped,
    port::{
        Clock,
        chain::Chain,
        store::{Batch, Store},
    },
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Cancels what a device asked for, or objects to what recovery asked for. It gives nobody anything, so no fence
    /// stops it.
    pub async fn cancel_change(&self, request: Authenticated<CancelChange>) -> Result<Done, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let owned = self.owned(&request, asked.wallet).await?;
        let owned = self.heed(&request, owned, &asked.checkpoint).await?;
        self.unmoved(&owned, &asked.checkpoint)?;
        let mut change = owned.change();
        let stopped = change.state.shape.waiting.cancel(asked.change, request.device())?;
        let (step, subject) = match stopped {
            Stopped::Cancelled(subject) => (ShapeStep::Cancelled, subject),
            Stopped::Objected(subject) => (ShapeStep::Objected, subject),
        };
        change.log(
            request.now(),
            Event::Shape {
                device: request.device(),
                step,
                subject,
            },
        );
        failpoint!("cancel_change::before_commit");
        let reply = self.settle_done(&request, change).await?;
        failpoint!("cancel_change::after_commit");
        Ok(reply)
    }

    /// The operator says no to a change that waits, and ends the freeze that a recovery came with. Not an RPC either.
    pub async fn refuse_change(&self, wallet: WalletId, change: u64) -> Result<(), Refusal> {
        let _held = self.wallets.hold(wallet).await;
        let row = self.store.wallet(wallet).await?.ok_or(Reason::WalletNotFound)?;
        let mut opened = self.load(row)?.change();
        let log = |opened: &mut crate::wallet::Change, step, subject| {
            let device = DeviceId([0; 32]);
            opened.log(self.time.now(), Event::Shape { device, step, subject });
        };
        let shape = &mut opened.state.shape;
        let (of_recovery, subject) = shape.waiting.refuse(change)?;
        let frozen_by_it = shape
            .freeze
            .is_some_and(|freeze| shape.lists(DeviceId(freeze.by)) == Some(false));
        let thaw = of_recovery && frozen_by_it && shape.waiting.of_recovery().next().is_none();
        if thaw {
            shape.freeze = None;
        }
        log(&mut opened, ShapeStep::OperatorRefused, subject);
        if thaw {
            log(&mut opened, ShapeStep::Unfrozen, [0; 32]);
        }
        let mut batch = Batch::default();
        self.store_change(opened, &mut batch)?;
        Ok(self.commit(batch).await?)
    }

    /// The operator says yes to a change that takes it. Not an RPC: the server offers it on its admin socket alone. Its
    /// wait goes on all the same, so that who hears now that it was another than they meant can still refuse it.
    pub async fn approve_change(&self, wallet: WalletId, change: u64) -> Result<Waiting, Refusal> {
        let _held = self.wallets.hold(wallet).await;
        let row = self.store.wallet(wallet).await?.ok_or(Reason::WalletNotFound)?;
        let mut opened = self.load(row)?.change();
        let agreed = opened.state.shape.waiting.agree(change)?;
        let (subject, told) = (*agreed.subject(), agreed.tell());
        opened.log(
            self.time.now(),
            Event::Shape {
                device: DeviceId([0; 32]),
                step: ShapeStep::OperatorAgreed,
                subject,
            },
        );
        let mut batch = Batch::default();
        self.store_change(opened, &mut batch)?;
        self.store.commit(batch).await?;
        Ok(told)
    }
}
