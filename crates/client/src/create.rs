//! Making a wallet, with recovery run on this device.
//!
//! For the seconds that this takes the device plays two parties, device and recovery, and is trusted wholly: whoever owns
//! it then owns the wallet. It shows the recovery words and forgets them once they are confirmed.
//!
//! | reached | what the keystore holds | what running again does |
//! |---|---|---|
//! | nothing durable | nothing | starts clean |
//! | the closing is about to leave | the pending ceremony and the words | asks for a test share; else sends the closing; else starts clean |
//! | the test signature verifies | the wallet, and the words | shows the server the test signature |
//! | the server knows | the wallet, and the words | shows the words |
//! | the words are confirmed | the wallet | makes another wallet |

mod begun;
mod elsewhere;
mod pending;

use bitcoin::Address;
use rand_core::RngCore;
use twofold_api::reason::Reason;
use twofold_api::request::{Activate, FinishCreate, Name, TestSign};
use twofold_api::seal_key::{Step as SealStep, Usage as SealUsage};
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::create::device::Created;
use twofold_threshold::create::{Completion, recovery};
use twofold_threshold::id::{CeremonyId, WalletId};
use twofold_threshold::secret::UnlockKey;
use twofold_threshold::words::{RecoverySecret, RecoveryWords};

use crate::client::Client;
use crate::devices::KnownList;
use crate::fault::{Breach, Fault, Usage};
use crate::port::Platform;
use crate::recovery::{AgeOpener, AgeSealer};
use crate::session::Caution;
use crate::wallet::{Record, Standing, Wallet};
use pending::Pending;

/// What the second round trip came to: the key, and the first checkpoint of its log.
type Finished = (Created, Option<Checkpoint>);

/// The epoch number of a wallet's first key.
const FIRST_EPOCH: u32 = 1;

/// How far the making of a wallet has come, for a person who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// An interrupted run is taken up again.
    Resuming,
    /// Device and recovery have drawn their parts; the server is asked for its own.
    Opening,
    /// The server's part is checked; shares are dealt.
    Dealing,
    /// What is needed to finish is durable; the server is asked to finish.
    Closing,
    /// All three signed one transcript, and a test signature by device and server verifies.
    Tested,
    /// The server knows: the wallet is in use.
    Active,
}

/// A new wallet.
#[derive(Debug)]
pub struct Made {
    /// The wallet, open.
    pub wallet: Wallet,
    /// The recovery words. They are shown until [`Client::confirm_words`] is called, and erased by it.
    pub words: RecoveryWords,
    /// The group key's short fingerprint, for comparing.
    pub fingerprint: String,
    /// The first address.
    pub first_address: Address,
}

/// A wallet that is in use, whoever holds its words.
#[derive(Debug)]
pub struct InUse {
    /// The wallet, open.
    pub wallet: Wallet,
    /// The group key's short fingerprint, for comparing.
    pub fingerprint: String,
    /// The first address.
    pub first_address: Address,
}

impl InUse {
    /// With the words that are still to be shown.
    fn with_words(self) -> Result<Made, Fault> {
        let words = self.wallet.record.words.as_ref().ok_or(Usage::WordsForgotten)?;
        let words = words.secret().map_err(|_| crate::session::internal())?.words();
        Ok(Made {
            words,
            fingerprint: self.fingerprint,
            first_address: self.first_address,
            wallet: self.wallet,
        })
    }
}

impl<P: Platform> Client<P> {
    /// Makes a wallet, or finishes the one that was interrupted; `progress` hears of each step.
    pub async fn create(&mut self, name: &Name, progress: &mut (dyn FnMut(Step) + Send)) -> Result<Made, Fault> {
        // The whole of a ceremony is too large for a stack that others build upon.
        Box::pin(self.create_or_resume(name, progress)).await
    }

