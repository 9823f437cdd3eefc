//! Bringing a wallet up to date, and asking what fees are.

use bitcoin::consensus::encode::serialize;
use bitcoin::hashes::Hash;
use bitcoin::{Address, Transaction, Txid};
use twofold_api::Reason;
use twofold_api::request::{Broadcast, EstimateFees, GetWallet, Sync};
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::share::PublicShares;

use crate::client::Client;
use crate::deadline;
use crate::fault::{Breach, Fault, Usage};
use crate::fees::{self, Estimate};
use crate::headers::ChainLie;
use crate::labels::{Label, Reference};
use crate::ledger::{NextPage, SyncReport, SyncRun};
use crate::port::Platform;
use crate::session::Caution;
use crate::wallet::Wallet;

impl<P: Platform> Client<P> {
    /// Brings a wallet's books up to date. Everything that the server says of blocks is checked; a lie changes nothing.
    /// Transactions of ours that the server's node lost are handed to it again.
    pub async fn sync(&mut self, wallet: &mut Wallet) -> Result<SyncReport, Fault> {
        let (id, revealed) = (wallet.id(), wallet.ledger.revealed());
        let checkpoint = wallet.checkpoint;
        let mut run = SyncRun::new(&wallet.ledger);
        let mut pages = 0;
        let shown = loop {
            let request = Sync {
                wallet: id,
                cursor: run.cursor(),
                timeline: run.timeline(),
                locator: run.locator(),
                revealed,
                checkpoint,
            };
            let (page, newest) = self.call(&request, checkpoint.as_ref(), Caution::Notice).await?;
            pages += 1;
            match run.page(page)? {
                NextPage::Finish => break newest,
                NextPage::Ask if pages >= deadline::SYNC_PAGES => return Err(ChainLie::Stalled.into()),
                NextPage::Ask => {}
            }
        };
        let found = run.finish()?;
        // A server that was restored since may lack its share though it shows the whole log: whoever brought it forward had
        // none to bring. Before the books know of it: what is cut short here is done again.
        if found.restored && shown.is_some() && !wallet.record.kept.is_empty() {
            Box::pin(self.bring_forward(wallet)).await?;
        }
        let (headers_from, mut report) = wallet.ledger.enter(found)?;
        self.save_books(wallet, headers_from).await?;
        match shown {
            // The first ever given is where proofs start.
            Some(first) if checkpoint.is_none() => self.note_checkpoint(wallet, Some(first)).await?,
            // What a sync shows is not taken up before the log is seen to lead there.
            Some(shown) => self.prove_shown(wallet, shown).await?,
            // A server that is behind what it confirmed was restored: this machine has what it lacks.
            None if checkpoint.is_some() => {
                self.doubt(wallet).await?;
                Box::pin(self.bring_forward(wallet)).await?;
            }
            None => {}
        }
        if !wallet.in_doubt {
            Box::pin(self.keep_up(wallet)).await?;
            report.sent_again = self.send_again(wallet).await?;
        }
        Ok(report)
    }

    /// The first address that was never paid to and has no label, so that it is meant for nobody yet.
    pub async fn receive(&mut self, wallet: &mut Wallet) -> Result<Address, Fault> {
        let free = wallet.unused_address(None);
        let address = free.unwrap_or_else(|| wallet.ledger.fresh_address().1);
        self.save_books(wallet, None).await?;
        Ok(address)
    }

    /// An address that was handed out before and is meant for nobody, as the books have it: what can be shown without asking
    /// anyone. A fresh one is handed out only where the server can be told of what was paid meanwhile.
    #[must_use]
    pub fn shown_before(&self, wallet: &Wallet) -> Option<Address> {
        wallet.unused_address(None)
    }

