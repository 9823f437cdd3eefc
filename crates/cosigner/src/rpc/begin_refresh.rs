//! First round trip of a refresh: the server deals, and seals to whoever is absent. Nothing of the wallet changes yet.

use twofold_api::{
    Reason, Refusal,
    reply::RefreshBegun,
    request::BeginRefresh,
    seal_key::{Step, Usage},
};
use twofold_threshold::refresh::{Opening, server};

use super::refresh::refreshes;
use crate::{
    Authenticated, Cosigner,
    failpoint::failpoint,
    fault,
    policy::Refresh,
    port::{
        Clock,
        chain::Chain,
        record::Ceremony,
        store::{Batch, Store, Write},
    },
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Begins a refresh. One that was begun before and not finished is replaced.
    pub async fn begin_refresh(&self, request: Authenticated<BeginRefresh>) -> Result<RefreshBegun, Refusal> {
        let wallet = request.request().wallet;
        let _held = self.wallets.hold(wallet).await;
        if let Some(reply) = self.earlier_in_ceremony(&request, wallet).await? {
            return Ok(reply);
        }
        self.deal(&request).await
    }

    async fn deal(&self, request: &Authenticated<BeginRefresh>) -> Result<RefreshBegun, Refusal> {
        let (asked, now) = (request.request(), self.time.now());
        let owned = self
            .usable(request, asked.wallet, asked.epoch, Some(&asked.checkpoint))
            .await?;
        let opening = Opening::try_from(asked.opening.as_slice()).map_err(|fault| fault::protocol(&fault))?;
        if opening.device() != request.key() || opening.wallet() != asked.wallet || opening.previous() != asked.epoch {
            return Err(Refusal::new(
                Reason::PartyMismatch,
                "the opening names another device, wallet or epoch",
            ));
        }
        owned.active()?;
        let (ground, chains) = self.ground(&owned).await?;
        if opening.list_head() != ground.list.head() {
            return Err(Reason::ListChanged.into());
        }
        self.room_for_refresh(&owned, refreshes(&chains), now)?;
        // Whoever begins for many wallets at once is counted once for each.
        let _alone = self.users.hold(request.user()).await;
        let place = self.coming.set_out();
        let replaced = match self.store.ceremony_of(asked.wallet).await? {
            Some(row) => u32::from(row.expires >= now),
            None => 0,
        };
        self.room_for_ceremony(request.user(), replaced, now, &place).await?;
        let usage = Usage {
            wallet: asked.wallet,
            epoch: asked.epoch.number,
            step: Step::BeginRefresh,
            device: request.device(),
        };
        let unlock = self.unlock(now, &asked.unlock, &usage, &owned.state().unlock_digest)?;
        let key = self.held_seal_key(opening.server_key())?;
        let share = self
            .share_to_refresh(&owned, &unlock, &Refresh::approved())
            .await?
            .share;

        failpoint!("begin_refresh::before_deal");
        let (ceremony, public) = (opening.ceremony(), opening.to_bytes());
        let start = server::Start {
            ground: &ground,
            share: &share,
            seal_key: key.secret(),
            backup: self.config.offline_key.as_ref(),
        };
        let (state, round, new) = start
            .begin(opening, &self.sealer, &mut self.rng())
            .map_err(|fault| fault::protocol(&fault))?;
        let row = Ceremony {
            id: ceremony,
            wallet: asked.wallet,
            user: request.user(),
            expires: now.saturating_add(self.config.ceremony_seconds),
            sealed: self.seal_between(
                &server::AwaitClosing::aad(state.opening()),
                &state.to_secret_bytes(),
                &new,
            ),
            public,
        };
        let reply = RefreshBegun {
            head: self.head(Some((owned.id(), owned.state()))),
            server_round: round.to_bytes(),
        };
        failpoint!("begin_refresh::before_commit");
        let batch = Batch {
            expect: Vec::new(),
            writes: vec![Write::PutCeremony(row)],
        };
        let reply = self.settle(request, reply, batch).await?;
        failpoint!("begin_refresh::after_commit");
        Ok(reply)
    }
}
