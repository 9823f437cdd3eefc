//! Other recovery words take the old ones' place: the device asks, or the old words speak for it at once; device and server
//! give the new words their share; the entry that names them and the package that they open are stored in one step; and a
//! refresh makes what the old words open worth nothing.
//!
//! | reached | what the server holds | what running again does |
//! |---|---|---|
//! | asked | the wish, with its wait | asks for the same, and waits no longer |
//! | the share is repaired | nothing new | repairs it again, by other numbers |
//! | the words are replaced | the new words and their package | is refused: the words are the wallet's already |
//! | the shares are dealt anew | the new epoch | the same |
//!
//! The new words may be on another machine: then an opening, a message and an answer pass between the two, as when a wallet
//! is made, and what the holder has signed is all that server and device see of them.

use rand_core::RngCore as _;
use twofold_api::reason::Reason;
use twofold_api::recovery::{ACCEPT, accepting, replacing};
use twofold_api::reply::{Operator, Waiting};
use twofold_api::request::{RepairRecovery, ReplaceRecovery};
use twofold_api::seal_key::Step as SealStep;
use twofold_threshold::device_list::{Act, Change, DeviceList, Proposal, Signer};
use twofold_threshold::envelope::{SealPublic, SealSecret};
use twofold_threshold::id::{CeremonyId, KeyKind, Party, WalletId};
use twofold_threshold::identity::Signature64;
use twofold_threshold::package::FirstPackage;
use twofold_threshold::repair::hub::Carried;
use twofold_threshold::repair::{Claim, repaired};
use twofold_threshold::words::{RecoveryIdentity, RecoverySecret};

use super::file::{self, FileKind};
use super::holder::words::{self as holder, Taker};
use super::repair::Help;
use super::{AgeSealer, OldWords, RecoveryFault};
use crate::client::Client;
use crate::devices::Outcome;
use crate::fault::{Fault, Usage};
use crate::keystore::name;
use crate::keystore::record::{Reader, Writer};
use crate::port::{BlobName, Clock as _, KeystoreFault, Platform};
use crate::refresh::NewEpoch;
use crate::session::Caution;
use crate::wallet::Wallet;

const VERSION: u8 = 1;

/// How far new words have come.
#[derive(Debug)]
pub enum Replacement {
    /// Nobody but this device has spoken for them: they wait, and take the operator's yes.
    Waits(Waiting),
    /// They are the wallet's.
    Done(Replaced),
}

/// How far new words of another machine have come.
#[derive(Debug)]
pub enum Elsewhere {
    /// As for [`Replacement::Waits`].
    Waits(Waiting),
    /// The file for the machine with the new words.
    Message(String),
}

/// The wallet has new words.
#[derive(Debug)]
pub struct Replaced {
    /// The refresh that followed, or why it did not.
    pub refreshed: Result<NewEpoch, Fault>,
}

/// A share for new words, on its way.
enum Begun {
    Waits(Waiting),
    /// The entry that names them, and the repair.
    Repaired(Box<(Change, Carried)>),
}

fn item(wallet: WalletId) -> Result<BlobName, KeystoreFault> {
    name(&format!("replacing-{wallet}"))
}

impl<P: Platform> Client<P> {
    /// The new words that this device has asked for, where it has.
    pub async fn words_asked_for(&mut self, wallet: &mut Wallet) -> Result<Option<RecoveryIdentity>, Fault> {
        let me = self.session.device_id();
        let waiting = self.devices(wallet).await?.waiting;
        let mine = waiting.iter().filter(|waiting| waiting.asker == Some(me.0));
        let mut words = mine.filter_map(|waiting| {
            let entry = Change::try_from(waiting.entry.as_slice()).ok()?;
            match entry.act() {
                Act::ReplaceRecovery(words) => Some(*words),
                _ => None,
            }
        });
        Ok(words.next())
    }

    /// Puts new words in the old ones' place, as far as that goes now. With the old words it goes at once.
    pub async fn replace_words(
        &mut self,
        wallet: &mut Wallet,
        words: &RecoverySecret,
        old: Option<OldWords<'_>>,
    ) -> Result<Replacement, Fault> {
        Box::pin(self.run_replacement(wallet, words, old)).await
    }

    async fn run_replacement(
        &mut self,
        wallet: &mut Wallet,
        words: &RecoverySecret,
        old: Option<OldWords<'_>>,
    ) -> Result<Replacement, Fault> {
        let key = SealSecret::generate(&mut self.random);
        let server = self.session.server;
        let taker = Taker {
            words: words.public(),
            key: key.public(),
            accepted: words.identity().sign(ACCEPT, &accepting(&server, &key.public())),
        };
        let (entry, carried) = match self.begin_replacement(wallet, &taker, old).await? {
            Begun::Waits(waiting) => return Ok(Replacement::Waits(waiting)),
            Begun::Repaired(repaired) => *repaired,
        };
        let public = wallet.record.public.clone();
        let helpers = twofold_threshold::repair::Helpers {
            first: (Party::Device, *self.session.device_key()),
            second: (Party::Server, server),
        };
        let claim = carried.claim().clone();
        let repaired = repaired::AwaitSigmas::new(claim, helpers, public.clone())?.receive(&carried, &key)?;
        let package = FirstPackage::renew(&repaired, &public, words, &AgeSealer)?;
        self.install(wallet, &entry, &package).await.map(Replacement::Done)
    }

