//! Gives a wallet another name.

use twofold_api::{Refusal, audit::Event, reply::Done, request::RenameWallet};

use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    failpoint::failpoint,
    port::{Clock, chain::Chain, store::Store},
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Renames a wallet.
    pub async fn rename_wallet(&self, request: Authenticated<RenameWallet>) -> Result<Done, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let owned = self.owned(&request, asked.wallet).await?;
        let owned = self.heed(&request, owned, &asked.checkpoint).await?;
        owned.unfenced()?;

        let mut change = owned.change();
        asked.name.as_str().clone_into(&mut change.row.name);
        change.log(
            request.now(),
            Event::Renamed {
                device: request.device(),
                name: change.row.name.clone(),
            },
        );
        failpoint!("rename_wallet::before_commit");
        let reply = self.settle_done(&request, change).await?;
        failpoint!("rename_wallet::after_commit");
        Ok(reply)
    }
}
