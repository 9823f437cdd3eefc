//! Drafting, co-signing, finishing.

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Psbt, Transaction, Txid};
use twofold_api::limits::PSBT_BYTES;
use twofold_api::reason::Reason;
use twofold_api::request::Sign;
use twofold_api::seal_key::{Step, Usage as SealUsage};
use twofold_intent::psbt;
use twofold_threshold::sign::{CosignReply, DeviceSession, InputToSign};

use crate::client::Client;
use crate::fault::{Breach, Fault};
use crate::ledger::{Draft, DraftFault, Order};
use crate::port::{Clock, Platform};
use crate::session::{Answer, Caution, Session, request_nonce};
use crate::wallet::Wallet;

/// Requests for one signature: the first, and as many more as a wrong clock, an old seal key or another device's request
/// at the same moment may take. Each has nonces of its own.
const TRIES: u32 = 4;

impl<P: Platform> Client<P> {
    /// Drafts a transaction from what the books say; sync first. Nothing is kept and nobody asked.
    pub fn draft(&mut self, wallet: &mut Wallet, order: &Order) -> Result<Draft, Fault> {
        Ok(wallet.ledger.draft(order, &mut self.random)?)
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
        let bytes = psbt.serialize();
        if bytes.len() > PSBT_BYTES {
            return Err(DraftFault::Builder(format!("the PSBT has more than {PSBT_BYTES} bytes")).into());
        }
        // What change goes to must be ours after a crash, too.
        self.save_books(wallet, None).await?;
        let inputs: Vec<InputToSign> = facts
            .inputs
            .iter()
            .map(|own| InputToSign {
                path: [own.keychain.number(), own.child],
                message: own.sighash,
            })
            .collect();
        let mut tries = 1;
        let signatures = loop {
            match self.cosign_once(wallet, &bytes, &inputs).await? {
                Answer::Reply(signatures) => break signatures,
                Answer::Anew(fault) if tries >= TRIES => return Err(fault),
                Answer::Anew(_) => {
                    tries += 1;
                    self.settle_clock().await?;
                }
            }
        };
        psbt::attach(&mut psbt, &facts, &signatures).map_err(|_| Breach::Signature)?;
        Ok(psbt)
    }

    /// One request, one set of nonces.
    async fn cosign_once(
        &mut self,
        wallet: &mut Wallet,
        bytes: &[u8],
        inputs: &[InputToSign],
    ) -> Result<Answer<Vec<[u8; 64]>>, Fault> {
        self.stand_on_proof(wallet).await?;
        let checkpoint = self.newest_checkpoint(wallet).await?;
        let key = self.seal_key().await?;
        let (id, epoch, device) = (wallet.id(), wallet.epoch(), self.session.device_id());
        let usage = SealUsage {
            wallet: id,
            epoch: epoch.number,
            step: Step::Sign,
            device,
        };
        let unlock = key
            .seal(&wallet.record.unlock, &usage, &mut self.random)
            .map_err(|_| Breach::SealKey)?;
        let nonce = request_nonce(&mut self.random);
        let intent = sha256::Hash::hash(bytes).to_byte_array();
        let Wallet { record, .. } = wallet;
        let (nonces, commitments) = DeviceSession::commit(
            &record.share,
            &record.public,
            &device,
            inputs,
            &intent,
            &nonce,
            &mut self.random,
        )?;
        let request = Sign {
            wallet: id,
            epoch,
            psbt: bytes.to_vec(),
            commitments,
            unlock,
            checkpoint,
        };
        let prepared = self.session.prepare(&request, nonce, self.clock.now())?;
        let waiting = nonces.bind(prepared.digest());
        let reply = Session::deliver::<P>(&self.transport, &self.clock, &prepared).await?;
        // From here on a reply was read: the nonces are used up, whatever it says.
        let reply = match self.session.understand::<Sign>(&prepared, &reply, self.clock.now()) {
            Ok(Answer::Reply(reply)) => reply,
            Ok(Answer::Anew(fault)) => return Ok(Answer::Anew(fault)),
            Err(fault) if matches!(fault.reason(), Some(Reason::Conflict | Reason::RequestSpent)) => {
                return Ok(Answer::Anew(fault));
            }
            Err(fault) => return Err(fault),
        };
        let newest = self
            .session
            .check_head(&reply.head, Some(id), Some(&checkpoint), Caution::Stop);
        let newest = self.heed_doubt(wallet, newest).await?;
        let newest = newest.ok_or(Breach::Checkpoint)?;
        let cosign = CosignReply::try_from(reply.cosign.as_slice())?;
        let record = &wallet.record;
        let signatures = waiting.receive(
            &cosign,
            &record.share,
            &record.public,
            &self.session.server,
            &newest.digest(),
        )?;
        self.note_checkpoint(wallet, Some(newest)).await?;
        Ok(Answer::Reply(
            signatures.into_iter().map(|signature| signature.0).collect(),
        ))
    }

    /// Makes a signed PSBT into a transaction, every signature verified once more. If it spends from this wallet, the
    /// books count its coins as spent from here on and it is kept until a block holds it.
    pub async fn finalize(&mut self, wallet: &mut Wallet, psbt: &Psbt) -> Result<Transaction, Fault> {
        let transaction = psbt::finalize(psbt)?;
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
