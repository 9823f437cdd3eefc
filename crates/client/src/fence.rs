//! Saying yes to a server that was rolled back.

use twofold_api::Refusal;
use twofold_api::reason::Reason;
use twofold_api::reply::Standing;
use twofold_api::request::{GetWallet, LiftFence};
use twofold_api::shape::lifting;
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::identity::Domain;
use twofold_threshold::words::RecoverySecret;

use crate::client::Client;
use crate::fault::{Breach, Fault};
use crate::port::Platform;
use crate::session::Caution;
use crate::wallet::Wallet;

/// What became of a fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fencing {
    /// The wallet signs.
    Lifted,
    /// The yes is noted, and waits for the operator or other devices.
    Waits,
}

impl<P: Platform> Client<P> {
    /// Says yes to lifting a wallet's fence: the person at this machine does, or with the words recovery. The log that the
    /// server shows from then on is taken over where it may be ([`Client::audit`]).
    pub async fn lift_fence(&mut self, wallet: &mut Wallet, words: Option<&RecoverySecret>) -> Result<Fencing, Fault> {
        // The words lift it where the server stands.
        if words.is_none() {
            self.bring_forward(wallet).await?;
        }
        let newest = self.say_yes(wallet, words).await?;
        if let Some(shown) = newest {
            self.prove_shown(wallet, shown).await?;
        }
        let lines = self.wallets_at_server().await?;
        let fenced =
            |line: &twofold_api::reply::WalletLine| line.wallet == wallet.id().0 && line.standing == Standing::Fenced;
        Ok(if lines.iter().any(fenced) {
            Fencing::Waits
        } else {
            Fencing::Lifted
        })
    }

    /// Refuses as the server would where it signs nothing for the wallet now. Coins that are wanting are no answer there: a
    /// server that was restored may not have heard of them yet, and no other coin would help.
    pub async fn must_sign(&mut self, wallet: &Wallet) -> Result<(), Fault> {
        let lines = self.wallets_at_server().await?;
        let line = lines.iter().find(|line| line.wallet == wallet.id().0);
        let reason = match line.map(|line| line.standing) {
            Some(Standing::Fenced) => Reason::RestoreFence,
            Some(Standing::Frozen) => Reason::WalletFrozen,
            _ => return Ok(()),
        };
        Err(Refusal::from(reason).into())
    }

    /// Says it to the server as it runs now; anew where it was started since it showed where it stands.
    async fn say_yes(&mut self, wallet: &Wallet, words: Option<&RecoverySecret>) -> Result<Option<Checkpoint>, Fault> {
        let mut again = true;
        loop {
            let shown = match words {
                Some(_) => Some(self.shown(wallet).await?),
                None => None,
            };
            let seal_key = *self.seal_key().await?.public();
            let signed = words.zip(shown).map(|(secret, shown)| {
                let said = lifting(&shown, &seal_key);
                secret.identity().sign(Domain::LIFT_FENCE, &said).0
            });
            let request = LiftFence {
                wallet: wallet.id(),
                checkpoint: wallet.checkpoint,
                seal_key,
                recovery: signed,
            };
            match self.call(&request, wallet.checkpoint.as_ref(), Caution::Notice).await {
                Err(fault) if fault.reason() == Some(Reason::StaleSealKey) && core::mem::take(&mut again) => {}
                outcome => return outcome.map(|(_, newest)| newest),
            }
        }
    }

    /// The checkpoint that the server shows, followed or not.
    async fn shown(&mut self, wallet: &Wallet) -> Result<Checkpoint, Fault> {
        let request = GetWallet {
            wallet: wallet.id(),
            checkpoint: wallet.checkpoint,
        };
        let (reply, _) = self.call(&request, wallet.checkpoint.as_ref(), Caution::Notice).await?;
        let bytes = reply.head.checkpoint.ok_or(Breach::Checkpoint)?;
        let shown = Checkpoint::try_from(bytes.as_slice()).map_err(|_| Breach::Checkpoint)?;
        let head = shown.verify(&self.session.server).map_err(|_| Breach::Checkpoint)?;
        if head.wallet != wallet.id() {
            return Err(Breach::Checkpoint.into());
        }
        Ok(shown)
    }
}
