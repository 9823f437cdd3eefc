//! From a stored row to a wallet that is believed: whose it is, that its record authenticates, what its shares say.

use std::sync::Arc;

use twofold_api::{Reason, Refusal};
use twofold_threshold::{
    id::{EpochId, WalletId},
    share::PublicShares,
};

use super::{Owned, WalletKeys};
use crate::{
    Cosigner,
    auth::Authenticated,
    fault,
    keys::Subkeys,
    port::{Clock, chain::Chain, record, store::Store},
    state::{Binding, State, Tampered},
};

/// Why a row is not believed.
enum Unbelieved {
    /// The wallet was never made.
    Unmade,
    /// Its record does not authenticate.
    Tampered(Tampered),
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// The wallet that a request names, if it is the caller's and the device that asks is on its list. A stranger's and a
    /// missing one are answered alike.
    pub(crate) async fn owned<T>(&self, request: &Authenticated<T>, wallet: WalletId) -> Result<Owned, Refusal> {
        let row = self.store.wallet(wallet).await?;
        self.owned_row(request, row).await
    }

    /// The same where the wallet's row was read with other things.
    pub(crate) async fn owned_row<T>(
        &self,
        request: &Authenticated<T>,
        row: Option<record::Wallet>,
    ) -> Result<Owned, Refusal> {
        let mut owned = self.of_user_row(request, row).await?;
        let device = request.device();
        self.listed(&owned, device).await?;
        // Kept with whatever is written for this request.
        let State { contacts, fence, .. } = &mut owned.state;
        let fence = fence.as_ref().map(|fence| fence.since);
        owned.news = contacts.hear(device, self.time.counted(), fence);
        Ok(owned)
    }

    /// The same, whether or not the device that asks is on the wallet's list: whoever calls this looks for what lets it.
    pub(crate) async fn of_user<T>(&self, request: &Authenticated<T>, wallet: WalletId) -> Result<Owned, Refusal> {
        let row = self.store.wallet(wallet).await?;
        self.of_user_row(request, row).await
    }

    async fn of_user_row<T>(&self, request: &Authenticated<T>, row: Option<record::Wallet>) -> Result<Owned, Refusal> {
        match row {
            Some(row) if row.user == request.user() => self.load_or_read_again(row).await,
            _ => Err(Reason::WalletNotFound.into()),
        }
    }

    /// Verifies the state of a row that was read without the wallet's lock: between the two the wallet may have been moved
    /// to another KEK, and then the row that is there now is under that.
    pub(crate) async fn load_or_read_again(&self, row: record::Wallet) -> Result<Owned, Refusal> {
        let verified = self.verified(&row);
        if !matches!(verified, Err(Unbelieved::Tampered(_))) {
            return self.believe(row, verified);
        }
        let row = self.store.wallet(row.id).await?.ok_or(Reason::WalletNotFound)?;
        self.load(row)
    }

    /// Verifies the state of a row.
    pub(crate) fn load(&self, row: record::Wallet) -> Result<Owned, Refusal> {
        let verified = self.verified(&row);
        self.believe(row, verified)
    }

    fn verified(&self, row: &record::Wallet) -> Result<(State, Arc<Subkeys>), Unbelieved> {
        let public = row.public.as_deref().ok_or(Unbelieved::Unmade)?;
        let binding = Binding {
            wallet: row.id,
            user: row.user,
            version: row.version,
            public,
        };
        let keys = self.keys.get();
        keys.of(row.id)
            .find_map(|keys| {
                let state = State::from_bytes(&keys.state, &binding, &row.state).ok()?;
                Some((state, Arc::clone(keys)))
            })
            .ok_or(Unbelieved::Tampered(Tampered))
    }

    fn believe(
        &self,
        row: record::Wallet,
        verified: Result<(State, Arc<Subkeys>), Unbelieved>,
    ) -> Result<Owned, Refusal> {
        let (state, under) = match verified {
            Ok(verified) => verified,
            Err(Unbelieved::Unmade) => return Err(Reason::WalletNotFound.into()),
            Err(Unbelieved::Tampered(tampered)) => return Err(tampered.into()),
        };
        let keys = self.wallet_keys(row.id, state.epoch(), row.public.as_deref().unwrap_or_default())?;
        Ok(Owned {
            row,
            state,
            keys,
            under,
            news: false,
        })
    }

    /// What follows from public shares that a state record vouches for.
    fn wallet_keys(&self, wallet: WalletId, epoch: EpochId, public: &[u8]) -> Result<Arc<WalletKeys>, Refusal> {
        if let Some(keys) = self.wallet_keys.get(&(wallet, epoch)) {
            return Ok(keys);
        }
        let public =
            PublicShares::try_from(public).map_err(|cause| fault::internal("public shares can't be read", &cause))?;
        let keys = Arc::new(WalletKeys::new(public, &self.config)?);
        self.wallet_keys.put((wallet, epoch), Arc::clone(&keys));
        Ok(keys)
    }
}