    /// The same for words on another machine, whose opening this is: the message for them.
    pub async fn replace_words_elsewhere(
        &mut self,
        wallet: &mut Wallet,
        opening: &str,
        old: Option<OldWords<'_>>,
    ) -> Result<Elsewhere, Fault> {
        Box::pin(self.ask_elsewhere(wallet, opening, old)).await
    }

    /// Which words an opening is of, for a request to the old ones.
    pub fn words_of_opening(&self, opening: &str) -> Result<RecoveryIdentity, Fault> {
        let opened = holder::Opened::parse(opening)?;
        if opened.server != self.session.server {
            let expected = opened.server.to_string();
            return Err(RecoveryFault::OtherServer { expected }.into());
        }
        Ok(opened.taker.words)
    }

    async fn ask_elsewhere(
        &mut self,
        wallet: &mut Wallet,
        opening: &str,
        old: Option<OldWords<'_>>,
    ) -> Result<Elsewhere, Fault> {
        let opened = holder::Opened::parse(opening)?;
        if opened.server != self.session.server {
            let expected = opened.server.to_string();
            return Err(RecoveryFault::OtherServer { expected }.into());
        }
        let (entry, carried) = match self.begin_replacement(wallet, &opened.taker, old).await? {
            Begun::Waits(waiting) => return Ok(Elsewhere::Waits(waiting)),
            Begun::Repaired(repaired) => *repaired,
        };
        let bytes = Writer::new(VERSION).var(&entry.to_bytes()).finish();
        self.keys.save(&item(wallet.id())?, &bytes, &mut self.random).await?;
        let record = &wallet.record;
        let epochs = record.epochs()?;
        let device = *self.session.device_key();
        Ok(Elsewhere::Message(holder::message(
            (&record.name, record.chain),
            &device,
            &epochs,
            &carried,
            |domain, bytes| self.session.device().sign(domain, bytes),
        )))
    }

    /// Takes the answer of the machine with the new words.
    pub async fn finish_replacement(&mut self, answer: &str) -> Result<(Wallet, Replaced), Fault> {
        const KIND: FileKind = FileKind::FromNewWords;
        let bytes = file::read(KIND, answer).map_err(RecoveryFault::from)?;
        let damaged = |fault: KeystoreFault| RecoveryFault::from(file::read_fault(KIND, &fault));
        let mut reader = file::reader(KIND, &bytes).map_err(RecoveryFault::from)?;
        let package = FirstPackage::try_from(reader.var().map_err(damaged)?).map_err(RecoveryFault::Ceremony)?;
        reader.finish().map_err(damaged)?;
        let item = item(package.wallet())?;
        let asked = self.keys.load(&item).await?.ok_or(RecoveryFault::NotAwaited)?;
        let mut reader = Reader::new(item.as_str(), &asked, VERSION)?;
        let entry = reader.var()?.to_vec();
        reader.finish()?;
        let entry =
            Change::try_from(entry.as_slice()).map_err(|_| KeystoreFault::Damaged { name: item.to_string() })?;
        let mut wallet = self.open_wallet(Some(&package.wallet().to_string())).await?;
        let installed = Box::pin(self.install(&mut wallet, &entry, &package)).await;
        match installed {
            Err(fault) if matches!(fault.reason(), Some(Reason::ListChanged | Reason::CeremonyMismatch)) => {
                self.device_list(&mut wallet).await?;
                let now = wallet.record.epochs()?.recovery()?;
                // By a run that was cut short: a refresh may be left to do.
                let done = matches!(entry.act(), Act::ReplaceRecovery(words) if *words == now);
                Err(if done {
                    RecoveryFault::SameWords
                } else {
                    RecoveryFault::WalletMoved
                }
                .into())
            }
            installed => {
                let replaced = installed?;
                self.keys.remove(&item).await?;
                Ok((wallet, replaced))
            }
        }
    }

