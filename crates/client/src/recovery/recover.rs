//! A device was lost: this machine takes its place, with the words and the server.
//!
//! | reached | what the keystore holds | what running again does |
//! |---|---|---|
//! | nothing durable | nothing | starts clean |
//! | the server may have been asked | a sealing key for this machine | asks for the same, and waits no longer |
//! | the wait is over | the same | repairs the share |
//! | the server has listed this machine | the same | repairs the share again, with fresh numbers |
//! | the share is here | the wallet | goes on with what is left: who is lost goes, the freeze ends |
//! | the shares are dealt anew | the epoch, and the one to come | ends that refresh, before the share is looked at |
//! | all is settled | the wallet | nothing is left to do |
//!
//! With the words typed here this machine holds two shares until they are forgotten: recovery's and its own.

use rand_core::RngCore as _;
use twofold_api::reason::Reason;
use twofold_api::recovery::{READ, reading};
use twofold_api::reply::{self, Operator};
use twofold_api::request::{AskRecovery, Recover};
use twofold_api::seal_key::Step as SealStep;
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::device_list::{Act, Change, Device, Proposal, Signer};
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::id::{CeremonyId, DeviceId, KeyKind, Party, WalletId};
use twofold_threshold::identity::Signature64;
use twofold_threshold::package::Opened;
use twofold_threshold::repair::{Claim, repaired};
use twofold_threshold::words::RecoverySecret;

use super::RecoveryFault;
use super::repair::Help;
use super::seat::{self, Known, Seat, Seen};
use crate::client::Client;
use crate::devices::KnownList;
use crate::fault::{Breach, Fault};
use crate::port::{Clock as _, Platform};
use crate::session::Caution;
use crate::wallet::{Record, Standing, Wallet};

/// How far a recovery has come.
#[derive(Debug)]
pub enum Recovery {
    /// The wait is not over, or a device objects and the operator has not decided.
    Waits(Wait),
    /// The wallet is on this machine.
    Done(Box<Recovered>),
}

impl Recovery {
    fn done(recovered: Recovered) -> Self {
        Self::Done(Box::new(recovered))
    }
}

/// What a recovery waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The wallet's short fingerprint.
    pub fingerprint: String,
    /// When the wait is over, in seconds since 1970.
    pub due: u64,
    /// A device objects: the operator decides, or the owner who signs in anew, and neither has said yes.
    pub objected: bool,
    /// The change's number, for who says yes to it.
    pub change: u64,
}

/// A wallet that has come back.
#[derive(Debug)]
pub struct Recovered {
    /// The wallet, open.
    pub wallet: Wallet,
    /// The devices that are on its list beside this one: whoever has a lost one has its share until it is revoked.
    pub others: Vec<DeviceId>,
}

impl<P: Platform> Client<P> {
    /// Takes a lost device's place, as far as that goes now. `code` is the one that was minted for this wallet and that
    /// this machine joined with; none once recovery has asked, and with a token ([`Self::bring_token`]).
    pub async fn recover(
        &mut self,
        wallet: WalletId,
        code: Option<[u8; 16]>,
        secret: &RecoverySecret,
    ) -> Result<Recovery, Fault> {
        Box::pin(self.recover_wallet(wallet, code, secret)).await
    }

    async fn recover_wallet(
        &mut self,
        wallet: WalletId,
        code: Option<[u8; 16]>,
        secret: &RecoverySecret,
    ) -> Result<Recovery, Fault> {
        self.end_refresh(wallet).await?;
        let seat = self.seat(wallet, code).await?;
        let read = secret
            .identity()
            .sign(READ, &reading(wallet, self.session.device_id()))
            .0;
        let (seen, opened) = self.see_open(wallet, seat.code, read, secret).await?;
        if let Some(record) = self.share_of(wallet, &seen).await? {
            return self.recovered(record, seen.known()).await.map(Recovery::done);
        }
        let listed = seen.list.device(self.session.device_id()).is_some();
        let entry = if listed {
            None
        } else {
            Some(self.seat_entry(&seat, &seen, secret))
        };
        if let Some(entry) = &entry
            && let Some(wait) = self.asked(wallet, &seat, &seen, entry).await?
        {
            return Ok(Recovery::Waits(wait));
        }
        let (repaired, newest) = match self.repair(&seat, &seen, &opened, entry.as_ref(), secret).await {
            Ok(repaired) => repaired,
            Err(fault) => {
                let still = self.waits_still(wallet, seat.code, read, fault).await;
                return still.map(Recovery::Waits);
            }
        };
        let known = self.grown(&seen, entry.as_ref(), newest)?;
        let record = self.record_of_share(seat, &seen, repaired)?;
        if let Some(known) = known {
            return self.recovered(record, known).await.map(Recovery::done);
        }
        self.save_record(&record).await?;
        // Somebody was quicker: what is told next is what the server holds now.
        let seen = self.see(wallet, None, read).await?;
        self.recovered(record, seen.known()).await.map(Recovery::done)
    }

