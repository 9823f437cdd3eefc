//! The device list as this machine knows it, and what the server shows of it now.

use twofold_api::reply;
use twofold_api::request::GetWallet;
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::device_list::{DeviceList, ListFault, MAX_ENTRIES, MAX_ENTRY, Succession, succession};
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

const VERSION: u8 = 2;
/// Without the generation of the log.
const OLDEST: u8 = 1;

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
        self.told(wallet).await.map(|(_, list)| list)
    }

    /// The same, with all else that the server tells of the wallet.
    pub(crate) async fn told(&mut self, wallet: &mut Wallet) -> Result<(reply::Wallet, DeviceList), Fault> {
        let request = GetWallet {
            wallet: wallet.id(),
            checkpoint: wallet.checkpoint,
        };
        let outcome = self.call(&request, wallet.checkpoint.as_ref(), Caution::Stop).await;
        let (told, newest) = self.heed_doubt(wallet, outcome).await?;
        self.note_checkpoint(wallet, newest).await?;
        let (known, generation) = self.known_since(wallet).await?;
        let mut breach = match succession(&known, &told.device_list) {
            Succession::Same | Succession::Onward => None,
            Succession::Behind => Some(Breach::ListBehind {
                had: known.len(),
                shows: told.device_list.len(),
            }),
            Succession::Forked(entry) => Some(Breach::ListForked { entry }),
        };
        let forgotten = breach.is_some() && self.lifted_since(wallet, generation).await?;
        if forgotten {
            breach = None;
        }
        if let Some(breach) = breach {
            self.doubt(wallet).await?;
            return Err(breach.into());
        }
        let list = DeviceList::verify(wallet.id(), wallet.record.recovery()?, &told.device_list)
            .map_err(Breach::DeviceList)?;
        if forgotten {
            wallet.record.list.clone_from(&told.device_list);
            self.save_record(&wallet.record).await?;
        }
        let generation = self.generation(wallet.checkpoint.as_ref())?;
        self.keep_list(wallet.id(), &told.device_list, generation).await?;
        self.take_package(wallet, &told).await?;
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
        Ok((told, list))
    }

    /// Takes over what other recovery words have sealed, where they took the old ones' place: the server's chain is verified
    /// whole, so it can hold back a package, and invent none.
    async fn take_package(&mut self, wallet: &mut Wallet, told: &reply::Wallet) -> Result<(), Fault> {
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
        record.list.clone_from(&told.device_list);
        // What was written down were the old ones.
        record.words = None;
        self.save_record(&wallet.record).await
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

    /// Keeps a list that was verified, with the generation that the log was of.
    pub(crate) async fn keep_list(
        &mut self,
        wallet: WalletId,
        entries: &[Vec<u8>],
        generation: u32,
    ) -> Result<(), Fault> {
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let writer = Writer::new(VERSION)
            .fixed(&generation.to_be_bytes())
            .fixed(&count.to_be_bytes());
        let bytes = entries.iter().fold(writer, |writer, entry| writer.var(entry)).finish();
        Ok(self.keys.save(&item(wallet)?, &bytes, &mut self.random).await?)
    }

    /// The list as it was known last: at least what the wallet's record has of it.
    pub(crate) async fn known_list(&self, wallet: &Wallet) -> Result<Vec<Vec<u8>>, Fault> {
        self.known_since(wallet).await.map(|(entries, _)| entries)
    }

    /// The same, with the generation that the log was of.
    async fn known_since(&self, wallet: &Wallet) -> Result<(Vec<Vec<u8>>, u32), Fault> {
        let item = item(wallet.id())?;
        let Some(bytes) = self.keys.load(&item).await? else {
            return Ok((wallet.record.list.clone(), 0));
        };
        let (mut reader, version) = Reader::since(item.as_str(), &bytes, OLDEST, VERSION)?;
        let generation = match version {
            OLDEST => 0,
            _ => u32::from_be_bytes(reader.array()?),
        };
        let count = u32::from_be_bytes(reader.array()?);
        let mut entries = Vec::new();
        for _ in 0..count {
            let entry = reader.var()?;
            if entries.len() >= MAX_ENTRIES || entry.len() > MAX_ENTRY {
                return Err(Breach::DeviceList(ListFault::Length).into());
            }
            entries.push(entry.to_vec());
        }
        reader.finish()?;
        Ok((entries, generation))
    }
}
