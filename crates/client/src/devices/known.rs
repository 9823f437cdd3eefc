//! The device list as this machine knows it, and what the server shows of it now.

mod list;

pub(crate) use list::KnownList;

use twofold_api::reply;
use twofold_api::request::GetWallet;
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::device_list::{Change, DeviceList, Succession, succession};
use twofold_threshold::id::WalletId;
use twofold_threshold::identity::IdentityKey;
use twofold_threshold::package::{Chain, FirstPackage};
use twofold_threshold::refresh::Link;
use twofold_threshold::transcript::SignedTranscript;

use crate::client::Client;
use crate::fault::{Breach, Fault};
use crate::keystore::name;
use crate::keystore::record::{Reader, Writer};
use crate::port::{BlobName, KeystoreFault, Platform};
use crate::session::Caution;
use crate::wallet::{Record, Wallet};

const VERSION: u8 = 3;
/// Without the generation of the log.
const OLDEST: u8 = 1;
/// Without what the list came to.
const UNVERIFIED: u8 = 2;

fn item(wallet: WalletId) -> Result<BlobName, KeystoreFault> {
    name(&format!("devices-{wallet}"))
}

impl Record {
    /// The identity that recovery signed the wallet's first transcript with.
    pub(crate) fn recovery(&self) -> Result<IdentityKey, Fault> {
        let transcript = SignedTranscript::try_from(self.transcript.as_slice())?;
        Ok(transcript.transcript().recovery().signing)
    }
}

impl<P: Platform> Client<P> {
    /// The wallet's device list, read, verified, and held against the one that this machine knew. One that does not go on
    /// from it stops everything: two devices were shown two lists, or the server has forgotten.
    pub(crate) async fn device_list(&mut self, wallet: &mut Wallet) -> Result<DeviceList, Fault> {
        let (_, known) = self.told(wallet).await?;
        known.list(&wallet.record)
    }

    /// The list as this machine knows it, nobody asked.
    pub(crate) async fn known_devices(&self, wallet: &Wallet) -> Result<DeviceList, Fault> {
        self.known_list(wallet).await?.list(&wallet.record)
    }

    /// The list has grown by an entry that the server has taken. It is written down before the checkpoint that the server
    /// signed for it, and both before anybody is told that it is done: should the server be restored from an older backup, this
    /// machine is the one that brings the entry back, and a checkpoint alone brings nothing.
    pub(super) async fn keep_entry(
        &mut self,
        wallet: &mut Wallet,
        entry: &Change,
        newest: Option<Checkpoint>,
    ) -> Result<(), Fault> {
        let known = self.known_list(wallet).await?;
        if known.list(&wallet.record)?.head() == entry.parent() {
            let mut entries = known.entries().to_vec();
            entries.push(entry.to_bytes());
            let generation = self.generation(newest.as_ref().or(wallet.checkpoint.as_ref()))?;
            let list = known.onward(&wallet.record, entries, generation)?;
            self.keep_list(wallet.id(), &list).await?;
        }
        self.note_checkpoint(wallet, newest).await
    }

    /// The list as the server tells it, with all else that it tells of the wallet.
    pub(crate) async fn told(&mut self, wallet: &mut Wallet) -> Result<(reply::Wallet, KnownList), Fault> {
        let request = GetWallet {
            wallet: wallet.id(),
            checkpoint: wallet.checkpoint,
        };
        let outcome = self.call(&request, wallet.checkpoint.as_ref(), Caution::Stop).await;
        let (told, newest) = self.heed_doubt(wallet, outcome).await?;
        self.note_checkpoint(wallet, newest).await?;
        let known = self.known_list(wallet).await?;
        let mut breach = match succession(known.entries(), &told.device_list) {
            Succession::Same | Succession::Onward => None,
            Succession::Behind => Some(Breach::ListBehind {
                had: known.entries().len(),
                shows: told.device_list.len(),
            }),
            Succession::Forked(entry) => Some(Breach::ListForked { entry }),
        };
        let forgotten = breach.is_some() && self.lifted_since(wallet, known.generation()).await?;
        if forgotten {
            breach = None;
        }
        if let Some(breach) = breach {
            self.doubt(wallet).await?;
            return Err(breach.into());
        }
        let generation = self.generation(wallet.checkpoint.as_ref())?;
        let now = if forgotten {
            let recovery = wallet.record.recovery()?;
            KnownList::verify(wallet.id(), recovery, told.device_list.clone(), generation)?
        } else {
            known.onward(&wallet.record, told.device_list.clone(), generation)?
        };
        if forgotten {
            wallet.record.list.clone_from(&now);
            self.save_record(&wallet.record).await?;
        }
        // Before a list that is ahead of it: what is dealt by a list that names new words is sealed to those.
        self.take_package(wallet, &told, &now).await?;
        if !forgotten && now != known {
            self.keep_list(wallet.id(), &now).await?;
        }
        let list = now.list(&wallet.record)?;
        // A list that was signed for and then hidden would not be the one that the checkpoint names.
        if let Some(newest) = newest
            && newest
                .verify(&self.session.server)
                .map_err(|_| Breach::Checkpoint)?
                .list
                != *list.head()
        {
            self.doubt(wallet).await?;
            return Err(Breach::ListForked { entry: list.len() }.into());
        }
        Ok((told, now))
    }

