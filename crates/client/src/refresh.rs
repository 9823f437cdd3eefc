//! A refresh: new shares of the same key, so that whatever was stolen before is worth nothing.
//!
//! | reached | what the keystore holds | what running again does |
//! |---|---|---|
//! | nothing durable | the epoch | begins; the server lets the later one win |
//! | the closing is about to leave | the epoch, and the one to come | sends the closing: it takes effect, or did already, or is too late |
//! | the server's signature is here | the new epoch alone | begins another |
//!
//! Whoever sends it reads the list before where it knows another than the one that the epoch to come was dealt by: a run that
//! was cut short may have come before it wrote down an entry that the server has taken.
//!
//! The epoch is replaced in one write, by one that has the server's signature in it, and not before. A device that was
//! away finds at its next contact what the one that refreshed, and the server, sealed to it.

mod pending;
mod sealing;

use rand_core::RngCore;
use twofold_api::reason::Reason;
use twofold_api::request::{BeginRefresh, FinishRefresh};
use twofold_api::seal_key::{SealTo, Step as SealStep, Usage as SealUsage};
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::device_list::DeviceList;
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::id::CeremonyId;
use twofold_threshold::refresh::device::{NextKey, Pending, Refreshed, Start};
use twofold_threshold::refresh::server::complete;
use twofold_threshold::refresh::{Completion, Ground, Link, ServerRound};
use twofold_threshold::secret::UnlockKey;
use twofold_threshold::transcript::SignedTranscript;

use crate::client::Client;
use crate::devices::KnownList;
use crate::fault::{Breach, Fault, Usage};
use crate::port::Platform;
use crate::recovery::AgeSealer;
use crate::session::{Session, internal};
use crate::wallet::{Record, Wallet};

/// Links of a package before the first refresh: what recovery sealed itself, and the first transcript.
pub(crate) const FIRST_LINKS: usize = 2;

/// How far a refresh has come, for a person who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The server deals.
    Opening,
    /// The new epoch is durable here; the server takes it and erases the old one.
    Closing,
    /// The old epoch is erased here as well.
    Done,
}

/// What a refresh came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewEpoch {
    /// The epoch's number now.
    pub epoch: u32,
    /// The one before.
    pub previous: u32,
    /// It was begun by an earlier run that was interrupted.
    pub resumed: bool,
}

impl<P: Platform> Client<P> {
    /// Refreshes, or finishes a refresh that was interrupted.
    pub async fn refresh(
        &mut self,
        wallet: &mut Wallet,
        progress: &mut (dyn FnMut(Step) + Send),
    ) -> Result<NewEpoch, Fault> {
        // Kept off the caller's stack: it holds the state of several calls.
        Box::pin(self.run_refresh(wallet, progress)).await
    }

    async fn run_refresh(
        &mut self,
        wallet: &mut Wallet,
        progress: &mut (dyn FnMut(Step) + Send),
    ) -> Result<NewEpoch, Fault> {
        self.stand_undoubted(wallet).await?;
        let previous = wallet.epoch().number;
        let told = |wallet: &Wallet, resumed| NewEpoch {
            epoch: wallet.epoch().number,
            previous,
            resumed,
        };
        if let Some(pending) = self.load_refresh(wallet).await? {
            progress(Step::Closing);
            self.catch_up(wallet).await?;
            if wallet.epoch() == pending.epoch() {
                progress(Step::Done);
                return Ok(told(wallet, true));
            }
        }
        let mut again = true;
        let pending = loop {
            progress(Step::Opening);
            match self.open_refresh(wallet).await {
                Err(fault) if fault.reason() == Some(Reason::StaleEpoch) && core::mem::take(&mut again) => {
                    self.catch_up(wallet).await?;
                }
                other => break other?,
            }
        };
        let (previous, aim) = (wallet.epoch().number, pending.epoch());
        progress(Step::Closing);
        if self.close_refresh(wallet, pending).await?.is_some() {
            self.catch_up(wallet).await?;
        }
        if wallet.epoch() != aim {
            return Err(Usage::Overtaken.into());
        }
        progress(Step::Done);
        Ok(NewEpoch {
            previous,
            ..told(wallet, false)
        })
    }

    /// At a contact: ends a refresh that was interrupted, and takes what waits for this device.
    pub(crate) async fn keep_up(&mut self, wallet: &mut Wallet) -> Result<(), Fault> {
        let newest = match &wallet.checkpoint {
            Some(checkpoint) => {
                checkpoint
                    .verify(&self.session.server)
                    .map_err(|_| Breach::Checkpoint)?
                    .epoch
                    .number
            }
            None => 0,
        };
        if newest > wallet.epoch().number || self.has_refresh(wallet.id()).await? {
            self.catch_up(wallet).await?;
        }
        self.replace_sealing(wallet).await
    }

