//! A device was lost: this machine takes its place, with the words and the server.
//!
//! | reached | what the keystore holds | what running again does |
//! |---|---|---|
//! | nothing durable | nothing | starts clean |
//! | the server may have been asked | a sealing key for this machine | asks for the same, and waits no longer |
//! | the wait is over | the same | repairs the share |
//! | the server has listed this machine | the same | repairs the share again, with fresh numbers |
//! | the share is here | the wallet | nothing is left to do |
//!
//! With the words typed here this machine holds two shares until they are forgotten: recovery's and its own.

use core::fmt;

use rand_core::RngCore as _;
use twofold_api::reason::Reason;
use twofold_api::recovery::{READ, reading};
use twofold_api::reply::{self, Operator};
use twofold_api::request::{AskRecovery, GetRecovery, Recover};
use twofold_api::seal_key::Step as SealStep;
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::device_list::{Act, Change, DeviceList, Proposal, Signer};
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::id::{CeremonyId, DeviceId, KeyKind, Party, WalletId};
use twofold_threshold::identity::Signature64;
use twofold_threshold::package::{Chain, FirstPackage, Opened};
use twofold_threshold::refresh::Link;
use twofold_threshold::repair::{Claim, repaired};
use twofold_threshold::secret::Secret32;
use twofold_threshold::transcript::SignedTranscript;
use twofold_threshold::words::RecoverySecret;

use super::repair::Help;
use super::{AgeOpener, RecoveryFault};
use crate::client::Client;
use crate::devices::KnownList;
use crate::fault::{Breach, Fault};
use crate::keystore::name;
use crate::keystore::record::{Reader, Writer};
use crate::port::{Clock as _, KeystoreFault, Platform};
use crate::session::Caution;
use crate::wallet::{Record, Standing, Wallet};

const VERSION: u8 = 1;
const PREFIX: &str = "recovering-";

/// How far a recovery has come.
#[derive(Debug)]
pub enum Recovery {
    /// The wait is not over, or a device objects and the operator has not decided.
    Waits(Wait),
    /// The wallet is on this machine.
    Done(Box<Recovered>),
}

/// What a recovery waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The wallet's short fingerprint.
    pub fingerprint: String,
    /// When the wait is over, in seconds since 1970.
    pub due: u64,
    /// A device objects: the operator decides, and has not said yes.
    pub objected: bool,
}

/// A wallet that has come back.
#[derive(Debug)]
pub struct Recovered {
    /// The wallet, open.
    pub wallet: Wallet,
    /// The devices that are on its list beside this one: whoever has a lost one has its share until it is revoked.
    pub others: Vec<DeviceId>,
}

/// What stands between the machine and the wallet: its seat on the device list.
struct Seat {
    sealing: SealSecret,
    code: Option<[u8; 16]>,
}

/// The wallet as recovery sees it, all of it verified.
struct Seen {
    opened: Opened,
    list: DeviceList,
    reply: reply::Recovery,
    checkpoint: Checkpoint,
    transcript: SignedTranscript,
}

impl Seen {
    /// The list, its entries, and what the server confirmed of it.
    fn known(&self) -> (DeviceList, Vec<Vec<u8>>, Checkpoint) {
        (
            self.list.clone(),
            self.reply.wallet.device_list.clone(),
            self.checkpoint,
        )
    }
}

/// A list that has grown, its entries, and the checkpoint that says so.
type Moved = (DeviceList, Vec<Vec<u8>>, Checkpoint);