    /// Takes over what other recovery words have sealed, where they took the old ones' place: the server's chain is verified
    /// whole, so it can hold back a package, and invent none.
    async fn take_package(&mut self, wallet: &mut Wallet, told: &reply::Wallet, now: &KnownList) -> Result<(), Fault> {
        let record = &mut wallet.record;
        let [package, _, links @ ..] = told.package.as_slice() else {
            return Ok(());
        };
        if *package == record.package {
            return Ok(());
        }
        let links = links.iter().map(|link| Link::try_from(link.as_slice()));
        let chain = Chain::new(
            record.epochs()?.created().clone(),
            FirstPackage::try_from(package.as_slice())?,
            told.device_list.clone(),
            links.collect::<Result<_, _>>()?,
        );
        chain.public()?;
        record.package.clone_from(package);
        record.list = now.clone();
        // What was written down were the old ones.
        record.words = None;
        self.save_whole(wallet).await
    }

    /// Keeps the record where its package is of one of its own epochs. What new words have sealed may be of one that this
    /// machine has yet to come to: until then the package that it has is the one that recovery opens with this share.
    pub(crate) async fn save_whole(&mut self, wallet: &Wallet) -> Result<(), Fault> {
        match wallet.record.epochs()?.public() {
            Ok(_) => self.save_record(&wallet.record).await,
            Err(_) => Ok(()),
        }
    }

    /// Whether a fence was lifted since the log was of a generation: then entries of the list may be forgotten as the log's
    /// are. It must stand in the log, read on from what was proved and held against all that the server has confirmed.
    async fn lifted_since(&mut self, wallet: &mut Wallet, generation: u32) -> Result<bool, Fault> {
        self.stand_on_proof(wallet).await?;
        Ok(self.generation(wallet.proved.as_ref())? > generation)
    }

    /// The log's generation by a checkpoint; the first where there is none.
    pub(crate) fn generation(&self, checkpoint: Option<&Checkpoint>) -> Result<u32, Fault> {
        let Some(checkpoint) = checkpoint else { return Ok(0) };
        let head = checkpoint.verify(&self.session.server);
        Ok(head.map_err(|_| Breach::Checkpoint)?.generation)
    }

    /// Keeps a list that was verified.
    pub(crate) async fn keep_list(&mut self, wallet: WalletId, list: &KnownList) -> Result<(), Fault> {
        let bytes = list.write(Writer::new(VERSION)).finish();
        Ok(self.keys.save(&item(wallet)?, &bytes, &mut self.random).await?)
    }

    /// The list as it was known last. The wallet's record is newer where a refresh of this machine's own has just ended.
    pub(crate) async fn known_list(&self, wallet: &Wallet) -> Result<KnownList, Fault> {
        let kept = &wallet.record.list;
        let item = item(wallet.id())?;
        let Some(bytes) = self.keys.load(&item).await? else {
            return Ok(kept.clone());
        };
        let (mut reader, version) = Reader::since(item.as_str(), &bytes, OLDEST, VERSION)?;
        let list = match version {
            OLDEST => KnownList::read_entries(&mut reader, 0)?,
            UNVERIFIED => {
                let generation = u32::from_be_bytes(reader.array()?);
                KnownList::read_entries(&mut reader, generation)?
            }
            _ => KnownList::read(&mut reader)?,
        };
        reader.finish()?;
        Ok(if list.is_before(kept) { kept.clone() } else { list })
    }
}
