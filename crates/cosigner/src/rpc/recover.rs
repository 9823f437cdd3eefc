//! The server helps recovery to give a device its share: once the wait of what recovery asked for is over, or for a device
//! that is on the list.
//!
//! It is one request, and nothing of the ceremony is kept: the server's deltas live as long as the answer takes. What is
//! stored is that the device is listed, and the log's entry, before the answer leaves. A device that crashes asks again
//! with a fresh opening.

use twofold_api::{
    Reason, Refusal,
    audit::{Event, ShapeStep},
    recovery::mandate,
    reply::Recovered,
    request::Recover,
    seal_key::Step,
};
use twofold_threshold::{
    device_list::Change as ListEntry,
    id::Party,
    repair::{Opening, Signed},
};

use super::{ask_recovery::judged, get_recovery::Reached, repair::Case};
use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    failpoint::failpoint,
    fault,
    pending::Asker,
    port::{
        Clock,
        chain::Chain,
        store::{Batch, Store, Write},
    },
    shape,
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Answers a repair's opening, and lists the device where it was not.
    pub async fn recover(&self, request: Authenticated<Recover>) -> Result<Recovered, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let Reached { owned, chains, list } = self.reached(&request, asked.wallet).await?;
        let opening = Signed::<Opening>::try_from(asked.opening.as_slice()).map_err(|fault| fault::protocol(&fault))?;
        let (entry, subject) = if let Some(device) = list.device(request.device()) {
            (None, mandate(device.identity(), device.sealing()))
        } else {
            let (entry, subject, _) = judged(&asked.entry, request.key(), &list)?;
            let waiting = &owned.state().shape.waiting;
            if !waiting.is_ripe(Asker::Recovery, &subject, self.time.counted()) {
                return Err(Reason::RecoveryWaits.into());
            }
            (Some(entry), subject)
        };
        let case = Case {
            step: Step::Recover,
            repaired: Party::Device,
            identity: *request.key(),
            first: (Party::Recovery, *list.recovery()),
            mandate: subject,
        };
        failpoint!("recover::before_answer");
        let answer = self
            .answer_repair(&request, &owned, case, &opening, &asked.unlock)
            .await?;

        let mut change = owned.change();
        let mut batch = Batch::default();
        if let Some(entry) = entry {
            batch.writes.push(
                self.list_recovered(&request, &mut change, chains, list, &entry, &subject)
                    .await?,
            );
        }
        change.log(
            request.now(),
            Event::Shape {
                device: request.device(),
                step: ShapeStep::Repaired,
                subject,
            },
        );
        let reply = Recovered {
            head: self.head(Some((change.row.id, &change.state))),
            answer,
        };
        self.store_change(change, &mut batch)?;
        failpoint!("recover::before_commit");
        let reply = self.settle(&request, reply, batch).await?;
        failpoint!("recover::after_commit");
        Ok(reply)
    }

    async fn list_recovered(
        &self,
        request: &Authenticated<Recover>,
        change: &mut crate::wallet::Change,
        mut chains: crate::port::record::Chains,
        mut list: twofold_threshold::device_list::DeviceList,
        entry: &ListEntry,
        subject: &[u8; 32],
    ) -> Result<Write, Refusal> {
        list.append(entry).map_err(|fault| shape::refused(&fault))?;
        chains.device_list.push(entry.to_bytes());
        let device = self
            .store
            .device(request.device())
            .await?
            .ok_or(Reason::DeviceUnknown)?;
        change.state.shape.follow(&list, &device.name);
        change.state.shape.waiting.done(subject);
        // What the operator said of the wait was said of this one.
        change.state.shape.recovery_wait = None;
        change.state.device_list = *list.head();
        self.keep_list(&change.state.shape, &chains, &list);
        change.log(
            request.now(),
            Event::Shape {
                device: request.device(),
                step: ShapeStep::ListChanged,
                subject: *list.head(),
            },
        );
        Ok(Write::PutChains(chains))
    }
}
