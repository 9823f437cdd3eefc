//! Talking to one server: each request signed, each reply's head checked.
//!
//! A request is sent again only as it was, byte for byte, and only while no reply to it was read: the server answers the
//! same bytes, or runs it once. A reply that says the clock is wrong, or that the seal key is old, leads to a *new*
//! request, once.

mod exchange;
mod head;
mod rpc;

pub(crate) use exchange::{Answer, refusal, request_nonce, within};
pub use head::Notice;
pub(crate) use head::{Caution, Notices};
pub(crate) use rpc::{Reply, Rpc};

use twofold_api::public_url::PublicUrl;
use twofold_api::seal_key::SealTo;
use twofold_api::signature::Protocol;
use twofold_threshold::id::DeviceId;
use twofold_threshold::identity::{IdentityKey, IdentitySecret};

use zeroize::Zeroizing;

use crate::fault::Fault;

/// Where the server is, who it is, and who we are to it.
pub(crate) struct Session {
    pub(crate) url: PublicUrl,
    pub(crate) server: IdentityKey,
    device: IdentitySecret,
    public: IdentityKey,
    protocol: Protocol,
    /// The server's clock minus ours, in seconds.
    pub(crate) offset: i64,
    seal_to: Option<SealTo>,
    /// The `Authorization` header that goes with requests that heed a token, and with no other.
    pub(crate) authorization: Option<Zeroizing<String>>,
    pub(crate) notices: Notices,
}

impl core::fmt::Debug for Session {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Session")
            .field("url", &self.url)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// What requests say of who sends them.
const SDK: &str = concat!("twofold-client/", env!("CARGO_PKG_VERSION"));

impl Session {
    pub(crate) fn new(url: PublicUrl, server: IdentityKey, device: IdentitySecret, offset: i64) -> Result<Self, Fault> {
        let protocol = Protocol::current(SDK).map_err(|_| internal())?;
        let public = device.public();
        Ok(Self {
            url,
            server,
            device,
            public,
            protocol,
            offset,
            seal_to: None,
            authorization: None,
            notices: Notices::default(),
        })
    }

    /// This device's name in the protocol.
    pub(crate) fn device_id(&self) -> DeviceId {
        self.public.device_id()
    }

    /// This device's identity key.
    pub(crate) const fn device_key(&self) -> &IdentityKey {
        &self.public
    }

    /// The secret behind it.
    pub(crate) const fn device(&self) -> &IdentitySecret {
        &self.device
    }

    /// The server's clock, as far as we know it.
    pub(crate) fn server_time(&self, now: u64) -> u64 {
        now.saturating_add_signed(self.offset)
    }
}

/// A fault of our own making, which no input leads to.
pub(crate) fn internal() -> Fault {
    Fault::Ceremony(twofold_threshold::FaultKind::Internal.into())
}
