//! Reads what recovery needs, for a machine that is to take a lost device's place.
//!
//! It takes both: recovery's signature, and the operator's code for this wallet or a sign-in of its owner's (or that recovery
//! has asked already, with one of the two). Whoever has one without the other learns nothing, not even that the wallet is
//! there. A device of the owner's alone is no sign-in: it may have joined long ago, and been stolen since.

use std::future::Future;

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
    Authenticated, Cosigner, SignedIn,
    port::{Clock, chain::Chain, record::Chains, store::Store},
    wallet::Owned,
};

/// What lets recovery near a wallet beside its own word.
#[derive(Clone, Copy)]
pub(super) enum Pass {
    /// A code that the operator minted, if there is one.
    Code(Option<[u8; 16]>),
    /// The owner has signed in for this request.
    SignIn,
}

impl Pass {
    /// Refuses a code beside a token: it would be left out.
    pub(super) fn no_code(code: Option<[u8; 16]>) -> Result<(), Refusal> {
        if code.is_none() {
            return Ok(());
        }
        Err(Refusal::new(
            Reason::Malformed,
            "an invitation's code and a token came together; send one of them",
        ))
    }
}

/// A wallet as recovery comes to it: no listed device need speak for it.
pub(super) struct Reached {
    pub(super) owned: Owned,
    pub(super) chains: Chains,
    pub(super) list: DeviceList,
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Reads a wallet for recovery.
    pub async fn get_recovery(&self, request: Authenticated<GetRecovery>) -> Result<Recovery, Refusal> {
        let pass = Pass::Code(request.request().code);
        self.read_for_recovery(request, pass).await
    }

    /// The same for a machine whose owner signed in.
    pub async fn get_recovery_signed_in(
        &self,
        request: Authenticated<GetRecovery>,
        who: impl Future<Output = Result<SignedIn, Refusal>>,
    ) -> Result<Recovery, Refusal> {
        Pass::no_code(request.request().code)?;
        self.same_person(&request, who).await?;
        self.read_for_recovery(request, Pass::SignIn).await
    }

    async fn read_for_recovery(&self, request: Authenticated<GetRecovery>, pass: Pass) -> Result<Recovery, Refusal> {
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
            self.let_through(request.device(), &owned, pass).await?;
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

    pub(super) async fn let_through(&self, device: DeviceId, owned: &Owned, pass: Pass) -> Result<(), Refusal> {
        match pass {
            Pass::SignIn => Ok(()),
            Pass::Code(Some(code)) => self.invited(device, owned, &code).await,
            Pass::Code(None) => Err(Reason::InvitationInvalid.into()),
        }
    }

    /// Refuses a device that did not join with this code, and a code that the operator did not mint for recovery of this
    /// wallet: one that a device of it minted for another machine lets nobody ask.
    async fn invited(&self, device: DeviceId, owned: &Owned, code: &[u8; 16]) -> Result<(), Refusal> {
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
