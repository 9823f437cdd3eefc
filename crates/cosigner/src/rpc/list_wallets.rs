//! Lists the caller's wallets.

use twofold_api::{Refusal, reply::Wallets, request::ListWallets};

use crate::{
    Authenticated, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Lists the wallets of the caller's user that the device is on the list of, oldest first. One whose state record was tampered with is left out: no
    /// word of it can be believed, and asking for it by name says so.
    pub async fn list_wallets(&self, request: Authenticated<ListWallets>) -> Result<Wallets, Refusal> {
        let rows = self.store.wallets_of(request.user()).await?;
        let mut wallets = Vec::new();
        for row in rows {
            if let Ok(owned) = self.load_or_read_again(row).await
                && owned.state().shape.lists(request.device()) != Some(false)
            {
                wallets.push(owned.line());
            }
        }
        Ok(Wallets {
            head: self.head(None),
            wallets,
        })
    }
}
