//! A test share with fresh commitments, for a device that crashed before it had verified the test signature.

use twofold_api::{Refusal, audit::Event, reply::TestSigned, request::TestSign, seal_key::Step};
use twofold_threshold::{
    checkpoint::Checkpoint,
    create::{Completion, server},
    id::{EpochId, WalletId},
    secret::UnlockKey,
    sign::Commitment,
    transcript::SignedTranscript,
};

use super::share::Opened;
use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    failpoint::failpoint,
    fault,
    policy::TestSignature,
    port::{
        Clock,
        chain::Chain,
        record,
        store::{Batch, Store},
    },
    wallet::{Change, Owned},
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Gives a test share.
    pub async fn test_sign(&self, request: Authenticated<TestSign>) -> Result<TestSigned, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let seen = asked.checkpoint.as_ref();
        let owned = self.usable(&request, asked.wallet, asked.epoch, seen).await?;
        let unlock = self.unlock_to_use(&request, &owned, Step::TestSign, &asked.unlock, self.time.now())?;
        let signed = self.first_transcript(owned.id()).await?;
        let (completion, change) = self
            .test_share(&request, owned, &signed, &asked.commitment, &unlock)
            .await?;
        let reply = TestSigned {
            head: self.head(Some((change.row.id, &change.state))),
            completion: completion.to_bytes(),
        };
        let mut batch = Batch::default();
        self.store_change(change, &mut batch)?;
        failpoint!("test_sign::before_commit");
        let reply = self.settle(&request, reply, batch).await?;
        failpoint!("test_sign::after_commit");
        Ok(reply)
    }

    /// Makes a test share for a device's commitment, and logs it.
    pub(super) async fn test_share<T>(
        &self,
        request: &Authenticated<T>,
        owned: Owned,
        signed: &SignedTranscript,
        device: &Commitment,
        unlock: &UnlockKey,
    ) -> Result<(Completion, Change), Refusal> {
        owned.unfenced()?;
        let Opened { share, proved } = self.share_to_test(&owned, unlock, &TestSignature::approved()).await?;
        let public = &owned.keys().public;
        let completion = server::complete(
            &share,
            public,
            signed,
            device,
            &request.digest(),
            &self.identity,
            &mut self.rng(),
        )
        .map_err(|fault| fault::protocol(&fault))?;
        let mut change = owned.change();
        // A share that came back from a device is sealed anew by what spends, and not by a test.
        if proved.anew.is_none() {
            change.state.proved = Some(proved.digest);
        }
        change.log(
            request.now(),
            Event::TestSigned {
                device: request.device(),
                request: request.digest(),
            },
        );
        Ok((completion, change))
    }

    /// The caller's wallet for a use of its share: at the epoch that the device is at, and not fenced once what the device
    /// has seen is heeded.
    pub(super) async fn usable<T>(
        &self,
        request: &Authenticated<T>,
        wallet: WalletId,
        epoch: EpochId,
        seen: Option<&Checkpoint>,
    ) -> Result<Owned, Refusal> {
        let row = self.store.wallet(wallet).await?;
        self.usable_row(request, wallet, row, epoch, seen).await
    }

    /// The same where the wallet's row was read with other things, under the wallet's lock.
    pub(super) async fn usable_row<T>(
        &self,
        request: &Authenticated<T>,
        wallet: WalletId,
        row: Option<record::Wallet>,
        epoch: EpochId,
        seen: Option<&Checkpoint>,
    ) -> Result<Owned, Refusal> {
        let owned = self.made_row(request, wallet, row).await?;
        owned.at_epoch(epoch)?;
        let owned = self.heed_shown(request, owned, seen).await?;
        owned.unfenced()?;
        Ok(owned)
    }

    /// The caller's wallet; one that is still being made says so.
    pub(super) async fn made<T>(&self, request: &Authenticated<T>, wallet: WalletId) -> Result<Owned, Refusal> {
        let row = self.store.wallet(wallet).await?;
        self.made_row(request, wallet, row).await
    }

    async fn made_row<T>(
        &self,
        request: &Authenticated<T>,
        wallet: WalletId,
        row: Option<record::Wallet>,
    ) -> Result<Owned, Refusal> {
        match self.owned_row(request, row).await {
            Err(refusal) if refusal.reason == twofold_api::Reason::WalletNotFound => {
                Err(self.unmade(request, wallet).await)
            }
            owned => owned,
        }
    }
}
