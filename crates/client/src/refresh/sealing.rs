//! This device's one-time sealing key, replaced at the contact at which it has opened what was sealed to it.
//!
//! | reached | what the keystore holds | what the next contact does |
//! |---|---|---|
//! | the key to come is durable, nothing is opened yet | both keys | opens what waits, then signs for the new key |
//! | the list's entry may have taken effect | both keys | reads the list: takes the new key where that names it, else signs |
//! | all is opened, and the list names the new key | the new key alone | nothing |
//!
//! The old key goes when the list names the new one *and* nothing that was sealed to the old one waits: a refresh may have
//! come between the last look and the entry.

use rand_core::RngCore as _;
use twofold_threshold::device_list::{Act, MAX_RESEALED};
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::id::WalletId;
use twofold_threshold::secret::Secret32;

use crate::client::Client;
use crate::fault::Fault;
use crate::keystore::name;
use crate::keystore::record::{Reader, Writer};
use crate::port::{BlobName, KeystoreFault, Platform};
use crate::wallet::Wallet;

const VERSION: u8 = 1;
/// How often the list is read anew because others change it meanwhile; the next contact goes on.
const TRIES: u32 = 3;

fn item(wallet: WalletId) -> Result<BlobName, KeystoreFault> {
    name(&format!("sealing-{wallet}"))
}

impl<P: Platform> Client<P> {
    /// The key that is to replace this device's sealing key, where something sealed to that was opened or is about to be.
    pub(super) async fn next_sealing(&self, wallet: WalletId) -> Result<Option<SealSecret>, Fault> {
        let item = item(wallet)?;
        let Some(bytes) = self.keys.load(&item).await? else {
            return Ok(None);
        };
        let mut reader = Reader::new(item.as_str(), &bytes, VERSION)?;
        let secret = SealSecret::new(Secret32::new(reader.array()?));
        reader.finish()?;
        Ok(Some(secret))
    }

    /// Makes a key to come durable, before anything sealed to the present one is opened.
    pub(crate) async fn draw_sealing(&mut self, wallet: WalletId) -> Result<(), Fault> {
        if self.next_sealing(wallet).await?.is_some() {
            return Ok(());
        }
        let mut secret = [0; 32];
        self.random.fill_bytes(&mut secret);
        let secret = Secret32::new(secret);
        let bytes = Writer::new(VERSION).fixed(secret.expose()).finish();
        Ok(self.keys.save(&item(wallet)?, &bytes, &mut self.random).await?)
    }

    /// Erases a key to come that is of no use: a refresh of this device's own has brought another.
    pub(super) async fn forget_sealing(&mut self, wallet: WalletId) -> Result<(), Fault> {
        if self.next_sealing(wallet).await?.is_some() {
            self.keys.remove(&item(wallet)?).await?;
        }
        Ok(())
    }

    /// Replaces the sealing key where one is to come. What the server refuses is tried again at the next contact: the
    /// envelopes are opened all the same.
    pub(crate) async fn replace_sealing(&mut self, wallet: &mut Wallet) -> Result<(), Fault> {
        match Box::pin(self.reseal(wallet)).await {
            Err(Fault::Refused(_)) => Ok(()),
            other => other,
        }
    }

    async fn reseal(&mut self, wallet: &mut Wallet) -> Result<(), Fault> {
        let id = wallet.id();
        let device = self.session.device_id();
        for _ in 0..TRIES {
            let Some(next) = self.next_sealing(id).await? else {
                return Ok(());
            };
            let (told, known) = self.told(wallet).await?;
            let list = known.list(&wallet.record)?;
            if told.line.epoch != wallet.epoch().number {
                self.catch_up(wallet).await?;
                continue;
            }
            let listed = list.device(device).map(|device| *device.sealing());
            if listed == Some(next.public()) {
                wallet.record.sealing = next;
                wallet.record.list = known;
                self.save_record(&wallet.record).await?;
                return Ok(self.keys.remove(&item(id)?).await?);
            }
            let full = usize::try_from(list.len()).unwrap_or(usize::MAX) >= MAX_RESEALED;
            // Where the list names neither, another copy of this keystore has taken a key of its own.
            if full || listed != Some(wallet.record.sealing.public()) {
                return Ok(self.keys.remove(&item(id)?).await?);
            }
            let sealing = next.public();
            self.change_devices(wallet, Act::Reseal { device, sealing }, None)
                .await?;
        }
        Ok(())
    }
}
