//! Reads what is public about a wallet, and its recovery package.

use twofold_api::{Refusal, reply::Wallet, request::GetWallet};

use super::refresh::for_device;
use crate::{
    Authenticated, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Reads a wallet.
    pub async fn get_wallet(&self, request: Authenticated<GetWallet>) -> Result<Wallet, Refusal> {
        let asked = request.request();
        // The row and the chains are two reads, and belong together.
        let _held = self.wallets.hold(asked.wallet).await;
        let owned = self.owned(&request, asked.wallet).await?;
        let owned = match &asked.checkpoint {
            Some(seen) => self.heed(&request, owned, seen).await?,
            None => owned,
        };
        let row = owned.row();
        let chains = self.chains(row.id).await?;
        Ok(Wallet {
            head: self.head(Some((row.id, owned.state()))),
            line: owned.line(),
            public: row.public.clone().unwrap_or_default(),
            device_list: chains.device_list,
            package: for_device(chains.package, request.key()),
            birthday: row.birthday,
        })
    }
}