    async fn create_or_resume(&mut self, name: &Name, progress: &mut (dyn FnMut(Step) + Send)) -> Result<Made, Fault> {
        self.joined()?;
        self.forget_unanswered().await?;
        if let Some(pending) = self.load_pending().await? {
            progress(Step::Resuming);
            if let Some(made) = self.resume(pending, progress).await? {
                return made.with_words();
            }
        }
        for record in self.records().await? {
            if record.words.is_some() {
                progress(Step::Resuming);
                return self.activate(record, None, progress).await?.with_words();
            }
        }
        let pending = self.open_ceremony(name, progress).await?;
        progress(Step::Closing);
        let finished = self.finish(&pending).await?;
        self.keep(pending, finished, progress).await?.with_words()
    }

    /// Erases the recovery words: the person has them.
    pub async fn confirm_words(&mut self, wallet: &mut Wallet) -> Result<(), Fault> {
        if wallet.record.words.take().is_some() {
            self.save_record(&wallet.record).await?;
        }
        Ok(())
    }

    /// The first round trip, up to the point where everything needed to finish is durable.
    async fn open_ceremony(&mut self, name: &Name, progress: &mut (dyn FnMut(Step) + Send)) -> Result<Pending, Fault> {
        let server = self.session.server;
        let mut wallet = WalletId([0; 16]);
        self.random.fill_bytes(&mut wallet.0);
        let mut ceremony = CeremonyId([0; 16]);
        self.random.fill_bytes(&mut ceremony.0);

        let secret = RecoverySecret::generate(&mut self.random);
        let (recovery, opening) = recovery::begin(&secret, server, wallet, ceremony, &mut self.random)?;
        let (device, to_recovery, begun) = self.begin_ceremony(opening, name, false, progress).await?;
        let opener = AgeOpener::new(&secret).map_err(|_| crate::session::internal())?;
        let (_finished, round) = recovery.receive(&to_recovery, &AgeSealer, &opener, &mut self.random)?;
        self.close_ceremony(device.receive(round)?, begun, Some(secret.words()))
            .await
    }

    /// The second round trip.
    async fn finish(&mut self, pending: &Pending) -> Result<Finished, Fault> {
        let ceremony = pending.ceremony()?;
        let (wallet, id) = (ceremony.transcript().wallet(), ceremony.transcript().ceremony());
        let unlock = UnlockKey::new(twofold_threshold::secret::Secret32::new(
            *ceremony.unlock().expose().expose(),
        ));
        drop(ceremony);
        let mut waiting = None;
        let build = |session: &crate::session::Session, key: &twofold_api::seal_key::SealTo, random: &mut P::Random| {
            let usage = SealUsage {
                wallet,
                epoch: FIRST_EPOCH,
                step: SealStep::FinishCreate,
                device: session.device_id(),
            };
            let unlock = key.seal(&unlock, &usage, random).map_err(|_| Breach::SealKey)?;
            // Each request has a commitment of its own, one that is signed anew included.
            let (await_completion, closing) = pending.ceremony()?.close(random)?;
            waiting = Some(await_completion);
            Ok(FinishCreate {
                wallet,
                ceremony: id,
                closing: closing.to_bytes(),
                unlock,
                // The first that there is comes with the reply.
                checkpoint: None,
            })
        };
        let (finished, first) = self.call_sealed(None, build).await?;
        let waiting = waiting.ok_or_else(crate::session::internal)?;
        let completion = Completion::try_from(finished.completion.as_slice())?;
        Ok((waiting.receive(&completion)?, first))
    }

    /// After a lost reply: the server may hold its share, or the ceremony still, or nothing.
    async fn resume(
        &mut self,
        pending: Pending,
        progress: &mut (dyn FnMut(Step) + Send),
    ) -> Result<Option<InUse>, Fault> {
        let wallet = pending.ceremony()?.transcript().wallet();
        progress(Step::Closing);
        let finished = match self.test_again(&pending).await {
            // Out of order: the server still waits for the closing.
            Err(fault) if is_unknown(&fault) || fault.reason() == Some(Reason::OutOfOrder) => {
                match self.finish(&pending).await {
                    // The ceremony's time was over and nothing came of it. No address was shown, so nothing is lost.
                    Err(fault) if is_unknown(&fault) => {
                        self.forget_pending(wallet).await?;
                        return Ok(None);
                    }
                    other => other?,
                }
            }
            other => other?,
        };
        self.keep(pending, finished, progress).await.map(Some)
    }

