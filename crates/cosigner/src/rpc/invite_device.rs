//! Mints a code with which another machine of the same person joins. It gives no part in the wallet.

use twofold_api::{
    Refusal,
    audit::{Event, ShapeStep},
    reply::DeviceInvited,
    request::InviteDevice,
};

use super::change_devices::one_device_alone;
use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    port::{
        Clock,
        chain::Chain,
        store::{Batch, Store, Write},
    },
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Mints a code for a further machine.
    pub async fn invite_device(&self, request: Authenticated<InviteDevice>) -> Result<DeviceInvited, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let owned = self.owned(&request, asked.wallet).await?;
        let owned = self.heed(&request, owned, &asked.checkpoint).await?;
        self.unmoved(&owned, &asked.checkpoint)?;
        owned.unfenced()?;
        if !self.config.several_devices {
            return Err(one_device_alone());
        }
        let (minted, invitation) = self.draw_invitation(None, Some(asked.wallet));
        let mut change = owned.change();
        change.state.shape.invite(self.time.now(), minted.expires)?;
        change.log(
            request.now(),
            Event::Shape {
                device: request.device(),
                step: ShapeStep::Invited,
                subject: [0; 32],
            },
        );
        let reply = DeviceInvited {
            head: self.head(Some((change.row.id, &change.state))),
            code: minted.code,
            expires: minted.expires,
        };
        let mut batch = Batch::default();
        self.store_change(change, &mut batch)?;
        batch.writes.push(Write::AddInvitation(invitation));
        self.settle(&request, reply, batch).await
    }
}
