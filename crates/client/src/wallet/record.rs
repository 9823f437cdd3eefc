//! What the keystore holds of a wallet: the device's share, and what belongs to it.

use rand_core::{CryptoRng, RngCore};
use twofold_intent::ChainName;
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::id::{Party, WalletId};
use twofold_threshold::identity::Signature64;
use twofold_threshold::refresh::Link;
use twofold_threshold::secret::{Secret32, UnlockKey};
use twofold_threshold::share::{PublicShares, Share};
use twofold_threshold::words::RecoveryWords;
use zeroize::Zeroizing;

use crate::devices::KnownList;
use crate::home;
use crate::keystore::record::{Reader, Writer};
use crate::port::KeystoreFault;

/// The first version knew no refreshes.
const OLDEST: u8 = 1;
/// The second kept neither what the list came to nor a checkpoint.
const UNVERIFIED: u8 = 2;
const VERSION: u8 = 3;
/// More of anything in a list would be no record of ours.
const MOST: u32 = 4_096;

/// How far the making of a wallet has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The key is made and tested; the server has not seen the test signature yet.
    Tested,
    /// In use.
    Active,
}

/// A wallet's secrets and what is needed beside them.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) wallet: WalletId,
    pub(crate) name: String,
    pub(crate) chain: ChainName,
    pub(crate) birthday: u32,
    pub(crate) standing: Standing,
    pub(crate) share: Share,
    pub(crate) public: PublicShares,
    pub(crate) unlock: UnlockKey,
    pub(crate) test_signature: Signature64,
    /// The device list, and the secret half of the sealing key that it names for this device.
    pub(crate) list: KnownList,
    pub(crate) sealing: SealSecret,
    /// The transcript that all three signed.
    pub(crate) transcript: Vec<u8>,
    /// What recovery sealed itself: only the words open it.
    pub(crate) package: Vec<u8>,
    /// What recovery needs of each refresh since; the last one whole, if this device ran it.
    pub(crate) links: Vec<Vec<u8>>,
    /// The server's share as the operator's offline key opens it, for a server restored from before the last refresh; empty
    /// where there is no such key.
    pub(crate) kept: Vec<u8>,
    /// The recovery words, until the person confirms that they are written down.
    pub(crate) words: Option<RecoveryWords>,
    /// What the server confirmed of that which was written here with it. It lies here so that both are one write.
    pub(crate) checkpoint: Option<Checkpoint>,
}

impl Record {
    /// Adds a refresh. The last one is kept as it came; of those before it only what recovery needs.
    pub(crate) fn add_link(&mut self, link: &Link) {
        if let Some(last) = self.links.last_mut()
            && let Ok(before) = Link::try_from(last.as_slice())
        {
            *last = before.for_recovery().to_bytes();
        }
        self.links.push(link.to_bytes());
    }

    pub(crate) fn seal(&self, key: &Secret32, random: &mut (impl RngCore + CryptoRng)) -> Zeroizing<Vec<u8>> {
        let standing = match self.standing {
            Standing::Tested => 0,
            Standing::Active => 1,
        };
        let words = self.words.as_ref().map(RecoveryWords::expose_line);
        let checkpoint = self.checkpoint.as_ref().map(Checkpoint::to_bytes);
        let writer = Writer::new(VERSION)
            .fixed(&self.wallet.0)
            .var(self.name.as_bytes())
            .var(self.chain.to_string().as_bytes())
            .fixed(&self.birthday.to_be_bytes())
            .fixed(&[standing])
            .var(&self.public.to_bytes())
            .var(&self.share.seal(key, &self.public, random))
            .fixed(self.unlock.expose().expose())
            .fixed(&self.test_signature.0)
            .fixed(self.sealing.expose().expose())
            .var(&self.transcript)
            .var(&self.package)
            .optional(words.as_ref().map(|line| line.as_bytes()))
            .all(&self.links)
            .var(&self.kept)
            .optional(checkpoint.as_deref());
        self.list.write(writer).finish()
    }

    pub(crate) fn open(item: &str, bytes: &[u8], key: &Secret32) -> Result<Self, KeystoreFault> {
        let (mut reader, version) = Reader::since(item, bytes, OLDEST, VERSION)?;
        let damaged = || KeystoreFault::Damaged { name: item.into() };
        let wallet = WalletId(reader.array()?);
        let name = reader.text()?.to_owned();
        let chain = home::chain(reader.text()?).map_err(|_| damaged())?;
        let birthday = u32::from_be_bytes(reader.array()?);
        let standing = match reader.array()? {
            [0] => Standing::Tested,
            [1] => Standing::Active,
            [_] => return Err(damaged()),
        };
        let public = PublicShares::try_from(reader.var()?).map_err(|_| damaged())?;
        let share = Share::open(key, wallet, Party::Device, &public, reader.var()?).map_err(|_| damaged())?;
        let unlock = UnlockKey::new(Secret32::new(reader.array()?));
        let test_signature = Signature64(reader.array()?);
        let mut entries = Vec::new();
        if version <= UNVERIFIED {
            entries.push(reader.var()?.to_vec());
        }
        let sealing = SealSecret::new(Secret32::new(reader.array()?));
        let (transcript, package) = (reader.var()?.to_vec(), reader.var()?.to_vec());
        let words = match reader.optional()? {
            None => None,
            Some(line) => {
                let line = core::str::from_utf8(line).map_err(|_| damaged())?;
                Some(RecoveryWords::parse(line).map_err(|_| damaged())?)
            }
        };
        let (mut links, mut kept, mut checkpoint) = (Vec::new(), Vec::new(), None);
        if version == UNVERIFIED {
            entries.extend(reader.all(MOST)?);
        }
        if version > OLDEST {
            links = reader.all(MOST)?;
            kept = reader.var()?.to_vec();
        }
        let mut list = KnownList::unverified(entries, 0);
        if version > UNVERIFIED {
            let bytes = reader.optional()?;
            checkpoint = bytes.map(Checkpoint::try_from).transpose().map_err(|_| damaged())?;
            list = KnownList::read(&mut reader)?;
        }
        reader.finish()?;
        Ok(Self {
            wallet,
            name,
            chain,
            birthday,
            standing,
            share,
            public,
            unlock,
            test_signature,
            list,
            sealing,
            transcript,
            package,
            links,
            kept,
            words,
            checkpoint,
        })
    }
}
