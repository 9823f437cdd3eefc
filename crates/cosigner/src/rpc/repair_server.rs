//! A restored server whose share of the current epoch nobody kept is given it back by recovery and a device.
//!
//! It takes a fence, for only a restored server can lack its share, and the epoch of the signed chain, to which a device has
//! brought it ([`super::roll_forward`]). Both helpers sign over exactly this server, epoch and wallet; each sealed number is
//! held to what was shown of it and the sum to the verifying share, so whoever lies is named. Nothing is logged, so that the
//! log stays a beginning of the one that was lost, and nothing is lifted: that goes by the same rule as before.

use twofold_api::{Reason, Refusal, recovery::restoring, reply::Done, request::RepairServer};
use twofold_threshold::{
    id::{KeyKind, Party},
    repair::{Claim, Helpers, hub::Carried, repaired::AwaitSigmas},
};

use super::kept_share::ShareStanding;
use crate::{
    Authenticated, Cosigner,
    failpoint::failpoint,
    fault,
    port::{
        Clock,
        chain::Chain,
        record::Share,
        store::{Batch, Store, Write},
    },
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Takes the server's share, where it has none of its epoch.
    pub async fn repair_server(&self, request: Authenticated<RepairServer>) -> Result<Done, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let owned = self.made(&request, asked.wallet).await?;
        let owned = self.heed_shown(&request, owned, asked.checkpoint.as_ref()).await?;
        let (state, public) = (owned.state(), &owned.keys().public);
        if let Some(fence) = &state.fence {
            fence.may_be_lifted(state.epoch().number)?;
        }
        let standing = self.share_standing(&owned).await?;
        if state.fence.is_none() || standing == ShareStanding::There {
            return Err(Refusal::new(
                Reason::OutOfOrder,
                "this server has its share of the wallet: there is nothing to repair",
            ));
        }
        let chains = self.chains(asked.wallet).await?;
        let list = self.device_list(&owned, &chains)?;
        let carried = Carried::try_from(asked.repair.as_slice()).map_err(|fault| fault::protocol(&fault))?;
        let said = carried.claim();
        let key = self.held_seal_key(&said.key)?;
        let server = self.identity.public();
        let claim = Claim {
            wallet: asked.wallet,
            ceremony: said.ceremony,
            kind: KeyKind::Taproot,
            epoch: state.epoch(),
            repaired: Party::Server,
            identity: server,
            key: said.key,
            unlock_digest: state.unlock_digest,
            mandate: restoring(&server, &state.epoch()),
        };
        let helpers = Helpers {
            first: (Party::Recovery, *list.recovery()),
            second: (Party::Device, *request.key()),
        };
        failpoint!("repair_server::before_share");
        let repaired = AwaitSigmas::new(claim, helpers, public.clone())
            .and_then(|waiting| waiting.receive(&carried, key.secret()))
            .map_err(|fault| fault::protocol(&fault))?;
        let mut batch = Batch::default();
        let epoch = state.epoch().number;
        let (wallet, kind) = (asked.wallet, KeyKind::Taproot);
        // One that waits for the operator, or that does not open.
        batch.writes.push(Write::EraseShare { wallet, kind, epoch });
        let sealed = self.seal_share(&repaired.share, public, &repaired.unlock);
        batch.writes.push(Write::AddShare(Share {
            wallet,
            kind,
            epoch,
            sealed,
        }));
        tracing::warn!(%wallet, device = %request.device(), epoch, "recovery and a device gave this server its share back");
        let reply = Done {
            head: self.head(Some((wallet, state))),
        };
        self.store_change(owned.change(), &mut batch)?;
        failpoint!("repair_server::before_commit");
        let reply = self.settle(&request, reply, batch).await?;
        failpoint!("repair_server::after_commit");
        Ok(reply)
    }
}
