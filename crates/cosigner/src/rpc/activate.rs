//! The device shows the test signature, and the wallet is in use.

use twofold_api::{Refusal, audit::Event, reply::Done, request::Activate};
use twofold_threshold::identity::Signature64;

use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    failpoint::failpoint,
    fault,
    port::{
        Clock,
        chain::Chain,
        store::{Batch, Store},
    },
    state::Standing,
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Activates a wallet. One that is active already stays so.
    pub async fn activate(&self, request: Authenticated<Activate>) -> Result<Done, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let owned = self.made(&request, asked.wallet).await?;
        let owned = self.heed_shown(&request, owned, asked.checkpoint.as_ref()).await?;
        owned
            .keys()
            .public
            .verify_test_signature(&Signature64(asked.test_signature))
            .map_err(|fault| fault::protocol(&fault))?;
        let pending = owned.state().standing == Standing::Pending;
        if pending {
            owned.unfenced()?;
        }
        let mut change = owned.change();
        let mut batch = Batch::default();
        if pending {
            change.state.standing = Standing::Active;
            change.log(
                request.now(),
                Event::Activated {
                    device: request.device(),
                },
            );
        }
        let reply = Done {
            head: self.head(Some((change.row.id, &change.state))),
        };
        if pending {
            self.store_change(change, &mut batch)?;
        }
        failpoint!("activate::before_commit");
        let reply = self.settle(&request, reply, batch).await?;
        failpoint!("activate::after_commit");
        Ok(reply)
    }
}
