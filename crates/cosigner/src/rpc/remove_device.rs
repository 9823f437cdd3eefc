//! The operator takes away a device that has no part in any wallet, such as one that a stolen sign-in enrolled. It is no RPC:
//! the server offers it on its admin socket alone.
//!
//! A wallet's list of devices is its owner's, and the operator has no voice in it: what is on one stays.

use twofold_api::{Reason, Refusal};
use twofold_threshold::id::DeviceId;

use crate::{
    Cosigner,
    port::{
        Clock,
        chain::Chain,
        record::UserId,
        store::{Batch, Store, Write},
    },
};

/// How many wallets are read at once.
const PAGE: u32 = 256;

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Removes it, and says whose it was. A wallet of theirs that can't be believed keeps the device: it may be on its list.
    pub async fn remove_device(&self, device: DeviceId) -> Result<UserId, Refusal> {
        let unknown = || {
            Refusal::new(
                Reason::DeviceUnknown,
                "no such device has joined: twofold-server devices",
            )
        };
        let user = self.store.device(device).await?.ok_or_else(unknown)?.user;
        // Held until it is gone, so that nobody puts it on a list meanwhile.
        let (mut held, mut after) = (Vec::new(), None);
        loop {
            let rows = self.store.wallets(Some(user), after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.id);
            for row in rows {
                held.push(self.wallets.hold(row.id).await);
                let row = self.store.wallet(row.id).await?.ok_or(Reason::WalletNotFound)?;
                let owned = self.load(row)?;
                if owned.state().shape.lists(device) != Some(false) {
                    let why = format!(
                        "it is on the list of wallet {}, which is its owner's alone: twofold device revoke, on another machine of theirs",
                        owned.id()
                    );
                    return Err(Refusal::new(Reason::NotPermitted, why));
                }
            }
        }
        let writes = vec![Write::RemoveDevice(device)];
        let expect = Vec::new();
        self.store.commit(Batch { expect, writes }).await?;
        drop(held);
        Ok(user)
    }
}