impl<P: Platform> Client<P> {
    /// Takes a lost device's place, as far as that goes now. `code` is the one that was minted for this wallet and that
    /// this machine joined with.
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
        let seat = self.seat(wallet, code).await?;
        let seen = self.see(wallet, &seat, secret).await?;
        if let Some(record) = self.records().await?.into_iter().find(|record| record.wallet == wallet)
            && record.public == seen.opened.public
        {
            return self.recovered(record, seen.known()).await;
        }
        let listed = seen.list.device(self.session.device_id()).is_some();
        let entry = if listed {
            None
        } else {
            Some(self.seat_entry(&seat, &seen, secret))
        };
        if let Some(entry) = &entry {
            let waiting = match &seen.reply.waiting {
                Some(waiting) => waiting.clone(),
                None => self.ask(wallet, &seat, entry).await?,
            };
            let now = self.session.server_time(self.clock.now());
            if waiting.due > now || waiting.operator == Operator::Needed {
                return Ok(waits(&seen, &waiting));
            }
        }
        let repaired = match self.repair(wallet, &seat, &seen, entry.as_ref(), secret).await {
            // By the server's count the time is not over for sure.
            Err(fault) if fault.reason() == Some(Reason::RecoveryWaits) => {
                let seen = self.see(wallet, &seat, secret).await?;
                return match &seen.reply.waiting {
                    Some(waiting) => Ok(waits(&seen, waiting)),
                    None => Err(fault),
                };
            }
            repaired => repaired?,
        };
        let (repaired, known) = (repaired.0, self.grown(&seen, entry.as_ref(), repaired.1)?);
        let chain = self.joined()?.chain;
        let record = Record {
            wallet,
            name: seen.reply.wallet.line.name.clone(),
            chain,
            birthday: seen.reply.wallet.birthday,
            standing: Standing::Active,
            share: repaired.share,
            public: seen.opened.public.clone(),
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
        if let Some(known) = known {
            return self.recovered(record, known).await;
        }
        self.save_record(&record).await?;
        // Somebody was quicker: what is told next is what the server holds now.
        let seat = Seat {
            sealing: SealSecret::new(Secret32::new(*record.sealing.expose().expose())),
            code: None,
        };
        let seen = self.see(wallet, &seat, secret).await?;
        self.recovered(record, seen.known()).await
    }

    /// Where the wallet stands once this machine is on its list, if the server's checkpoint says just that.
    fn grown(&self, seen: &Seen, entry: Option<&Change>, newest: Option<Checkpoint>) -> Result<Option<Moved>, Fault> {
        let Some(newest) = newest else { return Ok(None) };
        let (mut list, mut entries, _) = seen.known();
        if let Some(entry) = entry {
            list.append(entry).map_err(Breach::DeviceList)?;
            entries.push(entry.to_bytes());
        }
        let head = newest.verify(&self.session.server).map_err(|_| Breach::Checkpoint)?;
        let there = head.list == *list.head() && head.epoch == seen.opened.public.epoch();
        Ok(there.then_some((list, entries, newest)))
    }

    /// Keeps a wallet, in one write with the list that this machine is on and with what the server confirmed of it.
    async fn recovered(
        &mut self,
        mut record: Record,
        (list, entries, checkpoint): (DeviceList, Vec<Vec<u8>>, Checkpoint),
    ) -> Result<Recovery, Fault> {
        let me = self.session.device_id();
        let id = record.wallet;
        let others = list.devices().iter().map(twofold_threshold::device_list::Device::id);
        let others = others.filter(|device| *device != me).collect();
        // What it signs for recovery is held to the list.
        record.list = KnownList::verified(entries, list, self.generation(Some(&checkpoint))?);
        record.checkpoint = Some(checkpoint);
        self.save_record(&record).await?;
        let wallet = self.open_record(record).await?;
        self.keys.forget(&name(&format!("{PREFIX}{id}"))?).await?;
        Ok(Recovery::Done(Box::new(Recovered { wallet, others })))
    }

    /// This machine's sealing key for the wallet, the same in each run: what waits is for exactly this machine.
    async fn seat(&mut self, wallet: WalletId, code: Option<[u8; 16]>) -> Result<Seat, Fault> {
        let item = name(&format!("{PREFIX}{wallet}"))?;
        if let Some(bytes) = self.keys.load(&item).await? {
            let mut seat = Seat::parse(item.as_str(), &bytes)?;
            seat.code = code.or(seat.code);
            return Ok(seat);
        }
        if let Some(record) = self.records().await?.into_iter().find(|record| record.wallet == wallet) {
            let sealing = record.sealing;
            return Ok(Seat { sealing, code });
        }
        let seat = Seat {
            sealing: SealSecret::generate(&mut self.random),
            code,
        };
        self.keys.save(&item, &seat.to_bytes(), &mut self.random).await?;
        Ok(seat)
    }

