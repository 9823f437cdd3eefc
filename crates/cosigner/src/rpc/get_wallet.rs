//! Reads what is public about a wallet, and its recovery package.

use twofold_api::{Refusal, reply::Wallet, request::GetWallet};

use crate::{
    Authenticated, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Reads a wallet.
    pub async fn get_wallet(&self, request: Authenticated<GetWallet>) -> Result<Wallet, Refusal> {
        let asked = request.request();
        let owned = self.owned(&request, asked.wallet).await?;
        let owned = self.heed_reading(&request, owned, asked.checkpoint.as_ref()).await?;
        let row = owned.row();
        Ok(Wallet {
            head: self.head(Some((row.id, owned.state()))),
            line: owned.line(),
            public: row.public.clone().unwrap_or_default(),
            device_list: row.device_list.clone(),
            package: row.package.clone(),
            birthday: row.birthday,
        })
    }
}
