//! The old words speak for new ones, here or on another machine.

use rand_core::RngCore as _;
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::id::{CeremonyId, WalletId};
use twofold_threshold::identity::Signature64;
use twofold_threshold::secret::Secret32;
use twofold_threshold::words::{RecoveryIdentity, RecoverySecret};

use super::RecoveryFault;
use super::voice::{Answer, Ask, Sealed, Told, Want};
use crate::client::Client;
use crate::fault::Fault;
use crate::keystore::name;
use crate::keystore::record::{Reader, Writer};
use crate::port::{BlobName, KeystoreFault, Platform};
use crate::wallet::Wallet;

const VERSION: u8 = 1;

/// The old words' voice.
#[derive(Debug, Clone, Copy)]
pub enum OldWords<'a> {
    /// They are here.
    Here(&'a RecoverySecret),
    /// They have signed on another machine ([`Client::old_voice`]).
    Signed(Signature64),
}

impl OldWords<'_> {
    /// Their signature over the entry that names the new ones.
    pub(super) fn sign(&self, bytes: &[u8]) -> Signature64 {
        match self {
            Self::Here(words) => words.identity().sign_raw(bytes),
            Self::Signed(signature) => *signature,
        }
    }
}

fn item(wallet: WalletId) -> Result<BlobName, KeystoreFault> {
    name(&format!("voice-{wallet}"))
}

impl<P: Platform> Client<P> {
    /// A request for the old words, on the machine where they are: that they speak for these.
    pub async fn ask_old_words(&mut self, wallet: &mut Wallet, words: RecoveryIdentity) -> Result<String, Fault> {
        self.stand_undoubted(wallet).await?;
        self.keep_up(wallet).await?;
        self.device_list(wallet).await?;
        if wallet.record.epochs()?.recovery()? == words {
            return Err(RecoveryFault::SameWords.into());
        }
        let item = item(wallet.id())?;
        let (errand, key) = if let Some(bytes) = self.keys.load(&item).await? {
            parse(&item, &bytes)?
        } else {
            let mut errand = CeremonyId([0; 16]);
            self.random.fill_bytes(&mut errand.0);
            let key = SealSecret::generate(&mut self.random);
            let bytes = Writer::new(VERSION)
                .fixed(&errand.0)
                .fixed(key.expose().expose())
                .finish();
            self.keys.save(&item, &bytes, &mut self.random).await?;
            (errand, key)
        };
        let record = &wallet.record;
        let ask = Ask {
            errand,
            wallet: record.wallet,
            server: self.session.server,
            device: *self.session.device_key(),
            key: key.public(),
            want: Want::Words {
                shown: Box::new(Told {
                    name: record.name.clone(),
                    chain: record.chain,
                    epochs: record.epochs()?,
                }),
                words,
            },
        };
        Ok(ask.write(|domain, bytes| self.session.device().sign(domain, bytes))?)
    }

    /// Reads the old words' answer. Whether it is about the new words that are at hand, and the list as it stands, is seen
    /// when they take the old ones' place.
    pub async fn old_voice(&self, wallet: &Wallet, answer: &str) -> Result<OldWords<'static>, Fault> {
        let sealed = Sealed::read(answer)?;
        let item = item(wallet.id())?;
        let bytes = self.keys.load(&item).await?.ok_or(RecoveryFault::NotAsked)?;
        let (errand, key) = parse(&item, &bytes)?;
        if sealed.wallet != wallet.id() {
            return Err(RecoveryFault::NotAsked.into());
        }
        match sealed.open(errand, &key)? {
            Answer::Words(signature) => Ok(OldWords::Signed(signature)),
            _ => Err(RecoveryFault::NotAsked.into()),
        }
    }

    /// New words took the old ones' place: these speak for nothing any more.
    pub(super) async fn forget_old_voice(&mut self, wallet: WalletId) -> Result<(), Fault> {
        Ok(self.keys.remove(&item(wallet)?).await?)
    }
}

fn parse(item: &BlobName, bytes: &[u8]) -> Result<(CeremonyId, SealSecret), KeystoreFault> {
    let mut reader = Reader::new(item.as_str(), bytes, VERSION)?;
    let errand = CeremonyId(reader.array()?);
    let key = SealSecret::new(Secret32::new(reader.array()?));
    reader.finish()?;
    Ok((errand, key))
}
