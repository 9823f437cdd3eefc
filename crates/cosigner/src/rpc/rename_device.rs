//! Gives a device of a wallet another name.

use twofold_api::{
    Reason, Refusal,
    audit::{Event, ShapeStep},
    reply::Done,
    request::RenameDevice,
};

use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    port::{Clock, chain::Chain, store::Store},
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Renames a device.
    pub async fn rename_device(&self, request: Authenticated<RenameDevice>) -> Result<Done, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let owned = self.owned(&request, asked.wallet).await?;
        let owned = self.heed(&request, owned, &asked.checkpoint).await?;
        owned.unfenced()?;
        let mut change = owned.change();
        if !change.state.shape.rename(asked.device, asked.name.as_str()) {
            return Err(Refusal::new(
                Reason::DeviceNotListed,
                "there is no such device on the wallet's list",
            ));
        }
        change.log(
            request.now(),
            Event::Shape {
                device: request.device(),
                step: ShapeStep::DeviceRenamed,
                subject: asked.device.0,
            },
        );
        self.settle_done(&request, change).await
    }
}
