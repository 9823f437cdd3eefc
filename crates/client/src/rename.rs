//! What the server knows of the user's wallets, and their names.

use twofold_api::reply::WalletLine;
use twofold_api::request::{ListWallets, Name, RenameWallet};
use twofold_threshold::id::WalletId;

use crate::client::Client;
use crate::fault::{Breach, Fault};
use crate::port::Platform;
use crate::session::Caution;
use crate::wallet::Wallet;

/// Most pages of a list that are asked for: more wallets than a server gives to anybody.
const MOST_PAGES: usize = 1_001;

impl<P: Platform> Client<P> {
    /// The user's wallets as the server knows them, oldest first: all pages of them.
    pub async fn wallets_at_server(&mut self) -> Result<Vec<WalletLine>, Fault> {
        let mut request = ListWallets::default();
        let mut wallets = Vec::new();
        for _ in 0..MOST_PAGES {
            let (reply, _) = self.call(&request, None, Caution::Notice).await?;
            wallets.extend(reply.wallets);
            match reply.after {
                None => return Ok(wallets),
                Some(after) => request.after = Some(WalletId(after)),
            }
        }
        Err(Breach::Endless.into())
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