    /// Asks where that is needed, and has the server help this device to the new words' share.
    async fn begin_replacement(
        &mut self,
        wallet: &mut Wallet,
        taker: &Taker,
        old: Option<OldWords<'_>>,
    ) -> Result<Begun, Fault> {
        self.stand_undoubted(wallet).await?;
        // Read first: it shows a refresh that this machine has missed.
        self.device_list(wallet).await?;
        self.keep_up(wallet).await?;
        if wallet.record.epochs()?.recovery()? == taker.words {
            return Err(RecoveryFault::SameWords.into());
        }
        let mut asked = None;
        if old.is_none() {
            let act = Act::ReplaceRecovery(taker.words);
            if let Outcome::Waits(waiting) = self.change_devices(wallet, act, None).await? {
                let now = self.session.server_time(self.clock.now());
                if waiting.due > now || waiting.operator == Operator::Needed {
                    return Ok(Begun::Waits(waiting));
                }
                asked = Some(waiting);
            }
        }
        let list = self.device_list(wallet).await?;
        let entry = self.replacing_entry(&list, taker, old)?;
        match (self.repair_words(wallet, taker, &entry).await, asked) {
            // By the server's count the time is not over for sure.
            (Err(fault), Some(waiting)) if fault.reason() == Some(Reason::RecoveryWaits) => Ok(Begun::Waits(waiting)),
            (carried, _) => Ok(Begun::Repaired(Box::new((entry, carried?)))),
        }
    }

    fn replacing_entry(&self, list: &DeviceList, taker: &Taker, old: Option<OldWords<'_>>) -> Result<Change, Fault> {
        let proposal = Proposal::new(list, Act::ReplaceRecovery(taker.words));
        let bytes = proposal.signing_bytes();
        let own = Signer::Device(*self.session.device_key());
        let mut entry = proposal.signed(own, self.session.device().sign_raw(&bytes));
        if let Some(old) = old {
            entry = entry.countersigned(Signer::Recovery, old.sign(&bytes))?;
        }
        match (list.judge(&entry), old) {
            (Ok(_), _) => Ok(entry),
            // Signed for other words, or on a list that has gone on since.
            (Err(_), Some(OldWords::Signed(_))) => Err(RecoveryFault::VoiceStale.into()),
            (Err(fault), _) => Err(Usage::DeviceList(fault).into()),
        }
    }

    async fn repair_words(&mut self, wallet: &mut Wallet, taker: &Taker, entry: &Change) -> Result<Carried, Fault> {
        let checkpoint = self.newest_checkpoint(wallet).await?;
        let mut ceremony = CeremonyId([0; 16]);
        self.random.fill_bytes(&mut ceremony.0);
        let record = &wallet.record;
        let help = Help {
            claim: Claim {
                wallet: record.wallet,
                ceremony,
                kind: KeyKind::Taproot,
                epoch: record.public.epoch(),
                repaired: Party::Recovery,
                identity: taker.words.signing,
                key: taker.key,
                unlock_digest: record.unlock.digest(),
                mandate: replacing(&taker.words),
            },
            party: Party::Device,
            identity: *self.session.device_key(),
            words: None,
            share: &record.share,
            public: &record.public,
            unlock: &record.unlock,
            step: SealStep::RepairRecovery,
        };
        let outcome = self
            .help_with_server(&help, Some(&checkpoint), |opening, unlock| RepairRecovery {
                wallet: record.wallet,
                entry: entry.to_bytes(),
                opening,
                accepted: taker.accepted.0,
                unlock,
                checkpoint,
            })
            .await;
        let (carried, newest) = self.heed_doubt(wallet, outcome).await?;
        self.note_checkpoint(wallet, newest).await?;
        Ok(carried)
    }

    /// Has the server store entry and package in one step, and deals the shares anew.
    async fn install(
        &mut self,
        wallet: &mut Wallet,
        entry: &Change,
        package: &FirstPackage,
    ) -> Result<Replaced, Fault> {
        let checkpoint = self.newest_checkpoint(wallet).await?;
        let request = ReplaceRecovery {
            wallet: wallet.id(),
            entry: entry.to_bytes(),
            package: package.to_bytes(),
            checkpoint,
        };
        let outcome = self.call(&request, Some(&checkpoint), Caution::Stop).await;
        let (_, newest) = self.heed_doubt(wallet, outcome).await?;
        self.note_checkpoint(wallet, newest).await?;
        // Reading the wallet takes its new package over.
        self.device_list(wallet).await?;
        let refreshed = self.refresh(wallet, &mut |_| ()).await;
        // Last: whoever was cut short comes with it again, and is told what is left to do.
        self.forget_old_voice(wallet.id()).await?;
        Ok(Replaced { refreshed })
    }
}

/// The key that new words take a share under, and their word for it.
impl Taker {
    /// Whether the words themselves signed for the key.
    pub(super) fn is_accepted(&self, server: &twofold_threshold::identity::IdentityKey) -> bool {
        let Self { words, key, accepted } = self;
        let (key, accepted): (&SealPublic, &Signature64) = (key, accepted);
        words.signing.verify(ACCEPT, &accepting(server, key), accepted).is_ok()
    }
}
