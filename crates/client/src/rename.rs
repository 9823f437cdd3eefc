//! What the server knows of the user's wallets, and their names.

use twofold_api::reply::WalletLine;
use twofold_api::request::{ListWallets, Name, RenameWallet};

use crate::client::Client;
use crate::fault::Fault;
use crate::port::Platform;
use crate::session::Caution;
use crate::wallet::Wallet;

impl<P: Platform> Client<P> {
    /// The user's wallets as the server knows them, oldest first.
    pub async fn wallets_at_server(&mut self) -> Result<Vec<WalletLine>, Fault> {
        let (reply, _) = self.call(&ListWallets, None, Caution::Notice).await?;
        Ok(reply.wallets)
    }

    /// Gives a wallet another name, at the server and here.
    pub async fn rename(&mut self, wallet: &mut Wallet, name: &Name) -> Result<(), Fault> {
        self.stand_undoubted(wallet).await?;
        let checkpoint = self.newest_checkpoint(wallet).await?;
        let request = RenameWallet {
            wallet: wallet.id(),
            name: name.clone(),
            checkpoint,
        };
        let outcome = self.call(&request, Some(&checkpoint), Caution::Stop).await;
        let (_, newest) = self.heed_doubt(wallet, outcome).await?;
        self.note_checkpoint(wallet, newest).await?;
        name.as_str().clone_into(&mut wallet.record.name);
        self.save_record(&wallet.record).await
    }
}
