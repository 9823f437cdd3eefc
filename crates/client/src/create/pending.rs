//! A ceremony that is about to be closed, as the keystore holds it.

use twofold_api::request::Name;
use twofold_intent::ChainName;
use twofold_threshold::create::device;
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::id::WalletId;
use twofold_threshold::secret::Secret32;
use twofold_threshold::words::RecoveryWords;
use zeroize::Zeroizing;

use crate::client::Client;
use crate::fault::Fault;
use crate::home;
use crate::keystore::name;
use crate::keystore::record::{Reader, Writer};
use crate::port::{KeystoreFault, Platform};

const VERSION: u8 = 1;
const PREFIX: &str = "create-";

/// Everything that the device needs to finish, whatever crashes.
pub(super) struct Pending {
    /// The threshold crate's record of it.
    pub(super) ceremony: Zeroizing<Vec<u8>>,
    pub(super) name: Name,
    pub(super) chain: ChainName,
    pub(super) birthday: u32,
    pub(super) entry: Vec<u8>,
    pub(super) sealing: SealSecret,
    /// None where recovery is on another machine: they were never here.
    pub(super) words: Option<RecoveryWords>,
}

impl Pending {
    /// The ceremony, read and checked anew.
    pub(super) fn ceremony(&self) -> Result<device::Pending, KeystoreFault> {
        device::Pending::from_secret_bytes(&self.ceremony).map_err(|_| KeystoreFault::Damaged { name: "create".into() })
    }

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Writer::new(VERSION)
            .var(&self.ceremony)
            .var(self.name.as_str().as_bytes())
            .var(self.chain.to_string().as_bytes())
            .fixed(&self.birthday.to_be_bytes())
            .var(&self.entry)
            .fixed(self.sealing.expose().expose())
            .var(
                self.words
                    .as_ref()
                    .map(RecoveryWords::expose_line)
                    .as_ref()
                    .map_or(&[], |line| line.as_bytes()),
            )
            .finish()
    }

    fn parse(item: &str, bytes: &[u8]) -> Result<Self, KeystoreFault> {
        let mut reader = Reader::new(item, bytes, VERSION)?;
        let damaged = || KeystoreFault::Damaged { name: item.into() };
        let ceremony = Zeroizing::new(reader.var()?.to_vec());
        let name = reader.text()?.parse().map_err(|_| damaged())?;
        let chain = home::chain(reader.text()?).map_err(|_| damaged())?;
        let birthday = u32::from_be_bytes(reader.array()?);
        let entry = reader.var()?.to_vec();
        let sealing = SealSecret::new(Secret32::new(reader.array()?));
        let words = match reader.text()? {
            "" => None,
            line => Some(RecoveryWords::parse(line).map_err(|_| damaged())?),
        };
        reader.finish()?;
        Ok(Self {
            ceremony,
            name,
            chain,
            birthday,
            entry,
            sealing,
            words,
        })
    }
}

impl<P: Platform> Client<P> {
    /// The ceremony that was interrupted, if one was. One that became a wallet meanwhile is only cleared away.
    pub(super) async fn load_pending(&mut self) -> Result<Option<Pending>, Fault> {
        for item in self.keys.names(PREFIX).await? {
            let id = item.as_str().trim_start_matches(PREFIX);
            let finished = self.keys.load(&name(&format!("wallet-{id}"))?).await?.is_some();
            if finished {
                self.keys.remove(&item).await?;
            } else if let Some(bytes) = self.keys.load(&item).await? {
                let pending = Pending::parse(item.as_str(), &bytes)?;
                // One without words waits for `recovery continue`.
                if pending.words.is_some() {
                    return Ok(Some(pending));
                }
            }
        }
        Ok(None)
    }

    /// The interrupted ceremony of a wallet.
    pub(super) async fn pending_of(&self, wallet: WalletId) -> Result<Option<Pending>, Fault> {
        let item = name(&format!("{PREFIX}{wallet}"))?;
        let bytes = self.keys.load(&item).await?;
        Ok(bytes.map(|bytes| Pending::parse(item.as_str(), &bytes)).transpose()?)
    }

    pub(super) async fn save_pending(&mut self, wallet: WalletId, pending: &Pending) -> Result<(), Fault> {
        Ok(self
            .keys
            .save(
                &name(&format!("{PREFIX}{wallet}"))?,
                &pending.to_bytes(),
                &mut self.random,
            )
            .await?)
    }

    pub(super) async fn forget_pending(&mut self, wallet: WalletId) -> Result<(), Fault> {
        Ok(self.keys.remove(&name(&format!("{PREFIX}{wallet}"))?).await?)
    }
}
