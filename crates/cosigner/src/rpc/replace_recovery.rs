//! Other recovery words take the old ones' place: the entry of the device list that names them and the package that is
//! sealed to them are stored in one step, so that at every moment the words that count open a package.

use twofold_api::{
    Refusal,
    audit::{Event, ShapeStep},
    recovery::replacing,
    reply::Done,
    request::ReplaceRecovery,
};
use twofold_threshold::package::FirstPackage;

use super::repair_recovery::Replacing;
use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    failpoint::failpoint,
    fault,
    port::{
        Clock,
        chain::Chain,
        store::{Batch, Store, Write},
    },
    shape,
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Replaces the words. A refresh is due from then on: until it the old words open the share that the new ones do.
    pub async fn replace_recovery(&self, request: Authenticated<ReplaceRecovery>) -> Result<Done, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let Replacing {
            owned,
            mut chains,
            mut list,
            entry,
            words,
        } = self
            .replacing(&request, asked.wallet, &asked.checkpoint, &asked.entry)
            .await?;
        let package = FirstPackage::try_from(asked.package.as_slice()).map_err(|fault| fault::protocol(&fault))?;
        package
            .verify(asked.wallet, &owned.keys().public, &words.signing)
            .map_err(|fault| fault::protocol(&fault))?;
        list.append(&entry).map_err(|fault| shape::refused(&fault))?;
        chains.device_list.push(entry.to_bytes());
        match chains.package.first_mut() {
            Some(first) => first.clone_from(&asked.package),
            None => return Err(fault::internal("a wallet has no package", &asked.wallet)),
        }
        let mut change = owned.change();
        let epoch = change.state.epoch().number;
        let shape = &mut change.state.shape;
        shape.waiting.done(&replacing(&words));
        // What the old words asked for, nobody asks for any more.
        shape.waiting.drop_of_recovery();
        shape.want_refresh(epoch);
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
        tracing::warn!(wallet = %asked.wallet, device = %request.device(), "the recovery words were replaced");
        let reply = Done {
            head: self.head(Some((change.row.id, &change.state))),
        };
        let mut batch = Batch::default();
        self.store_change(change, &mut batch)?;
        batch.writes.push(Write::PutChains(chains));
        failpoint!("replace_recovery::before_commit");
        let reply = self.settle(&request, reply, batch).await?;
        failpoint!("replace_recovery::after_commit");
        Ok(reply)
    }
}