    /// An address with this label: the one that has it and was never paid to, else one that is meant for nobody yet. One
    /// address for two payers would tell each that there is another.
    pub async fn receive_for(&mut self, wallet: &mut Wallet, label: &Label) -> Result<Address, Fault> {
        if let Some(known) = wallet.unused_address(Some(label.as_str())) {
            return Ok(known);
        }
        let address = self.receive(wallet).await?;
        self.label(wallet, Reference::address(&address), label).await?;
        Ok(address)
    }

    /// An address that was never handed out.
    pub async fn receive_fresh(&mut self, wallet: &mut Wallet) -> Result<Address, Fault> {
        let (_, address) = wallet.ledger.fresh_address();
        self.save_books(wallet, None).await?;
        Ok(address)
    }

    /// What to pay to be in a block within so many, by the server's estimate and within our own bounds.
    pub async fn estimate_fee(&mut self, wallet: &mut Wallet, target_blocks: u16) -> Result<Estimate, Fault> {
        let request = EstimateFees {
            wallet: wallet.id(),
            checkpoint: wallet.checkpoint,
        };
        let (fees, newest) = self.call(&request, wallet.checkpoint.as_ref(), Caution::Notice).await?;
        if newest.is_none() && wallet.checkpoint.is_some() {
            self.doubt(wallet).await?;
        }
        self.note_checkpoint(wallet, newest).await?;
        fees::choose(&fees, target_blocks).ok_or_else(|| Usage::NoEstimate.into())
    }

    /// Sends a finished transaction of this wallet to the network. Safe to repeat. Refused while the wallet's log is in
    /// doubt.
    pub async fn broadcast(&mut self, wallet: &mut Wallet, transaction: &Transaction) -> Result<Txid, Fault> {
        self.stand_undoubted(wallet).await?;
        let checkpoint = self.newest_checkpoint(wallet).await?;
        let request = Broadcast {
            wallet: wallet.id(),
            transaction: serialize(transaction),
            checkpoint,
        };
        let outcome = self.call(&request, Some(&checkpoint), Caution::Stop).await;
        let txid = transaction.compute_txid();
        if matches!(&outcome, Err(fault) if fault.reason() == Some(Reason::ChainRefused)) {
            wallet.ledger.note_refused(txid);
            self.save_books(wallet, None).await?;
        }
        let (sent, newest) = self.heed_doubt(wallet, outcome).await?;
        self.note_checkpoint(wallet, newest).await?;
        if Txid::from_byte_array(sent.txid) != txid {
            return Err(Breach::OtherTransaction { txid }.into());
        }
        wallet.ledger.note_sent(txid);
        self.save_books(wallet, None).await?;
        Ok(txid)
    }

    /// Hands what the network lost to it again. A refusal is no failure of the sync: the next one tries again.
    async fn send_again(&mut self, wallet: &mut Wallet) -> Result<usize, Fault> {
        let mut sent = 0;
        for transaction in wallet.ledger.unseen() {
            match self.broadcast(wallet, &transaction).await {
                Ok(_) => sent += 1,
                Err(Fault::Refused(_) | Fault::Transport(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(sent)
    }

    /// The newest checkpoint, asked for where this machine holds none.
    pub(crate) async fn newest_checkpoint(&mut self, wallet: &mut Wallet) -> Result<Checkpoint, Fault> {
        if let Some(checkpoint) = wallet.checkpoint {
            return Ok(checkpoint);
        }
        let request = GetWallet {
            wallet: wallet.id(),
            checkpoint: None,
        };
        let (said, newest) = self.call(&request, None, Caution::Stop).await?;
        let public = PublicShares::try_from(said.public.as_slice()).map_err(|_| Breach::OtherWallet)?;
        // The epoch may be a later one; the key is the same in all.
        if public.extended_key() != wallet.record.public.extended_key() {
            return Err(Breach::OtherWallet.into());
        }
        self.note_checkpoint(wallet, newest).await?;
        wallet.checkpoint.ok_or_else(|| Breach::Checkpoint.into())
    }
}