    /// Where the wallet stands once this machine is on its list, if the server's checkpoint says just that.
    fn grown(&self, seen: &Seen, entry: Option<&Change>, newest: Option<Checkpoint>) -> Result<Option<Known>, Fault> {
        let Some(newest) = newest else { return Ok(None) };
        let (mut list, mut entries, _) = seen.known();
        if let Some(entry) = entry {
            list.append(entry).map_err(Breach::DeviceList)?;
            entries.push(entry.to_bytes());
        }
        let head = newest.verify(&self.session.server).map_err(|_| Breach::Checkpoint)?;
        let there = head.list == *list.head() && head.epoch == seen.public.epoch();
        Ok(there.then_some((list, entries, newest)))
    }

    /// The wallet's record, where this machine has the share of the epoch that counts.
    pub(super) async fn share_of(&self, wallet: WalletId, seen: &Seen) -> Result<Option<Record>, Fault> {
        let mut records = self.records().await?.into_iter();
        Ok(records.find(|record| record.wallet == wallet && record.public == seen.public))
    }

    /// What there is to wait for, where by the server's count the time is not over for sure.
    pub(super) async fn waits_still(
        &mut self,
        wallet: WalletId,
        code: Option<[u8; 16]>,
        read: [u8; 64],
        fault: Fault,
    ) -> Result<Wait, Fault> {
        if fault.reason() != Some(Reason::RecoveryWaits) {
            return Err(fault);
        }
        let seen = self.see(wallet, code, read).await?;
        let waiting = seen.reply.waiting.as_ref();
        waiting.map(|waiting| waits(&seen, waiting)).ok_or(fault)
    }

    /// Asks, where recovery has not yet, and says what there is to wait for.
    pub(super) async fn asked(
        &mut self,
        wallet: WalletId,
        seat: &Seat,
        seen: &Seen,
        entry: &Change,
    ) -> Result<Option<Wait>, Fault> {
        let waiting = match &seen.reply.waiting {
            Some(waiting) if is_for(waiting, seat) => waiting.clone(),
            _ => self.ask(wallet, seat, entry).await?,
        };
        let now = self.session.server_time(self.clock.now());
        let over = waiting.due <= now && waiting.operator != Operator::Needed;
        Ok((!over).then(|| waits(seen, &waiting)))
    }

    /// The share that was given back, as it is kept.
    pub(super) fn record_of_share(
        &self,
        seat: Seat,
        seen: &Seen,
        repaired: repaired::Repaired,
    ) -> Result<Record, Fault> {
        let chain = self.joined()?.chain;
        let record = Record {
            wallet: seen.list.wallet(),
            name: seen.reply.wallet.line.name.clone(),
            chain,
            birthday: seen.reply.wallet.birthday,
            standing: Standing::Active,
            share: repaired.share,
            public: seen.public.clone(),
            unlock: repaired.unlock,
            // The device that made the wallet showed it; nobody asks again.
            test_signature: Signature64([0; 64]),
            list: KnownList::unverified(seen.reply.wallet.device_list.clone(), 0),
            sealing: seat.sealing,
            transcript: seen.transcript.to_bytes(),
            package: seen.reply.wallet.package.first().cloned().unwrap_or_default(),
            links: seen.reply.wallet.package.get(2..).unwrap_or_default().to_vec(),
            kept: Vec::new(),
            words: None,
            checkpoint: None,
        };
        Ok(record)
    }

    /// Keeps a wallet, in one write with the list that this machine is on and with what the server confirmed of it.
    pub(super) async fn recovered(
        &mut self,
        mut record: Record,
        (list, entries, checkpoint): Known,
    ) -> Result<Recovered, Fault> {
        let me = self.session.device_id();
        let id = record.wallet;
        let others = list.devices().iter().map(Device::id);
        let others = others.filter(|device| *device != me).collect();
        // What it signs for recovery is held to the list.
        record.list = KnownList::verified(entries, list, self.generation(Some(&checkpoint))?);
        record.checkpoint = Some(checkpoint);
        self.save_record(&record).await?;
        let wallet = self.open_record(record).await?;
        self.keys.forget(&seat::item(id)?).await?;
        Ok(Recovered { wallet, others })
    }

    /// The entry that lists this machine, signed by recovery alone on the list as it stands.
    fn seat_entry(&self, seat: &Seat, seen: &Seen, secret: &RecoverySecret) -> Change {
        let act = Act::Enrol {
            identity: *self.session.device_key(),
            sealing: seat.sealing.public(),
        };
        let proposal = Proposal::new(&seen.list, act);
        let signature = secret.identity().sign_raw(&proposal.signing_bytes());
        proposal.signed(Signer::Recovery, signature)
    }

