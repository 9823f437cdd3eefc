//! A device: an identity that signs requests.

use std::{io::Write as _, sync::Arc};

use anyhow::{Result, bail};
use rand_core::{OsRng, RngCore as _};
use twofold_api::{
    limits::LIFETIME_SECONDS,
    procedure::Request,
    reply,
    request::{Hello, Join},
    seal_key::{Offer, SealTo},
    signature::{Draft, Protocol, Unsigned, Window},
};
use twofold_threshold::{
    id::{DeviceId, RequestDigest},
    identity::{IdentityKey, IdentitySecret},
};
use twofold_wire::client::{CONTENT_TYPE, Call, decode, decode_error, encode};

use crate::{connection::Connection, machine, server::Site};

/// A device.
pub(crate) struct Device {
    site: Arc<Site>,
    identity: IdentitySecret,
    key: IdentityKey,
    protocol: Protocol,
}

/// A signed request as it goes over the wire.
#[derive(Debug)]
pub(crate) struct Message {
    /// Head and body.
    pub(crate) bytes: Vec<u8>,
    /// What names the request.
    pub(crate) digest: RequestDigest,
}

/// Fresh random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

impl Device {
    /// Draws an identity.
    pub(crate) fn new(site: &Arc<Site>) -> Result<Self> {
        let identity = IdentitySecret::generate(&mut OsRng);
        Ok(Self {
            site: Arc::clone(site),
            key: identity.public(),
            identity,
            protocol: Protocol::current("twofold-bench/0.1.0")?,
        })
    }

    /// Draws an identity, and claims to be another's.
    pub(crate) fn claiming(site: &Arc<Site>, key: IdentityKey) -> Result<Self> {
        let forger = Self::new(site)?;
        Ok(Self { key, ..forger })
    }

    /// Draws an identity and joins with an invitation's code.
    pub(crate) fn join(site: &Arc<Site>, line: &mut Connection, code: [u8; 16]) -> Result<Self> {
        let device = Self::new(site)?;
        let device_name = "bench".parse()?;
        device.call(
            line,
            &Join {
                code: Some(code),
                device_name,
            },
        )?;
        Ok(device)
    }

    /// Its name.
    pub(crate) fn id(&self) -> DeviceId {
        self.key.device_id()
    }

    /// Its public key.
    pub(crate) const fn key(&self) -> IdentityKey {
        self.key
    }

    /// Its secret.
    pub(crate) const fn identity(&self) -> &IdentitySecret {
        &self.identity
    }

    /// The server that it joined.
    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    /// Encodes and signs a request.
    pub(crate) fn message<R: Call>(&self, request: &R, nonce: [u8; 16]) -> Result<Message> {
        let (path, body) = encode(request);
        let created = machine::unix_seconds();
        let unsigned = Unsigned::new(&Draft {
            method: "POST",
            target_uri: &self.site.url.target(path),
            content_type: CONTENT_TYPE,
            body: &body,
            wallet: request.wallet(),
            protocol: &self.protocol,
            key: &self.key,
            window: Window {
                created,
                expires: created + LIFETIME_SECONDS,
            },
            nonce,
        })?;
        let digest = unsigned.digest();
        let signature = self.identity.sign_raw(unsigned.base());
        let mut bytes = Vec::with_capacity(body.len() + 1024);
        let authority = self.site.url.authority();
        let length = body.len();
        write!(
            bytes,
            "POST {path} HTTP/1.1\r\nhost: {authority}\r\ncontent-length: {length}\r\n"
        )?;
        for (name, value) in unsigned.attach(&signature.0).iter() {
            write!(bytes, "{name}: {value}\r\n")?;
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&body);
        Ok(Message { bytes, digest })
    }

    /// Asks the server.
    pub(crate) fn call<R: Call>(&self, line: &mut Connection, request: &R) -> Result<<R as Request>::Reply> {
        let message = self.message(request, random())?;
        self.send::<R>(line, &message)
    }

    /// Sends a message and reads the reply.
    #[expect(clippy::unused_self, reason = "a device sends its own messages")]
    pub(crate) fn send<R: Call>(&self, line: &mut Connection, message: &Message) -> Result<<R as Request>::Reply> {
        let answer = line.exchange(&message.bytes)?;
        if answer.status == 200 {
            return Ok(decode::<R>(&answer.body)?);
        }
        let refusal = decode_error(answer.status, &answer.body)?;
        bail!("{} was refused: {refusal}", R::NAME)
    }

    /// The server's current sealing key, asked for.
    pub(crate) fn seal_key(&self, line: &mut Connection) -> Result<SealTo> {
        let greeting = self.call(line, &Hello)?;
        self.read_seal_key(&greeting.head)
    }

    fn read_seal_key(&self, head: &reply::Head) -> Result<SealTo> {
        Ok(Offer::parse(&head.seal_key)?.verify(&self.site.identity)?)
    }
}
