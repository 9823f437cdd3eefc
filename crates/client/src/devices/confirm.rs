//! The owner's yes to what waits for the operator's: by a token of a sign-in that is fresh and had a second factor.

use twofold_api::request::ConfirmChange;
use twofold_threshold::id::WalletId;

use crate::client::Client;
use crate::fault::Fault;
use crate::port::Platform;
use crate::session::Caution;
use crate::wallet::Wallet;

impl<P: Platform> Client<P> {
    /// Says yes, as the owner whose token this client brings ([`Self::bring_token`]), to a change that this machine has asked
    /// for and that waits for the operator's yes. The wait goes on.
    pub async fn confirm_change(&mut self, wallet: &mut Wallet, change: u64) -> Result<(), Fault> {
        let outcome = self
            .ask_anew(wallet, Caution::Stop, |wallet, checkpoint| ConfirmChange {
                wallet,
                change,
                checkpoint: Some(checkpoint),
            })
            .await;
        let (_, newest) = self.heed_doubt(wallet, outcome).await?;
        self.note_checkpoint(wallet, newest).await
    }

    /// The same of what recovery has asked for this machine, which has no wallet yet.
    pub async fn confirm_recovery(&mut self, wallet: WalletId, change: u64) -> Result<(), Fault> {
        let request = ConfirmChange {
            wallet,
            change,
            checkpoint: None,
        };
        self.call(&request, None, Caution::Stop).await.map(drop)
    }
}
