//! Second round trip of making a wallet: the server checks its share, stores it for good, and only then signs the
//! transcript and the test.

use twofold_api::{
    Reason, Refusal,
    audit::Event,
    reply::CreateFinished,
    request::FinishCreate,
    seal_key::{Step, Usage},
};
use twofold_threshold::{
    create::{Closing, Completion, Opening, server::NewShare},
    id::KeyKind,
    secret::UnlockKey,
};

use super::{begin_create::FIRST_EPOCH, ceremony::Plan};
use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    failpoint::failpoint,
    fault,
    policy::Policy,
    port::{
        Clock,
        chain::Chain,
        record::{self, Ceremony, Share},
        store::{Batch, Store, Write},
    },
    shape::Shape,
    state::State,
    wallet::{Change, Owned, WalletKeys},
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Finishes a wallet. What this stores never expires.
    pub async fn finish_create(&self, request: Authenticated<FinishCreate>) -> Result<CreateFinished, Refusal> {
        let wallet = request.request().wallet;
        let _held = self.wallets.hold(wallet).await;
        if let Some(reply) = self.earlier_in_ceremony(&request, wallet).await? {
            return Ok(reply);
        }
        let closing =
            Closing::try_from(request.request().closing.as_slice()).map_err(|fault| fault::protocol(&fault))?;
        match self.owned(&request, wallet).await {
            // It was stored, but the device never heard: it closes the same ceremony again, with fresh commitments.
            Ok(owned) => self.finish_again(&request, owned, &closing).await,
            Err(refusal) if refusal.reason == Reason::WalletNotFound => {
                self.heed_missing(wallet, request.request().checkpoint.as_ref())?;
                self.finish(&request, &closing).await
            }
            Err(refusal) => Err(refusal),
        }
    }

    async fn finish(
        &self,
        request: &Authenticated<FinishCreate>,
        closing: &Closing,
    ) -> Result<CreateFinished, Refusal> {
        let (asked, now) = (request.request(), self.time.now());
        let row = match self.store.ceremony(asked.ceremony).await? {
            Some(row) if row.user == request.user() && row.wallet == asked.wallet => row,
            _ => return Err(Reason::CeremonyNotFound.into()),
        };
        if row.expires < now {
            return Err(Reason::CeremonyExpired.into());
        }
        let (plan, opening) = Plan::read(&row)?;
        if opening.device() != request.key() {
            return Err(Refusal::new(
                Reason::PartyMismatch,
                "another device began this ceremony",
            ));
        }
        let unlock = self.unlock_to_finish(request, opening.unlock_digest())?;
        let state = self.open_ceremony(&row, &opening, &unlock)?;
        failpoint!("finish_create::before_share");
        let received = state.receive(closing, &unlock, &request.digest(), &self.identity, &mut self.rng());
        let (new, completion) = match received {
            Ok(finished) => finished,
            Err(fault) => {
                // A closing that contradicts the ceremony ends it: its secrets are not tried twice.
                self.end(&row).await;
                return Err(fault::protocol(&fault));
            }
        };
        self.store_new(request, &row, plan, &opening, &new, &completion, &unlock)
            .await
    }

    #[expect(clippy::too_many_arguments, reason = "all that a finished ceremony comes to")]
    async fn store_new(
        &self,
        request: &Authenticated<FinishCreate>,
        ceremony: &Ceremony,
        plan: Plan,
        opening: &Opening,
        new: &NewShare,
        completion: &Completion,
        unlock: &UnlockKey,
    ) -> Result<CreateFinished, Refusal> {
        let (wallet, epoch) = (ceremony.wallet, new.public.epoch());
        let keys = WalletKeys::new(new.public.clone(), &self.config)?;
        let row = record::Wallet {
            id: wallet,
            user: request.user(),
            name: plan.name,
            version: 1,
            birthday: plan.birthday,
            state: Vec::new(),
            public: Some(new.public.to_bytes()),
        };
        let chains = record::Chains {
            wallet,
            device_list: vec![opening.entry().to_bytes()],
            package: vec![new.package.to_bytes(), new.transcript.to_bytes()],
        };
        let list = opening.entry().head();
        let device = request.device();
        let name = self.store.device(device).await?.ok_or(Reason::DeviceUnknown)?.name;
        let recovery = new.transcript.transcript().recovery().signing;
        let shape = Shape::new(device, name, &recovery);
        let state = State::new(epoch, *opening.unlock_digest(), Policy::Allow.hash(), list, shape);
        let mut change = Change::fresh(row, state);
        change.state.contacts.hear(device, self.time.counted(), None);
        let group_key = *new.public.group_key();
        change.log(
            request.now(),
            Event::Created {
                device,
                epoch,
                group_key,
                device_list: list,
            },
        );
        change.log(
            request.now(),
            Event::TestSigned {
                device,
                request: request.digest(),
            },
        );
        let reply = CreateFinished {
            head: self.head(Some((wallet, &change.state))),
            completion: completion.to_bytes(),
        };

        let mut batch = Batch::default();
        self.store_fresh(change, &mut batch)?;
        batch.writes.push(Write::PutChains(chains));
        let sealed = self.seal_share(&new.share, &new.public, unlock);
        batch.writes.push(Write::AddShare(Share {
            wallet,
            kind: KeyKind::Taproot,
            epoch: epoch.number,
            sealed,
        }));
        batch.writes.push(Write::EndCeremony(ceremony.id));
        batch
            .writes
            .push(Write::AddScripts(self.scripts_of_new(wallet, &keys)?));
        failpoint!("finish_create::before_commit");
        let reply = self.settle(request, reply, batch).await?;
        failpoint!("finish_create::after_commit");
        Ok(reply)
    }

    async fn finish_again(
        &self,
        request: &Authenticated<FinishCreate>,
        owned: Owned,
        closing: &Closing,
    ) -> Result<CreateFinished, Refusal> {
        let signed = self.first_transcript(owned.id()).await?;
        if signed.transcript().ceremony() != request.request().ceremony
            || closing.ceremony() != request.request().ceremony
        {
            return Err(Reason::WalletExists.into());
        }
        let seen = request.request().checkpoint.as_ref();
        let owned = self.heed_shown(request, owned, seen).await?;
        let unlock = self.unlock_to_finish(request, &owned.state().unlock_digest)?;
        let (completion, change) = self
            .test_share(request, owned, &signed, closing.test_commitment(), &unlock)
            .await?;
        let reply = CreateFinished {
            head: self.head(Some((change.row.id, &change.state))),
            completion: completion.to_bytes(),
        };
        let mut batch = Batch::default();
        self.store_change(change, &mut batch)?;
        self.settle(request, reply, batch).await
    }

    fn unlock_to_finish(&self, request: &Authenticated<FinishCreate>, digest: &[u8; 32]) -> Result<UnlockKey, Refusal> {
        let asked = request.request();
        let usage = Usage {
            wallet: asked.wallet,
            epoch: FIRST_EPOCH,
            step: Step::FinishCreate,
            device: request.device(),
        };
        self.unlock(self.time.now(), &asked.unlock, &usage, digest)
    }
}
