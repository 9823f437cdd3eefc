//! Where a wallet stands, for who waits for it to change.

use twofold_api::{Reason, Refusal, reply::Pulse, request::Watch};

use crate::{
    Authenticated, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Lets a device watch that shows how far it has come: a server that is behind it is fenced, and tells all the same.
    pub async fn watching(&self, request: &Authenticated<Watch>) -> Result<(), Refusal> {
        let asked = request.request();
        let owned = self.owned(request, asked.wallet).await?;
        self.heed_reading(request, owned, asked.checkpoint.as_ref()).await?;
        Ok(())
    }

    /// Tells where the wallet stands now. Asked again and again for one request, so whether the device is still known is
    /// looked up each time; nothing is written.
    pub async fn pulse(&self, request: &Authenticated<Watch>) -> Result<Pulse, Refusal> {
        let known = self.store.device(request.device()).await?;
        if known.is_none_or(|device| device.user != request.user()) {
            return Err(Reason::DeviceUnknown.into());
        }
        let owned = self.owned(request, request.request().wallet).await?;
        Ok(Pulse {
            cursor: self.store.newest_change(owned.id()).await?,
            timeline: self.timeline,
            tip: self.store.tip().await?.map(|block| (block.height, block.hash)),
            seq: owned.state().head().seq,
        })
    }
}