    /// Brings this device to the server's epoch: by the refresh that it began itself, or by what was sealed to it.
    pub(crate) async fn catch_up(&mut self, wallet: &mut Wallet) -> Result<(), Fault> {
        let mut begun = match self.load_refresh(wallet).await? {
            Some(pending) => {
                if self.known_devices(wallet).await?.head() != pending.transcript().device_list_head() {
                    Box::pin(self.told(wallet)).await?;
                }
                Box::pin(self.close_refresh(wallet, pending)).await?
            }
            None => None,
        };
        let (told, known) = self.told(wallet).await?;
        let waiting = told.package.get(FIRST_LINKS + wallet.record.links.len()..);
        for bytes in waiting.unwrap_or_default() {
            let link = Link::try_from(bytes.as_slice())?;
            let epoch = link.signed().transcript().epoch();
            if let Some(own) = begun.take_if(|own| own.epoch() == epoch) {
                // Its own: the server took it before another one. What came later is sealed to the key that it brought.
                let refreshed = own.finish(&complete(&link))?;
                self.take_over(wallet, refreshed, known.clone(), None).await?;
            } else {
                // What is sealed to the present key is about to be opened.
                self.draw_sealing(wallet.id()).await?;
                self.follow(wallet, link, known.clone()).await?;
            }
        }
        if begun.is_some() {
            self.forget_refresh(wallet.id()).await?;
        }
        Ok(())
    }

    /// Takes one refresh over that another device ran.
    pub(crate) async fn follow(&mut self, wallet: &mut Wallet, link: Link, list: KnownList) -> Result<(), Fault> {
        let record = &wallet.record;
        let had = record.public.epoch().number;
        let mut epochs = record.epochs()?;
        let mut ground = self.ground(record, record.list.list(record)?)?;
        // Its transcript, device and recovery are held to the list before anything in it is opened.
        epochs.push(list.entries().to_vec(), link.clone())?;
        ground.recovery = *link.signed().transcript().recovery();
        let me = *self.session.device_key();
        let next = self.next_sealing(record.wallet).await?;
        let keys: Vec<_> = [&record.sealing].into_iter().chain(&next).collect();
        let opened = link.open_as_device(&ground, &record.share, &me, &keys);
        let (share, unlock, public) = opened.map_err(|_| Usage::LeftBehind { had })?;
        let record = &mut wallet.record;
        (record.share, record.public, record.unlock) = (share, public, unlock);
        record.list = list;
        record.add_link(&link.for_recovery());
        // What the server's share was kept as is of an epoch that is over.
        record.kept.clear();
        self.save_whole(wallet).await
    }

    fn ground(&self, record: &Record, list: DeviceList) -> Result<Ground, Fault> {
        Ok(Ground {
            wallet: record.wallet,
            server: self.session.server,
            recovery: match list.replaced() {
                Some(replaced) => *replaced,
                None => *SignedTranscript::try_from(record.transcript.as_slice())?
                    .transcript()
                    .recovery(),
            },
            list,
            public: record.public.clone(),
        })
    }

    /// The first round trip, up to the point where the epoch to come is durable. The list that this machine knows is the one
    /// that is sealed to; where it grew since, it is read, and the refresh begun once more.
    async fn open_refresh(&mut self, wallet: &mut Wallet) -> Result<Pending, Fault> {
        let list = self.known_devices(wallet).await?;
        match self.deal(wallet, list).await {
            Ok(Some(pending)) => return Ok(pending),
            Err(fault) if fault.reason() != Some(Reason::ListChanged) => return Err(fault),
            // It says so, or its checkpoint does.
            Ok(None) | Err(_) => {}
        }
        let list = self.device_list(wallet).await?;
        self.deal(wallet, list).await?.ok_or_else(|| Breach::Checkpoint.into())
    }

    /// Deals with the server by this list; none where the server's checkpoint names another.
    async fn deal(&mut self, wallet: &mut Wallet, list: DeviceList) -> Result<Option<Pending>, Fault> {
        let checkpoint = self.newest_checkpoint(wallet).await?;
        let (id, epoch, me) = (wallet.id(), wallet.epoch(), *self.session.device_key());
        let ground = self.ground(&wallet.record, list)?;
        let mut waiting = None;
        let record = &wallet.record;
        let build = |session: &Session, key: &SealTo, random: &mut P::Random| {
            let mut ceremony = CeremonyId([0; 16]);
            random.fill_bytes(&mut ceremony.0);
            let start = Start {
                ground: ground.clone(),
                ceremony,
                number: epoch.number.saturating_add(1),
                device: me,
                server_key: *key.public(),
                unlock: UnlockKey::generate(random),
            };
            let (state, opening) = start.begin(random)?;
            waiting = Some(state);
            let usage = SealUsage {
                wallet: id,
                epoch: epoch.number,
                step: SealStep::BeginRefresh,
                device: session.device_id(),
            };
            Ok(BeginRefresh {
                wallet: id,
                epoch,
                opening: opening.to_bytes(),
                unlock: key.seal(&record.unlock, &usage, random).map_err(|_| Breach::SealKey)?,
                checkpoint,
            })
        };
        let outcome = self.call_sealed(Some(&checkpoint), build).await;
        let (begun, newest) = self.heed_doubt(wallet, outcome).await?;
        self.note_checkpoint(wallet, newest).await?;
        // Whoever is on the newest list is sealed to, and nobody else: by what the server signs, and not by its silence.
        if let Some(newest) = newest {
            let head = newest.verify(&self.session.server).map_err(|_| Breach::Checkpoint)?;
            if head.list != *ground.list.head() {
                return Ok(None);
            }
        }
        let round = ServerRound::try_from(begun.server_round.as_slice())?;
        let next = self.next_key(&ground.list)?;
        let to_sign =
            waiting
                .ok_or_else(internal)?
                .receive(round, &wallet.record.share, next, &AgeSealer, &mut self.random)?;
        let signature = self.session.device().sign_raw(&to_sign.signing_bytes());
        let pending = to_sign.signed(signature)?;
        self.save_refresh(id, &pending).await?;
        Ok(Some(pending))
    }

