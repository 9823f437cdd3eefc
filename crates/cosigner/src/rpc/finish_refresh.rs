//! Second round trip of a refresh: the server takes the new epoch and erases the old one, in one step, and only then signs
//! the transcript.

use twofold_api::{
    Reason, Refusal,
    audit::Event,
    reply::RefreshFinished,
    request::FinishRefresh,
    seal_key::{Step, Usage},
};
use twofold_threshold::{
    device_list::DeviceList,
    id::KeyKind,
    refresh::{Closing, Completion, Opening, server},
    secret::UnlockKey,
};

use super::refresh::last_refresh;
use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    failpoint::failpoint,
    fault,
    port::{
        Clock,
        chain::Chain,
        record::{self, Ceremony, Share},
        store::{Batch, Store, Write},
    },
    shape,
    wallet::Owned,
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Finishes a refresh. Asked again for the one that it finished last, it answers what it answered.
    pub async fn finish_refresh(&self, request: Authenticated<FinishRefresh>) -> Result<RefreshFinished, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier_in_ceremony(&request, asked.wallet).await? {
            return Ok(reply);
        }
        let owned = self.made(&request, asked.wallet).await?;
        let owned = self.heed(&request, owned, &asked.checkpoint).await?;
        let closing = Closing::try_from(asked.closing.as_slice()).map_err(|fault| fault::protocol(&fault))?;
        if closing.wallet() != asked.wallet || closing.ceremony() != asked.ceremony {
            return Err(Refusal::new(
                Reason::PartyMismatch,
                "the closing names another wallet or ceremony",
            ));
        }
        // A fence stops this as it stops a signature: what a device has seen of this server must not be lost with it.
        owned.unfenced()?;
        let (ground, chains) = self.ground(&owned).await?;
        let (row, opening) = match self.refresh_of(&request).await {
            // Its end was stored together with what it came to.
            Err(refusal) if refusal.reason == Reason::CeremonyNotFound => {
                return match last_refresh(owned.id(), &chains)? {
                    Some(link)
                        if link.signed().transcript().ceremony() == asked.ceremony
                            && link.signed().transcript().device() == request.key() =>
                    {
                        // It was stored, but the device never heard.
                        self.finished_before(&request, &owned, &server::complete(&link)).await
                    }
                    _ => Err(refusal),
                };
            }
            begun => begun?,
        };
        let unlock = self.new_unlock(&request, &opening)?;
        let state = self.open_refresh(&row, &opening, &unlock)?;
        failpoint!("finish_refresh::before_share");
        match state.receive(&ground, &closing, &self.identity) {
            Ok((new, completion)) => {
                self.store_refreshed(&request, owned, (ground.list, chains), &row, new, &completion, &unlock)
                    .await
            }
            Err(fault) => {
                // A closing that contradicts the ceremony ends it: its secrets are not tried twice.
                self.end(&row).await;
                Err(fault::protocol(&fault))
            }
        }
    }

    /// The refresh that a request wants to finish, begun by the same device.
    async fn refresh_of(&self, request: &Authenticated<FinishRefresh>) -> Result<(Ceremony, Opening), Refusal> {
        let asked = request.request();
        let row = match self.store.ceremony(asked.ceremony).await? {
            Some(row) if row.user == request.user() && row.wallet == asked.wallet => row,
            _ => return Err(Reason::CeremonyNotFound.into()),
        };
        if row.expires < self.time.now() {
            return Err(Reason::CeremonyExpired.into());
        }
        let opening = Opening::try_from(row.public.as_slice())
            .map_err(|cause| fault::internal("a refresh's opening can't be read", &cause))?;
        if opening.device() != request.key() {
            return Err(Refusal::new(Reason::PartyMismatch, "another device began this refresh"));
        }
        Ok((row, opening))
    }

    fn new_unlock(&self, request: &Authenticated<FinishRefresh>, opening: &Opening) -> Result<UnlockKey, Refusal> {
        let asked = request.request();
        let usage = Usage {
            wallet: asked.wallet,
            epoch: opening.number(),
            step: Step::FinishRefresh,
            device: request.device(),
        };
        self.unlock(self.time.now(), &asked.unlock, &usage, opening.unlock_digest())
    }

    async fn finished_before(
        &self,
        request: &Authenticated<FinishRefresh>,
        owned: &Owned,
        completion: &Completion,
    ) -> Result<RefreshFinished, Refusal> {
        let reply = RefreshFinished {
            head: self.head(Some((owned.id(), owned.state()))),
            completion: completion.to_bytes(),
        };
        self.settle(request, reply, Batch::default()).await
    }

    #[expect(clippy::too_many_arguments, reason = "all that a finished refresh comes to")]
    async fn store_refreshed(
        &self,
        request: &Authenticated<FinishRefresh>,
        owned: Owned,
        (mut list, mut chains): (DeviceList, record::Chains),
        ceremony: &Ceremony,
        new: server::Refreshed,
        completion: &Completion,
        unlock: &UnlockKey,
    ) -> Result<RefreshFinished, Refusal> {
        let (wallet, old) = (owned.id(), owned.state().epoch());
        let epoch = new.public.epoch();
        let mut change = owned.change();
        change.row.public = Some(new.public.to_bytes());
        change
            .state
            .renew(epoch, *new.link.signed().transcript().unlock_digest());
        if let Some(reseal) = &new.reseal {
            list.append(reseal).map_err(|fault| shape::refused(&fault))?;
            chains.device_list.push(reseal.to_bytes());
            change.state.device_list = *list.head();
            self.keep_list(&change.state.shape, &chains, &list);
        }
        chains.package.push(new.link.to_bytes());
        let device_list = change.state.device_list;
        change.log(
            request.now(),
            Event::Refreshed {
                device: request.device(),
                epoch,
                device_list,
            },
        );
        let reply = RefreshFinished {
            head: self.head(Some((wallet, &change.state))),
            completion: completion.to_bytes(),
        };
        let mut batch = Batch::default();
        self.store_change(change, &mut batch)?;
        batch.writes.push(Write::PutChains(chains));
        let sealed = self.seal_share(&new.share, &new.public, unlock);
        batch.writes.push(Write::AddShare(Share {
            wallet,
            kind: KeyKind::Taproot,
            epoch: epoch.number,
            sealed,
        }));
        batch.writes.push(Write::EraseShare {
            wallet,
            kind: KeyKind::Taproot,
            epoch: old.number,
        });
        batch.writes.push(Write::EndCeremony(ceremony.id));
        failpoint!("finish_refresh::before_commit");
        let reply = self.settle(request, reply, batch).await?;
        self.count_refresh(wallet, request.now());
        failpoint!("finish_refresh::after_commit");
        Ok(reply)
    }
}
