//! A refresh that is about to be closed, as the keystore holds it beside the epoch that still counts.

use twofold_threshold::id::WalletId;
use twofold_threshold::refresh::device::Pending;

use crate::client::Client;
use crate::fault::Fault;
use crate::keystore::name;
use crate::port::{BlobName, KeystoreFault, Platform};
use crate::wallet::Wallet;

fn item(wallet: WalletId) -> Result<BlobName, KeystoreFault> {
    name(&format!("refresh-{wallet}"))
}

impl<P: Platform> Client<P> {
    /// The refresh that was interrupted, if one was. One that ended meanwhile is only cleared away.
    pub(super) async fn load_refresh(&mut self, wallet: &Wallet) -> Result<Option<Pending>, Fault> {
        let item = item(wallet.id())?;
        let Some(bytes) = self.keys.load(&item).await? else {
            return Ok(None);
        };
        let pending =
            Pending::from_secret_bytes(&bytes).map_err(|_| KeystoreFault::Damaged { name: item.to_string() })?;
        if pending.transcript().previous() == wallet.epoch() {
            return Ok(Some(pending));
        }
        self.keys.remove(&item).await?;
        Ok(None)
    }

    pub(crate) async fn has_refresh(&self, wallet: WalletId) -> Result<bool, Fault> {
        Ok(self.keys.load(&item(wallet)?).await?.is_some())
    }

    pub(super) async fn save_refresh(&mut self, wallet: WalletId, pending: &Pending) -> Result<(), Fault> {
        let bytes = pending.to_secret_bytes();
        Ok(self.keys.save(&item(wallet)?, &bytes, &mut self.random).await?)
    }

    pub(super) async fn forget_refresh(&mut self, wallet: WalletId) -> Result<(), Fault> {
        Ok(self.keys.forget(&item(wallet)?).await?)
    }
}
