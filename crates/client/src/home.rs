//! What this machine is, to whom: its identity and the server it joined.

use twofold_api::invitation::Trust;
use twofold_api::public_url::PublicUrl;
use twofold_intent::ChainName;
use twofold_threshold::identity::{IdentityKey, IdentitySecret};
use twofold_threshold::secret::Secret32;
use zeroize::Zeroizing;

use crate::fault::{Fault, Usage};
use crate::keystore::record::{Reader, Writer};
use crate::keystore::{Unlocked, name};
use crate::port::{BlobName, Keystore, KeystoreFault};

const VERSION: u8 = 1;
const ITEM: &str = "home";

/// The server that this keystore belongs to, as the invitation named it. A transport is made from this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it is.
    pub url: PublicUrl,
    /// What makes its certificate good.
    pub trust: Trust,
    /// Its identity key: the root of all that it signs.
    pub identity: IdentityKey,
}

/// This machine's own record.
pub(crate) struct Home {
    pub(crate) device: IdentitySecret,
    pub(crate) server: Server,
    /// The server has confirmed that it knows this device.
    pub(crate) joined: Option<Joined>,
    /// The server's clock minus ours, as last seen, in seconds.
    pub(crate) offset: i64,
}

/// What the server said when it took this device in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) chain: ChainName,
    /// Unknown where the reply to the first request was lost.
    pub(crate) user: Option<[u8; 16]>,
}

impl core::fmt::Debug for Home {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Home")
            .field("server", &self.server)
            .field("joined", &self.joined)
            .finish_non_exhaustive()
    }
}

fn item() -> Result<BlobName, KeystoreFault> {
    name(ITEM)
}

/// A chain by the name that the API uses.
pub(crate) fn chain(text: &str) -> Result<ChainName, Usage> {
    text.parse().map_err(|_| Usage::UnknownNetwork { network: text.into() })
}

impl Home {
    /// Reads this machine's record; none before the first join.
    pub(crate) async fn load<K: Keystore>(keys: &Unlocked<K>) -> Result<Option<Self>, Fault> {
        let Some(bytes) = keys.load(&item()?).await? else {
            return Ok(None);
        };
        Ok(Some(Self::parse(&bytes)?))
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, KeystoreFault> {
        let mut reader = Reader::new(ITEM, bytes, VERSION)?;
        let device = IdentitySecret::from_seed(&Secret32::new(reader.array()?));
        let url = reader.text()?.parse().map_err(|_| reader.damaged())?;
        let trust = match reader.optional()? {
            None => Trust::WebRoots,
            Some(hash) => Trust::Authority(hash.try_into().map_err(|_| reader.damaged())?),
        };
        let identity = IdentityKey::try_from(reader.var()?).map_err(|_| reader.damaged())?;
        let joined = match reader.optional()? {
            None => None,
            Some(text) => {
                let text = core::str::from_utf8(text).map_err(|_| reader.damaged())?;
                let chain = chain(text).map_err(|_| reader.damaged())?;
                let user = reader
                    .optional()?
                    .map(<[u8; 16]>::try_from)
                    .transpose()
                    .map_err(|_| reader.damaged())?;
                Some(Joined { chain, user })
            }
        };
        let offset = i64::from_be_bytes(reader.array()?);
        reader.finish()?;
        Ok(Self {
            device,
            server: Server { url, trust, identity },
            joined,
            offset,
        })
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let trust = match &self.server.trust {
            Trust::WebRoots => None,
            Trust::Authority(hash) => Some(hash.as_slice()),
        };
        let mut writer = Writer::new(VERSION)
            .fixed(self.device.expose_seed().expose())
            .var(self.server.url.as_str().as_bytes())
            .optional(trust)
            .var(&self.server.identity.to_bytes());
        writer = match &self.joined {
            None => writer.optional(None),
            Some(joined) => writer
                .optional(Some(joined.chain.to_string().as_bytes()))
                .optional(joined.user.as_ref().map(<[u8; 16]>::as_slice)),
        };
        writer.fixed(&self.offset.to_be_bytes()).finish()
    }

    pub(crate) async fn save<K: Keystore>(
        &self,
        keys: &Unlocked<K>,
        random: &mut (impl rand_core::RngCore + rand_core::CryptoRng),
    ) -> Result<(), KeystoreFault> {
        keys.save(&item()?, &self.to_bytes(), random).await
    }
}

/// The server that an unlocked keystore belongs to; none before it joined one.
pub async fn server<K: Keystore>(keys: &Unlocked<K>) -> Result<Option<Server>, Fault> {
    Ok(Home::load(keys).await?.map(|home| home.server))
}
