//! What a new machine keeps while the words on another machine are asked.

use twofold_threshold::device_list::{Device, DeviceList, Origin};
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::id::{CeremonyId, DeviceId, WalletId};
use twofold_threshold::secret::Secret32;

use crate::client::Client;
use crate::fault::{Fault, Usage};
use crate::keystore::name;
use crate::keystore::record::{Reader, Writer};
use crate::port::{BlobName, KeystoreFault, Platform};

const VERSION: u8 = 1;
/// Most devices that one names to be kept.
const KEPT: u32 = 64;

/// What this machine keeps while the words are asked.
pub(super) struct Errand {
    pub(super) id: CeremonyId,
    /// The answers are sealed to this.
    pub(super) key: SealSecret,
    /// The share is sealed to this.
    pub(super) share: SealSecret,
    pub(super) granted: Option<Granted>,
    /// Devices that are not lost, by the beginning of their ids.
    pub(super) keep: Vec<Vec<u8>>,
}

/// What the words have answered first.
#[derive(Clone)]
pub(super) struct Granted {
    pub(super) read: [u8; 64],
    pub(super) wish: Vec<u8>,
}

fn item(wallet: WalletId) -> Result<BlobName, KeystoreFault> {
    name(&format!("errand-{wallet}"))
}

impl<P: Platform> Client<P> {
    pub(super) async fn load_errand(&self, wallet: WalletId) -> Result<Option<Errand>, Fault> {
        let item = item(wallet)?;
        let Some(bytes) = self.keys.load(&item).await? else {
            return Ok(None);
        };
        Ok(Some(Errand::parse(item.as_str(), &bytes)?))
    }

    pub(super) async fn save_errand(&mut self, wallet: WalletId, errand: &Errand) -> Result<(), Fault> {
        let bytes = errand.to_bytes();
        Ok(self.keys.save(&item(wallet)?, &bytes, &mut self.random).await?)
    }

    /// All is settled: nobody answers this errand any more.
    pub(super) async fn forget_errand(&mut self, wallet: WalletId) -> Result<(), Fault> {
        Ok(self.keys.remove(&item(wallet)?).await?)
    }
}

impl Errand {
    /// A new one, with keys of its own.
    pub(super) fn begin(random: &mut (impl rand_core::RngCore + rand_core::CryptoRng)) -> Self {
        let mut id = CeremonyId([0; 16]);
        random.fill_bytes(&mut id.0);
        Self {
            id,
            key: SealSecret::generate(random),
            share: SealSecret::generate(random),
            granted: None,
            keep: Vec::new(),
        }
    }

    /// The devices that are to be struck off, one for all that go with it.
    pub(super) fn lost(&self, list: &DeviceList, me: DeviceId) -> Result<Vec<DeviceId>, Fault> {
        let mut kept = Vec::new();
        for beginning in &self.keep {
            let asked = String::from_utf8_lossy(beginning);
            let fits = |device: &&Device| asked.len() >= 6 && device.id().to_string().starts_with(&*asked);
            let mut fitting = list.devices().iter().filter(fits);
            match (fitting.next(), fitting.next()) {
                (Some(device), None) => kept.push(device.id()),
                (None, _) => return Err(Usage::NoSuchDevice { asked: asked.into() }.into()),
                (Some(_), Some(_)) => return Err(Usage::WhichDevice { asked: asked.into() }.into()),
            }
        }
        let goes = |id: DeviceId| id != me && !kept.contains(&id) && list.device(id).is_some();
        let gone = list.devices().iter().filter(|device| goes(device.id()));
        // Striking one off takes along whom it alone enrolled.
        let with_another =
            |device: &Device| matches!(device.origin(), Origin::Alone(by) if goes(by)) && !device.is_confirmed();
        Ok(gone.filter(|device| !with_another(device)).map(Device::id).collect())
    }

    fn to_bytes(&self) -> zeroize::Zeroizing<Vec<u8>> {
        let granted = self.granted.as_ref();
        let granted = granted.map(|granted| [granted.read.as_slice(), &granted.wish].concat());
        Writer::new(VERSION)
            .fixed(&self.id.0)
            .fixed(self.key.expose().expose())
            .fixed(self.share.expose().expose())
            .optional(granted.as_deref())
            .all(&self.keep)
            .finish()
    }

    fn parse(item: &str, bytes: &[u8]) -> Result<Self, KeystoreFault> {
        let mut reader = Reader::new(item, bytes, VERSION)?;
        let id = CeremonyId(reader.array()?);
        let mut secret = || Ok::<_, KeystoreFault>(SealSecret::new(Secret32::new(reader.array()?)));
        let (key, share) = (secret()?, secret()?);
        let granted = match reader.optional()? {
            Some(granted) => {
                let (read, wish) = granted.split_first_chunk().ok_or_else(|| reader.damaged())?;
                Some(Granted {
                    read: *read,
                    wish: wish.to_vec(),
                })
            }
            None => None,
        };
        let keep = reader.all(KEPT)?;
        reader.finish()?;
        Ok(Self {
            id,
            key,
            share,
            granted,
            keep,
        })
    }
}
