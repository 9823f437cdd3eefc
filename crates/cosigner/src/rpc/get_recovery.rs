//! Reads what recovery needs, for a machine that is to take a lost device's place.
//!
//! It takes both: recovery's signature, and the operator's code for this wallet (or that recovery has asked already, by
//! such a code). Whoever has one without the other learns nothing, not even that the wallet is there.

use twofold_api::{
    Reason, Refusal,
    recovery::{READ, reading},
    reply::{Recovery, RecoveryWallet},
    request::GetRecovery,
};
use twofold_threshold::{
    device_list::DeviceList,
    id::{DeviceId, WalletId},
    identity::Signature64,
};

use super::{ask_recovery::subject, mint_invitation::code_hash, refresh::for_recovery};
use crate::{
    Authenticated, Cosigner,
    port::{Clock, chain::Chain, record::Chains, store::Store},
    wallet::Owned,
};

/// A wallet as recovery comes to it: no listed device need speak for it.
pub(super) struct Reached {
    pub(super) owned: Owned,
    pub(super) chains: Chains,
    pub(super) list: DeviceList,
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Reads a wallet for recovery.
    pub async fn get_recovery(&self, request: Authenticated<GetRecovery>) -> Result<Recovery, Refusal> {
        let asked = request.request();
        // The row and the chains are two reads, and belong together.
        let _held = self.wallets.hold(asked.wallet).await;
        let Reached { owned, chains, list } = self.reached(&request, asked.wallet).await?;
        list.recovery()
            .verify(
                READ,
                &reading(asked.wallet, request.device()),
                &Signature64(asked.recovery),
            )
            .map_err(|_| Refusal::from(Reason::NotRecovery))?;
        let wish = subject(request.key(), &list, &owned);
        let listed = list.device(request.device()).is_some();
        if wish.is_none() && !listed {
            let code = asked.code.ok_or(Reason::InvitationInvalid)?;
            self.invited(request.device(), &owned, &code).await?;
        }
        let waiting = owned.state().shape.waiting.of_recovery();
        let waiting = waiting.filter(|pending| Some(*pending.subject()) == wish);
        Ok(Recovery {
            head: self.head(Some((asked.wallet, owned.state()))),
            waiting: waiting.map(crate::pending::Pending::tell).next(),
            wallet: RecoveryWallet {
                line: owned.line(),
                birthday: owned.row().birthday,
                device_list: chains.device_list,
                package: for_recovery(chains.package),
                frozen: owned.state().shape.freeze.map(|freeze| freeze.since),
            },
        })
    }

    /// The wallet of the caller's user, whether or not the device that asks is on its list.
    pub(super) async fn reached<T>(&self, request: &Authenticated<T>, wallet: WalletId) -> Result<Reached, Refusal> {
        let owned = self.of_user(request, wallet).await?;
        owned.active()?;
        let chains = self.chains(wallet).await?;
        let list = self.device_list(&owned, &chains)?;
        Ok(Reached { owned, chains, list })
    }

    /// Refuses a device that did not join with this code, and a code that the operator did not mint for recovery of this
    /// wallet: one that a device of it minted for another machine lets nobody ask.
    pub(super) async fn invited(&self, device: DeviceId, owned: &Owned, code: &[u8; 16]) -> Result<(), Refusal> {
        let code = code_hash(code);
        let minted = owned.state().shape.lets_recovery_ask(&code, self.time.now());
        let invitation = self.store.invitation(code).await?;
        if minted && invitation.is_some_and(|invitation| invitation.used_by == Some(device)) {
            Ok(())
        } else {
            Err(Reason::InvitationInvalid.into())
        }
    }
}