    async fn ask(&mut self, wallet: WalletId, seat: &Seat, entry: &Change) -> Result<reply::Waiting, Fault> {
        let request = AskRecovery {
            wallet,
            code: self.pass(seat.code),
            entry: entry.to_bytes(),
        };
        if request.code.is_none() && self.session.authorization.is_none() {
            return Err(RecoveryFault::NoInvitation.into());
        }
        let (asked, _) = self.call(&request, None, Caution::Stop).await?;
        Ok(asked.waiting.ok_or(RecoveryFault::Incomplete)?)
    }

    /// Recovery, here, and the server give this machine its share.
    async fn repair(
        &mut self,
        seat: &Seat,
        seen: &Seen,
        opened: &Opened,
        entry: Option<&Change>,
        secret: &RecoverySecret,
    ) -> Result<(repaired::Repaired, Option<Checkpoint>), Fault> {
        let (wallet, identity) = (seen.list.wallet(), secret.identity());
        let (share, unlock, public) = (&opened.contents.share, &opened.contents.unlock, &opened.public);
        let mut ceremony = CeremonyId([0; 16]);
        self.random.fill_bytes(&mut ceremony.0);
        let key = SealSecret::generate(&mut self.random);
        let device = *self.session.device_key();
        let sealing = seat.listed_sealing(&seen.list, self.session.device_id());
        let help = Help {
            claim: Claim {
                wallet,
                ceremony,
                kind: KeyKind::Taproot,
                epoch: public.epoch(),
                repaired: Party::Device,
                identity: device,
                key: key.public(),
                unlock_digest: unlock.digest(),
                mandate: twofold_api::recovery::mandate(&device, &sealing),
            },
            party: Party::Recovery,
            identity: identity.public(),
            words: Some(&identity),
            share,
            public,
            unlock,
            step: SealStep::Recover,
        };
        let (carried, newest) = self
            .help_with_server(&help, None, |opening, unlock| Recover {
                wallet,
                entry: entry.map(Change::to_bytes).unwrap_or_default(),
                opening,
                unlock,
            })
            .await?;
        let helpers = help.helpers(self.session.server);
        let waiting = repaired::AwaitSigmas::new(help.claim, helpers, public.clone())?;
        Ok((waiting.receive(&carried, &key)?, newest))
    }
}

impl<P: Platform> Client<P> {
    /// What follows a recovery at once, with the words still there: the devices that may be in wrong hands are struck off
    /// the list, the wallet signs again, and a refresh makes their copies of the share worth nothing.
    pub async fn settle_recovery(
        &mut self,
        recovered: &mut Recovered,
        keep: &[DeviceId],
        secret: &RecoverySecret,
    ) -> Result<Vec<DeviceId>, Fault> {
        // Kept off the caller's stack: it holds the state of several calls.
        Box::pin(self.settle(recovered, keep, secret)).await
    }

    async fn settle(
        &mut self,
        recovered: &mut Recovered,
        keep: &[DeviceId],
        secret: &RecoverySecret,
    ) -> Result<Vec<DeviceId>, Fault> {
        let wallet = &mut recovered.wallet;
        let mut revoked = Vec::new();
        for device in core::mem::take(&mut recovered.others) {
            // Revoking one takes along whom it alone enrolled.
            let gone = self.known_devices(wallet).await?.device(device).is_none();
            if !gone && !keep.contains(&device) {
                self.revoke_device(wallet, device, Some(secret)).await?;
                revoked.push(device);
            }
        }
        // The freeze came with the recovery; recovery's word ends it.
        let (_, shape) = self.unfreeze_shown(wallet, Some(secret)).await?;
        if shape.refresh_due {
            self.refresh(wallet, &mut |_| ()).await?;
        }
        Ok(revoked)
    }

    pub(super) async fn refresh_if_due(&mut self, wallet: &mut Wallet) -> Result<(), Fault> {
        if self.devices(wallet).await?.refresh_due {
            self.refresh(wallet, &mut |_| ()).await?;
        }
        Ok(())
    }
}

/// Whether what waits is for the sealing key that this machine has now. A server that was restored may know it by one that
/// it has replaced and erased since: that never comes true, and is asked for anew.
fn is_for(waiting: &reply::Waiting, seat: &Seat) -> bool {
    Change::try_from(waiting.entry.as_slice())
        .is_ok_and(|entry| matches!(entry.act(), Act::Enrol { sealing, .. } if *sealing == seat.sealing.public()))
}

fn waits(seen: &Seen, waiting: &reply::Waiting) -> Wait {
    Wait {
        fingerprint: seen.public.fingerprint(),
        due: waiting.due,
        objected: waiting.operator == Operator::Needed,
        change: waiting.change,
    }
}
