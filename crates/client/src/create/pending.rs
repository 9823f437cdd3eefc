//! A ceremony that is about to be closed, as the keystore holds it.

use twofold_threshold::create::device;
use twofold_threshold::id::WalletId;
use twofold_threshold::words::RecoveryWords;
use zeroize::Zeroizing;

use super::begun::Begun;
use crate::client::Client;
use crate::fault::Fault;
use crate::keystore::name;
use crate::keystore::record::Reader;
use crate::port::{KeystoreFault, Platform};

const VERSION: u8 = 1;
const PREFIX: &str = "create-";

/// Everything that the device needs to finish, whatever crashes.
pub(super) struct Pending {
    /// The threshold crate's record of it.
    pub(super) ceremony: Zeroizing<Vec<u8>>,
    pub(super) begun: Begun,
    /// None where recovery is on another machine: they were never here.
    pub(super) words: Option<RecoveryWords>,
}

impl Pending {
    /// The ceremony, read and checked anew.
    pub(super) fn ceremony(&self) -> Result<device::Pending, KeystoreFault> {
        device::Pending::from_secret_bytes(&self.ceremony).map_err(|_| KeystoreFault::Damaged { name: "create".into() })
    }

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.begun
            .write(VERSION, &self.ceremony)
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
        let ceremony = Zeroizing::new(reader.var()?.to_vec());
        let begun = Begun::read(&mut reader)?;
        let words = match reader.text()? {
            "" => None,
            line => Some(RecoveryWords::parse(line).map_err(|_| reader.damaged())?),
        };
        reader.finish()?;
        Ok(Self { ceremony, begun, words })
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