    /// Asks for another test share, under fresh commitments.
    async fn test_again(&mut self, pending: &Pending) -> Result<Finished, Fault> {
        let ceremony = pending.ceremony()?;
        let (wallet, epoch) = (ceremony.transcript().wallet(), ceremony.public().epoch());
        let unlock = UnlockKey::new(twofold_threshold::secret::Secret32::new(
            *ceremony.unlock().expose().expose(),
        ));
        drop(ceremony);
        let mut waiting = None;
        let build = |session: &crate::session::Session, key: &twofold_api::seal_key::SealTo, random: &mut P::Random| {
            let usage = SealUsage {
                wallet,
                epoch: epoch.number,
                step: SealStep::TestSign,
                device: session.device_id(),
            };
            let unlock = key.seal(&unlock, &usage, random).map_err(|_| Breach::SealKey)?;
            let (await_completion, closing) = pending.ceremony()?.close(random)?;
            waiting = Some(await_completion);
            Ok(TestSign {
                wallet,
                epoch,
                commitment: *closing.test_commitment(),
                unlock,
                checkpoint: None,
            })
        };
        let (signed, first) = self.call_sealed(None, build).await?;
        let waiting = waiting.ok_or_else(crate::session::internal)?;
        let completion = Completion::try_from(signed.completion.as_slice())?;
        Ok((waiting.receive(&completion)?, first))
    }

    /// Makes the wallet durable, then the pending ceremony may go.
    async fn keep(
        &mut self,
        pending: Pending,
        (created, first): Finished,
        progress: &mut (dyn FnMut(Step) + Send),
    ) -> Result<InUse, Fault> {
        progress(Step::Tested);
        let Pending { begun, words, .. } = pending;
        let record = Record {
            wallet: created.share.wallet(),
            name: begun.name.as_str().to_owned(),
            chain: begun.chain,
            birthday: begun.birthday,
            standing: Standing::Tested,
            share: created.share,
            public: created.public,
            unlock: created.unlock,
            test_signature: created.test_signature,
            list: KnownList::unverified(vec![begun.entry], 0),
            sealing: begun.sealing,
            transcript: created.transcript.to_bytes(),
            package: created.package.to_bytes(),
            links: Vec::new(),
            kept: Vec::new(),
            words,
            checkpoint: None,
        };
        self.save_record(&record).await?;
        self.forget_pending(record.wallet).await?;
        self.activate(record, first, progress).await
    }

    /// Shows the server the test signature, where it has not seen it. `first` is the checkpoint that came with the key.
    async fn activate(
        &mut self,
        record: Record,
        first: Option<Checkpoint>,
        progress: &mut (dyn FnMut(Step) + Send),
    ) -> Result<InUse, Fault> {
        let mut wallet = self.open_record(record).await?;
        self.note_checkpoint(&mut wallet, first).await?;
        if wallet.record.standing == Standing::Tested {
            let request = Activate {
                wallet: wallet.id(),
                test_signature: wallet.record.test_signature.0,
                checkpoint: wallet.checkpoint,
            };
            let outcome = self.call(&request, request.checkpoint.as_ref(), Caution::Stop).await;
            let (_, newest) = self.heed_doubt(&mut wallet, outcome).await?;
            self.note_checkpoint(&mut wallet, newest).await?;
            wallet.record.standing = Standing::Active;
            self.save_record(&wallet.record).await?;
        }
        progress(Step::Active);
        let (_, first_address) = wallet.ledger.next_address();
        self.save_books(&mut wallet, None).await?;
        Ok(InUse {
            fingerprint: wallet.fingerprint(),
            first_address,
            wallet,
        })
    }
}

/// The server knows nothing of this ceremony or wallet (any more).
fn is_unknown(fault: &Fault) -> bool {
    matches!(
        fault.reason(),
        Some(Reason::WalletNotFound | Reason::CeremonyNotFound | Reason::CeremonyExpired | Reason::CeremonyMismatch)
    )
}
