//! Drafting, co-signing, finishing.

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{FeeRate, Psbt, Transaction, TxOut, Txid};
use twofold_api::limits::PSBT_BYTES;
use twofold_api::request::Sign;
use twofold_api::seal_key::Step;
use twofold_intent::psbt::{self, Unfinished};

use crate::client::Client;
use crate::cosign::{Intent, inputs_to_sign};
use crate::fault::{Breach, Fault};
use crate::ledger::{Draft, DraftFault, Order};
use crate::port::Platform;
use crate::wallet::Wallet;

impl<P: Platform> Client<P> {
    /// Drafts a transaction from what the books say; sync first. Nothing is kept and nobody asked.
    pub fn draft(&mut self, wallet: &mut Wallet, order: &Order) -> Result<Draft, Fault> {
        Ok(wallet.ledger.draft(order, &mut self.random)?)
    }

    /// Drafts a transaction with the same payments as a waiting one and a higher fee; sync first.
    pub fn bump(&mut self, wallet: &mut Wallet, txid: Txid, rate: FeeRate) -> Result<Draft, Fault> {
        Ok(wallet.ledger.bump(txid, rate, &mut self.random)?)
    }

    /// Drafts a transaction that takes the coins of a waiting one back; sync first. Once it confirms, the other never can.
    pub fn take_back(&mut self, wallet: &mut Wallet, txid: Txid, rate: FeeRate) -> Result<Draft, Fault> {
        Ok(wallet.ledger.take_back(txid, rate, &mut self.random)?)
    }

    /// Works out what a PSBT from elsewhere does to this wallet. Show it before signing.
    pub fn examine(&self, wallet: &Wallet, psbt: Psbt) -> Result<Draft, Fault> {
        Ok(wallet.ledger.examine(psbt)?)
    }

    /// Signs every input of ours together with the server, and gives the PSBT with the signatures, each verified. Inputs
    /// of others are left alone.
    ///
    /// The device's nonces live in this call alone and serve one request; whatever answers it uses them up. Nothing is
    /// signed on a log that is not proved.
    pub async fn cosign(&mut self, wallet: &mut Wallet, draft: Draft) -> Result<Psbt, Fault> {
        let Draft { mut psbt, facts, .. } = draft;
        if let Some(coin) = facts.outpoints().find(|coin| wallet.ledger.is_frozen(*coin)) {
            return Err(DraftFault::Frozen { coin }.into());
        }
        let bytes = psbt.serialize();
        if bytes.len() > PSBT_BYTES {
            return Err(DraftFault::Builder(format!("the PSBT has more than {PSBT_BYTES} bytes")).into());
        }
        // What change goes to must be ours after a crash, too.
        self.save_books(wallet, None).await?;
        let inputs = inputs_to_sign(&facts);
        let intent = Intent {
            step: Step::Sign,
            inputs: &inputs,
            digest: sha256::Hash::hash(&bytes).to_byte_array(),
        };
        let signatures = self
            .cosign_all(wallet, &intent, |terms| Sign {
                wallet: terms.wallet,
                epoch: terms.epoch,
                psbt: bytes.clone(),
                commitments: terms.commitments,
                unlock: terms.unlock,
                checkpoint: terms.checkpoint,
            })
            .await?;
        psbt::attach(&mut psbt, &facts, &signatures).map_err(|_| Breach::Signature)?;
        Ok(psbt)
    }

    /// Makes a signed PSBT into a transaction, every signature verified once more. If it spends from this wallet, the
    /// books count its coins as spent from here on and it is kept until a block holds it. So what spends them must carry
    /// this wallet's signatures: no block would ever hold anything else.
    pub async fn finalize(&mut self, wallet: &mut Wallet, psbt: &Psbt) -> Result<Transaction, Fault> {
        let transaction = psbt::finalize(psbt)?;
        let claimed: Vec<TxOut> = psbt.iter_funding_utxos().filter_map(Result::ok).cloned().collect();
        if let Some(input) = wallet.ledger.unsigned(&transaction, &claimed) {
            return Err(Unfinished::BadSignature { input }.into());
        }
        if wallet.ledger.spends_ours(&transaction) {
            wallet.ledger.note_outgoing(&transaction);
            self.save_books(wallet, None).await?;
        }
        Ok(transaction)
    }

    /// Co-signs a draft, finishes it and sends it. If sending fails, the transaction is kept and every sync tries again.
    pub async fn send(&mut self, wallet: &mut Wallet, draft: Draft) -> Result<Txid, Fault> {
        let psbt = self.cosign(wallet, draft).await?;
        let transaction = self.finalize(wallet, &psbt).await?;
        self.broadcast(wallet, &transaction).await
    }
}
