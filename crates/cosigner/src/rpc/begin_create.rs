//! First round trip of making a wallet: the server deals, and signs the first half of the transcript.

use std::sync::Arc;

use twofold_api::{
    Reason, Refusal,
    reply::CreateBegun,
    request::BeginCreate,
    seal_key::{Step, Usage},
};
use twofold_threshold::create::{Opening, server};

use super::ceremony::{OnItsWay, Plan};
use crate::{
    Authenticated, Cosigner,
    failpoint::failpoint,
    fault,
    port::{
        Clock,
        chain::Chain,
        record::Ceremony,
        store::{Batch, Store, Write},
    },
};

/// The number of the epoch that a new wallet begins with.
pub(super) const FIRST_EPOCH: u32 = 1;

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Begins to make a wallet.
    pub async fn begin_create(&self, request: Authenticated<BeginCreate>) -> Result<CreateBegun, Refusal> {
        let wallet = request.request().wallet;
        let _held = self.wallets.hold(wallet).await;
        if let Some(reply) = self.earlier_in_ceremony(&request, wallet).await? {
            return Ok(reply);
        }
        self.begin(&request).await
    }

    async fn begin(&self, request: &Authenticated<BeginCreate>) -> Result<CreateBegun, Refusal> {
        let asked = request.request();
        let opening = Opening::try_from(asked.opening.as_slice()).map_err(|fault| fault::protocol(&fault))?;
        if opening.device() != request.key() || opening.wallet() != asked.wallet {
            return Err(Refusal::new(
                Reason::PartyMismatch,
                "the opening names another device or wallet",
            ));
        }
        // Whoever begins for many wallets at once is counted once for each.
        let _alone = self.users.hold(request.user()).await;
        let place = self.coming.set_out();
        let now = self.time.now();
        self.may_begin(request, &opening, now, &place).await?;
        let waits = if asked.recovery_elsewhere {
            self.may_wait_long(request, &opening, now, &place).await?;
            self.config.elsewhere_seconds
        } else {
            self.config.ceremony_seconds
        };
        let usage = Usage {
            wallet: asked.wallet,
            epoch: FIRST_EPOCH,
            step: Step::BeginCreate,
            device: request.device(),
        };
        let unlock = self.unlock(now, &asked.unlock, &usage, opening.unlock_digest())?;

        failpoint!("begin_create::before_deal");
        let public = opening.to_bytes();
        let (ceremony, user) = (opening.ceremony(), request.user());
        let (state, round) = server::begin(opening, &unlock, &self.identity, &self.sealer, &mut self.rng())
            .map_err(|fault| fault::protocol(&fault))?;
        let sealed = self.seal_between(
            &server::AwaitClosing::aad(state.opening()),
            &state.to_secret_bytes(),
            &unlock,
        );
        self.committed.put(asked.wallet, Arc::new(state.committed()));
        let birthday = self.height().await?;
        let plan = Plan {
            name: asked.name.as_str().to_owned(),
            birthday,
            opening: public,
        };
        let row = Ceremony {
            id: ceremony,
            wallet: asked.wallet,
            user,
            expires: now.saturating_add(waits),
            sealed,
            public: plan.to_bytes()?,
        };
        let reply = CreateBegun {
            head: self.head(None),
            server_round: round.to_bytes(),
            birthday,
        };
        failpoint!("begin_create::before_commit");
        let batch = Batch {
            expect: Vec::new(),
            writes: vec![Write::PutCeremony(row)],
        };
        let reply = self.settle(request, reply, batch).await?;
        failpoint!("begin_create::after_commit");
        Ok(reply)
    }

    /// Whether the caller may open one more ceremony, for this wallet.
    async fn may_begin(
        &self,
        request: &Authenticated<BeginCreate>,
        opening: &Opening,
        now: u64,
        place: &OnItsWay<'_>,
    ) -> Result<(), Refusal> {
        let wallet = opening.wallet();
        if let Some(row) = self.store.wallet(wallet).await? {
            // A stranger's wallet is no business of the caller's: it is answered as one that is not there.
            let own = row.user == request.user();
            return Err(if own {
                Reason::WalletExists
            } else {
                Reason::WalletNotFound
            }
            .into());
        }
        if !self.config.new_wallets {
            return Err(Refusal::new(
                Reason::NotPermitted,
                "the operator of this server has it make no new wallets",
            ));
        }
        if self.store.ceremony(opening.ceremony()).await?.is_some() {
            return Err(Refusal::new(
                Reason::CeremonyMismatch,
                "this ceremony has begun already; start a fresh one",
            ));
        }
        let replaced = match self.store.ceremony_of(wallet).await? {
            Some(row) if row.user != request.user() => return Err(Reason::WalletNotFound.into()),
            Some(row) => u32::from(row.expires >= now),
            None => 0,
        };
        // A ceremony that is open may become a wallet.
        let coming = self.room_for_ceremony(request.user(), replaced, now, place).await?;
        let wallets = self.store.wallet_count(request.user()).await?.saturating_add(coming);
        if wallets >= self.config.wallets_per_user {
            return Err(Refusal::new(
                Reason::QuotaExceeded,
                "this user has as many wallets as one may have",
            ));
        }
        Ok(())
    }

    /// Whether the caller may open one more ceremony that waits for days.
    async fn may_wait_long(
        &self,
        request: &Authenticated<BeginCreate>,
        opening: &Opening,
        now: u64,
        place: &OnItsWay<'_>,
    ) -> Result<(), Refusal> {
        // One that is still open when any other kind begun now would be over waits for days.
        let later = now.saturating_add(self.config.ceremony_seconds).saturating_add(1);
        let replaced = match self.store.ceremony_of(opening.wallet()).await? {
            Some(row) => u32::from(row.expires >= later),
            None => 0,
        };
        let open = self.store.open_ceremonies(request.user(), later).await?;
        if open.user.saturating_sub(replaced) >= self.config.elsewhere_per_user {
            return Err(Refusal::new(
                Reason::QuotaExceeded,
                "this user already waits for as many recovery holders as one may",
            ));
        }
        if place.with(open.all).saturating_sub(replaced) >= self.config.elsewhere {
            return Err(Refusal::new(
                Reason::QuotaExceeded,
                "the server waits for too many recovery holders",
            ));
        }
        Ok(())
    }

    /// Height of the chain now, as far as the server has read it: no coin of a wallet made now is older.
    async fn height(&self) -> Result<u32, Refusal> {
        match self.store.tip().await? {
            Some(block) => Ok(block.height),
            None => Ok(self.chain.best().await?.0),
        }
    }
}
