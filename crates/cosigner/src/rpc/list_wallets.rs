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
        let wallets = rows
            .into_iter()
            .filter_map(|row| self.load(row).ok())
            .filter(|owned| owned.state().shape.lists(request.device()) != Some(false))
            .map(|owned| owned.line())
            .collect();
        Ok(Wallets {
            head: self.head(None),
            wallets,
        })
    }
}