    /// A fresh sealing key for this device, where the list has room to say so.
    fn next_key(&mut self, list: &DeviceList) -> Result<Option<NextKey>, Fault> {
        let length = usize::try_from(list.len()).unwrap_or(usize::MAX);
        if length >= twofold_threshold::device_list::MAX_RESEALED {
            return Ok(None);
        }
        let secret = SealSecret::generate(&mut self.random);
        let me = *self.session.device_key();
        let bytes = NextKey::proposal(list, &me, &secret).signing_bytes();
        let signature = self.session.device().sign_raw(&bytes);
        Ok(Some(NextKey::signed(list, &me, secret, signature)?))
    }

    /// The second round trip. The epoch to come is given back where the server does not know of this refresh (any more):
    /// another one was faster, or came after it, or its time was over. What the wallet's chain has then says which.
    async fn close_refresh(&mut self, wallet: &mut Wallet, pending: Pending) -> Result<Option<Pending>, Fault> {
        let checkpoint = self.newest_checkpoint(wallet).await?;
        let (id, number) = (wallet.id(), pending.epoch().number);
        let closing = pending.closing().to_bytes();
        let build = |session: &Session, key: &SealTo, random: &mut P::Random| {
            let usage = SealUsage {
                wallet: id,
                epoch: number,
                step: SealStep::FinishRefresh,
                device: session.device_id(),
            };
            Ok(FinishRefresh {
                wallet: id,
                ceremony: pending.transcript().ceremony(),
                closing: closing.clone(),
                unlock: key
                    .seal(pending.unlock(), &usage, random)
                    .map_err(|_| Breach::SealKey)?,
                checkpoint,
            })
        };
        let outcome = self.call_sealed(Some(&checkpoint), build).await;
        let (finished, newest) = match self.heed_doubt(wallet, outcome).await {
            Err(fault) if is_over(&fault) => return Ok(Some(pending)),
            other => other?,
        };
        let completion = Completion::try_from(finished.completion.as_slice())?;
        let list = self.known_list(wallet).await?;
        self.take_over(wallet, pending.finish(&completion)?, list, newest)
            .await?;
        Ok(None)
    }

    /// Replaces the epoch by the one that the server has signed for, in one write, with the device list that goes with it
    /// and the server's checkpoint. `list` is the list as it was when the refresh began, or as it grew from there.
    async fn take_over(
        &mut self,
        wallet: &mut Wallet,
        refreshed: Refreshed,
        mut list: KnownList,
        newest: Option<Checkpoint>,
    ) -> Result<(), Fault> {
        let generation = self.generation(newest.as_ref().or(wallet.checkpoint.as_ref()))?;
        if let Some(newest) = newest {
            wallet.take_with_record(newest);
        }
        if let Some((_, change)) = &refreshed.sealing {
            let mut entries = list.entries().to_vec();
            let entry = change.to_bytes();
            if !entries.contains(&entry) {
                entries.push(entry);
                list = list.onward(&wallet.record, entries, generation)?;
            }
        }
        let record = &mut wallet.record;
        (record.share, record.public) = (refreshed.share, refreshed.public);
        record.unlock = refreshed.unlock;
        let resealed = refreshed.sealing.is_some();
        if let Some((secret, _)) = refreshed.sealing {
            record.sealing = secret;
        }
        record.add_link(&refreshed.link);
        record.list = list;
        record.kept = refreshed.kept;
        self.save_record(&wallet.record).await?;
        self.forget_refresh(wallet.id()).await?;
        if resealed {
            self.forget_sealing(wallet.id()).await?;
        }
        Ok(())
    }
}

/// The server knows nothing of this refresh, or not any more.
fn is_over(fault: &Fault) -> bool {
    matches!(
        fault.reason(),
        Some(
            Reason::CeremonyNotFound
                | Reason::CeremonyExpired
                | Reason::CeremonyMismatch
                | Reason::Culprit
                | Reason::StaleEpoch
        )
    )
}
