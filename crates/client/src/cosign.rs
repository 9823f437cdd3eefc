//! One co-signature: a request with commitments, a reply with the server's half, and the signatures.
//!
//! Every intent goes this way. The device's nonces live in one call and serve one request; whatever answers it uses them up.

use twofold_api::procedure::Request;
use twofold_api::reason::Reason;
use twofold_api::reply::Signed;
use twofold_api::seal_key::{SealedUnlockKey, Step, Usage as SealUsage};
use twofold_intent::Facts;
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::id::{EpochId, WalletId};
use twofold_threshold::sign::{Commitment, CosignReply, DeviceSession, InputToSign};

use crate::client::Client;
use crate::fault::{Breach, Fault};
use crate::port::{Clock, Platform};
use crate::session::{Answer, Caution, Rpc, Session, request_nonce};
use crate::wallet::Wallet;

/// Requests for one signature: the first, and as many more as a wrong clock, an old seal key or another device's request
/// at the same moment may take. Each has nonces of its own.
const TRIES: u32 = 4;

/// The own inputs of a spend, as its facts have them, in order.
pub(crate) fn inputs_to_sign(facts: &Facts) -> Vec<InputToSign> {
    facts
        .inputs
        .iter()
        .map(|own| InputToSign {
            path: [own.keychain.number(), own.child],
            message: own.sighash,
        })
        .collect()
}

/// What is to be signed.
pub(crate) struct Intent<'a> {
    /// What the request is, for the sealed unlock key.
    pub(crate) step: Step,
    /// What this device worked out that is to be signed, in order.
    pub(crate) inputs: &'a [InputToSign],
    /// Digest of the whole intent.
    pub(crate) digest: [u8; 32],
}

/// What a request for a co-signature says beside its intent.
pub(crate) struct Terms {
    pub(crate) wallet: WalletId,
    pub(crate) epoch: EpochId,
    pub(crate) commitments: Vec<Commitment>,
    pub(crate) unlock: SealedUnlockKey,
    pub(crate) checkpoint: Checkpoint,
}

impl<P: Platform> Client<P> {
    /// Signs every input of an intent together with the server; `ask` makes the request. Nothing is signed on a log that
    /// is not proved.
    pub(crate) async fn cosign_all<R: Rpc + Request<Reply = Signed>>(
        &mut self,
        wallet: &mut Wallet,
        intent: &Intent<'_>,
        ask: impl Fn(Terms) -> R,
    ) -> Result<Vec<[u8; 64]>, Fault> {
        let mut tries = 1;
        loop {
            match self.cosign_once(wallet, intent, &ask).await? {
                Answer::Reply(signatures) => return Ok(signatures),
                Answer::Anew(fault) if tries >= TRIES => return Err(fault),
                Answer::Anew(_) => {
                    tries += 1;
                    self.settle_clock().await?;
                }
            }
        }
    }

    /// One request, one set of nonces.
    async fn cosign_once<R: Rpc + Request<Reply = Signed>>(
        &mut self,
        wallet: &mut Wallet,
        intent: &Intent<'_>,
        ask: &impl Fn(Terms) -> R,
    ) -> Result<Answer<Vec<[u8; 64]>>, Fault> {
        self.stand_on_proof(wallet).await?;
        let checkpoint = self.newest_checkpoint(wallet).await?;
        let key = self.seal_key().await?;
        let (id, epoch, device) = (wallet.id(), wallet.epoch(), self.session.device_id());
        let usage = SealUsage {
            wallet: id,
            epoch: epoch.number,
            step: intent.step,
            device,
        };
        let unlock = key
            .seal(&wallet.record.unlock, &usage, &mut self.random)
            .map_err(|_| Breach::SealKey)?;
        let nonce = request_nonce(&mut self.random);
        let Wallet { record, .. } = wallet;
        let (nonces, commitments) = DeviceSession::commit(
            &record.share,
            &record.public,
            &device,
            intent.inputs,
            &intent.digest,
            &nonce,
            &mut self.random,
        )?;
        let request = ask(Terms {
            wallet: id,
            epoch,
            commitments,
            unlock,
            checkpoint,
        });
        let prepared = self.session.prepare(&request, nonce, self.clock.now())?;
        let waiting = nonces.bind(prepared.digest());
        let reply = Session::deliver::<P>(&self.transport, &self.clock, &prepared).await?;
        // From here on a reply was read: the nonces are used up, whatever it says.
        let reply = match self.session.understand::<R>(&prepared, &reply, self.clock.now()) {
            Ok(Answer::Reply(reply)) => reply,
            Ok(Answer::Anew(fault)) => return Ok(Answer::Anew(fault)),
            Err(fault) if matches!(fault.reason(), Some(Reason::Conflict | Reason::RequestSpent)) => {
                return Ok(Answer::Anew(fault));
            }
            // A refresh that this device missed, or began and never saw the end of.
            Err(fault) if fault.reason() == Some(Reason::StaleEpoch) => {
                let epoch = wallet.epoch();
                Box::pin(self.catch_up(wallet)).await?;
                return if wallet.epoch() == epoch {
                    Err(fault)
                } else {
                    Ok(Answer::Anew(fault))
                };
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
}