    /// Reads the wallet and verifies all that is told of it with the words: a server can leave things out, but invent none.
    async fn see(&mut self, wallet: WalletId, seat: &Seat, secret: &RecoverySecret) -> Result<Seen, Fault> {
        let identity = secret.identity();
        let request = GetRecovery {
            wallet,
            code: seat.code,
            recovery: identity.sign(READ, &reading(wallet, self.session.device_id())).0,
        };
        let (reply, checkpoint) = self.call(&request, None, Caution::Stop).await?;
        let checkpoint = checkpoint.ok_or(Breach::Checkpoint)?;
        let told = &reply.wallet;
        let [package, transcript, links @ ..] = told.package.as_slice() else {
            return Err(RecoveryFault::Incomplete.into());
        };
        let transcript = SignedTranscript::try_from(transcript.as_slice()).map_err(RecoveryFault::Package)?;
        let package = FirstPackage::try_from(package.as_slice()).map_err(RecoveryFault::Package)?;
        let links = links.iter().map(|link| Link::try_from(link.as_slice()));
        let links = links.collect::<Result<Vec<_>, _>>().map_err(RecoveryFault::Package)?;
        let t = transcript.transcript();
        if t.wallet() != wallet || *t.server() != self.session.server {
            return Err(RecoveryFault::OtherWallet.into());
        }
        let list = DeviceList::verify(wallet, t.recovery().signing, &told.device_list)
            .map_err(|_| RecoveryFault::Incomplete)?;
        let chain = Chain::new(transcript.clone(), package, told.device_list.clone(), links);
        let age = AgeOpener::new(secret).map_err(|_| RecoveryFault::OtherWords)?;
        let opened = chain.open(&identity.public(), &age).map_err(RecoveryFault::Package)?;
        // What the server signed of the wallet is what it tells.
        let head = checkpoint
            .verify(&self.session.server)
            .map_err(|_| Breach::Checkpoint)?;
        if head.list != *list.head() || head.epoch != opened.public.epoch() {
            return Err(RecoveryFault::Incomplete.into());
        }
        Ok(Seen {
            opened,
            list,
            reply,
            checkpoint,
            transcript,
        })
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
            code: seat.code.ok_or(RecoveryFault::NoInvitation)?,
            entry: entry.to_bytes(),
        };
        let (asked, _) = self.call(&request, None, Caution::Stop).await?;
        Ok(asked.waiting.ok_or(RecoveryFault::Incomplete)?)
    }

    /// Recovery, here, and the server give this machine its share.
    async fn repair(
        &mut self,
        wallet: WalletId,
        seat: &Seat,
        seen: &Seen,
        entry: Option<&Change>,
        secret: &RecoverySecret,
    ) -> Result<(repaired::Repaired, Option<Checkpoint>), Fault> {
        let (opened, identity) = (&seen.opened, secret.identity());
        let (share, unlock, public) = (&opened.contents.share, &opened.contents.unlock, &opened.public);
        let mut ceremony = CeremonyId([0; 16]);
        self.random.fill_bytes(&mut ceremony.0);
        let key = SealSecret::generate(&mut self.random);
        // A device that is listed may have taken a newer sealing key since.
        let device = *self.session.device_key();
        let sealing = seen.list.device(self.session.device_id());
        let sealing = sealing.map_or_else(|| seat.sealing.public(), |device| *device.sealing());
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
            .help_with_server(&help, Some(&seen.checkpoint), |opening, unlock| Recover {
                wallet,
                entry: entry.map(Change::to_bytes).unwrap_or_default(),
                opening,
                unlock,
            })
            .await?;
        let helpers = help.helpers(self.session.server);
        let repaired = repaired::AwaitSigmas::new(help.claim, helpers, public.clone())?.receive(&carried, &key)?;
        Ok((repaired, newest))
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
}

fn waits(seen: &Seen, waiting: &reply::Waiting) -> Recovery {
    Recovery::Waits(Wait {
        fingerprint: seen.opened.public.fingerprint(),
        due: waiting.due,
        objected: waiting.operator == Operator::Needed,
    })
}

impl Seat {
    fn to_bytes(&self) -> zeroize::Zeroizing<Vec<u8>> {
        Writer::new(VERSION)
            .fixed(self.sealing.expose().expose())
            .optional(self.code.as_ref().map(<[u8; 16]>::as_slice))
            .finish()
    }

    fn parse(item: &str, bytes: &[u8]) -> Result<Self, KeystoreFault> {
        let mut reader = Reader::new(item, bytes, VERSION)?;
        let sealing = SealSecret::new(Secret32::new(reader.array()?));
        let code = reader.optional()?.map(<[u8; 16]>::try_from).transpose();
        let code = code.map_err(|_| reader.damaged())?;
        reader.finish()?;
        Ok(Self { sealing, code })
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seat(redacted)")
    }
}
