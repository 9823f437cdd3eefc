//! Saying yes to a server that was rolled back.

use twofold_api::reply::Standing;
use twofold_api::request::{GetWallet, LiftFence};
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
        let recovery = match words {
            Some(secret) => {
                let shown = self.shown(wallet).await?;
                Some(secret.identity().sign(Domain::LIFT_FENCE, &shown.to_bytes()).0)
            }
            None => None,
        };
        let request = LiftFence {
            wallet: wallet.id(),
            checkpoint: wallet.checkpoint,
            recovery,
        };
        let known = wallet.checkpoint;
        let (_, newest) = self.call(&request, known.as_ref(), Caution::Notice).await?;
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
