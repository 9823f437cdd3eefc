//! A server in this process, and devices that sign and send.

use std::{net::Ipv4Addr, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tempfile::TempDir;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};
use twofold_api::{
    Refusal,
    procedure::Kind,
    request,
    signature::{Draft, Protocol, Unsigned, Window},
};
use twofold_cosigner::{
    port::{
        Clock,
        record::{self, UserId},
    },
    testing::{MemoryChain, SetClock},
};
use twofold_server::{config::Config, development, links::ChainLinks, serve};
use twofold_threshold::{
    id::WalletId,
    identity::{IdentityKey, IdentitySecret},
    rand_core::{OsRng, RngCore as _},
};
use twofold_wire::{
    METHODS,
    client::{self, CONTENT_TYPE, Call},
    error, stream,
};

/// When the tests begin, in seconds since 1970.
pub(crate) const START: u64 = 1_790_000_000;

/// A server and the folder it lives in.
pub(crate) struct House<K: Clock = SetClock> {
    pub(crate) running: serve::Running<MemoryChain, K>,
    pub(crate) folder: TempDir,
}

impl House {
    /// A server whose clock shows [`START`], with no rate in the way.
    pub(crate) async fn open(clock: &SetClock) -> Self {
        Self::open_in(tempfile::tempdir().unwrap(), clock.clone(), |_| ()).await
    }

    /// The same server again, in its folder and on its port.
    pub(crate) async fn reopen(self, clock: &SetClock) -> Self {
        let port = self.running.address().port();
        let folder = self.close().await;
        Self::open_on(folder, port, clock.clone(), |_| ()).await
    }
}

impl<K: Clock + Clone> House<K> {
    pub(crate) async fn open_in(folder: TempDir, clock: K, tweak: impl FnOnce(&mut Config)) -> Self {
        Self::open_on(folder, 0, clock, tweak).await
    }

    pub(crate) async fn open_on(folder: TempDir, port: u16, clock: K, tweak: impl FnOnce(&mut Config)) -> Self {
        let listener = serve::bind(([127, 0, 0, 1], port).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = development::prepare(folder.path(), clock.now(), address, None).unwrap();
        config.limits.address_per_second = 1_000_000;
        config.limits.address_burst = 1_000_000;
        config.limits.device_burst = 100_000;
        config.limits.wallet_burst = 100_000;
        tweak(&mut config);
        let starting = serve::start(
            &config,
            listener,
            MemoryChain::new(),
            ChainLinks::default(),
            clock,
            None,
        );
        let running = Box::pin(starting).await.unwrap();
        Self { running, folder }
    }

    /// Stops the server; its folder stays.
    pub(crate) async fn close(self) -> TempDir {
        self.running.stopper().stop();
        self.running.stopped().await.unwrap();
        self.folder
    }

    pub(crate) async fn connect(&self) -> Connection {
        connect(self.running.address(), &authority(self.folder.path()))
            .await
            .unwrap()
    }

    /// The same from another address of this machine.
    pub(crate) async fn connect_from(&self, address: Ipv4Addr) -> std::io::Result<Connection> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((address, 0).into())?;
        let stream = socket.connect(self.running.address()).await?;
        speak(stream, &authority(self.folder.path())).await
    }

    /// Sends on a connection of its own.
    pub(crate) async fn send(&self, signed: &Signed) -> Answer {
        self.connect().await.send(signed).await.unwrap()
    }

    /// A device of a new user.
    pub(crate) async fn enrolled(&self, now: u64) -> Device {
        let device = Device::new();
        let joined = self.send(&device.sign(self, &self.join().await, now)).await;
        assert_eq!(joined.status, StatusCode::OK, "{joined:?}");
        device
    }

    /// A request to join, with an invitation of its own.
    pub(crate) async fn join(&self) -> request::Join {
        let invitation = self.running.invite(3600).await.unwrap();
        request::Join {
            code: Some(invitation.code),
            device_name: "laptop".parse().unwrap(),
        }
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn ready(&self) {
        for _ in 0..600 {
            if self.running.ready() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server never became ready");
    }
}

/// A key that signs requests.
pub(crate) struct Device(IdentitySecret);

/// A request, signed: it may be altered, and sent any number of times.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Device {
    pub(crate) fn new() -> Self {
        Self(IdentitySecret::generate(&mut OsRng))
    }

    /// How the store has it.
    pub(crate) fn row(&self, user: UserId) -> record::Device {
        let key = self.0.public();
        record::Device {
            id: key.device_id(),
            identity: key.to_bytes(),
            user,
            name: "laptop".into(),
            enrolled: START,
        }
    }

    /// Its public key, as a configuration spells it.
    pub(crate) fn spelled(&self) -> String {
        // One byte says which kind of key it is.
        format!("ed25519:{}", hex::encode(&self.0.public().to_bytes()[1..]))
    }

    /// A request of any kind that brings the token of a sign-in.
    pub(crate) fn sign_with_token<R: Call, K: Clock>(
        &self,
        house: &House<K>,
        request: &R,
        token: &str,
        now: u64,
    ) -> Signed {
        let (path, body) = client::encode(request);
        let authorization = format!("Bearer {token}");
        let wallet = request.wallet();
        self.sign_whole(house, path, CONTENT_TYPE, body, wallet, now, Some(&authorization))
    }

    /// Signs a request made at `now`.
    pub(crate) fn sign<R: Call, K: Clock>(&self, house: &House<K>, request: &R, now: u64) -> Signed {
        let (path, body) = client::encode(request);
        self.sign_bytes(house, path, body, request.wallet(), now)
    }

    pub(crate) fn sign_bytes<K: Clock>(
        &self,
        house: &House<K>,
        path: &str,
        body: Vec<u8>,
        wallet: Option<WalletId>,
        now: u64,
    ) -> Signed {
        self.sign_as(house, path, content_type(path), body, wallet, now)
    }

    pub(crate) fn sign_as<K: Clock>(
        &self,
        house: &House<K>,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
        wallet: Option<WalletId>,
        now: u64,
    ) -> Signed {
        self.sign_whole(house, path, content_type, body, wallet, now, None)
    }

    /// A request to join by the token of a sign-in.
    pub(crate) fn sign_in<K: Clock>(&self, house: &House<K>, path: &str, token: &str, now: u64) -> Signed {
        let request = request::Join {
            code: None,
            device_name: "laptop".parse().unwrap(),
        };
        let authorization = format!("Bearer {token}");
        let body = client::encode(&request).1;
        self.sign_whole(house, path, CONTENT_TYPE, body, None, now, Some(&authorization))
    }

    #[expect(clippy::too_many_arguments, reason = "all that a signature covers")]
    fn sign_whole<K: Clock>(
        &self,
        house: &House<K>,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
        wallet: Option<WalletId>,
        now: u64,
        authorization: Option<&str>,
    ) -> Signed {
        let mut nonce = [0; 16];
        OsRng.fill_bytes(&mut nonce);
        let key: IdentityKey = self.0.public();
        let target = house.running.url().target(path);
        let protocol = Protocol::current("test/1.0.0").unwrap();
        let draft = Draft {
            method: "POST",
            target_uri: &target,
            content_type,
            body: &body,
            wallet,
            protocol: &protocol,
            key: &key,
            window: Window {
                created: now,
                expires: now + 60,
            },
            nonce,
        };
        let unsigned = match authorization {
            Some(authorization) => Unsigned::authorized(&draft, authorization),
            None => Unsigned::new(&draft),
        };
        let unsigned = unsigned.unwrap();
        let signature = self.0.sign_raw(unsigned.base());
        let headers = unsigned
            .attach(&signature.0)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Signed {
            method: Method::POST,
            path: path.to_owned(),
            headers,
            body,
        }
    }
}

impl Signed {
    /// The request as HTTP/1.1 has it, up to the body.
    pub(crate) fn head(&self) -> String {
        let mut lines = vec![format!("{} {} HTTP/1.1", self.method, self.path), "host: x".to_owned()];
        lines.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        lines.push(format!("content-length: {}", self.body.len()));
        lines.extend([String::new(), String::new()]);
        lines.join("\r\n")
    }

    /// The same bytes without any signature.
    pub(crate) fn unsigned(path: &str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type(path).to_owned())];
        Self {
            method: Method::POST,
            path: path.to_owned(),
            headers,
            body,
        }
    }

    pub(crate) fn header(&mut self, name: &str) -> &mut String {
        &mut self.headers.iter_mut().find(|(known, _)| known == name).unwrap().1
    }
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn refusal(&self) -> Refusal {
        client::decode_error(self.status.as_u16(), &self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The stable reason of the refusal.
    pub(crate) fn reason(&self) -> &'static str {
        self.refusal().reason.as_str()
    }
}

/// How a procedure is asked over Connect.
fn content_type(path: &str) -> &'static str {
    let streams = METHODS
        .iter()
        .any(|method| method.path == path && method.kind == Kind::Stream);
    if streams { stream::CONTENT_TYPE } else { CONTENT_TYPE }
}

/// A stream that ended before it began, told as the other procedures tell it.
fn refused(headers: &HeaderMap, body: &[u8]) -> Option<(StatusCode, Bytes)> {
    // How a stream ends is JSON, however its messages are written.
    if !headers
        .get("content-type")?
        .as_bytes()
        .starts_with(b"application/connect+")
    {
        return None;
    }
    let mut frames = stream::Frames::default();
    frames.push(body).unwrap();
    let Ok(Some(stream::Frame::End(Err(refusal)))) = frames.pop() else {
        return None;
    };
    let status = StatusCode::from_u16(error::http_status(refusal.reason.code())).unwrap();
    Some((status, error::connect_json(&refusal).into()))
}

/// A connection that is kept.
pub(crate) struct Connection(SendRequest<Full<Bytes>>, String);

impl Connection {
    pub(crate) async fn send(&mut self, signed: &Signed) -> Result<Answer, hyper::Error> {
        let mut request = Request::builder()
            .method(&signed.method)
            .uri(&signed.path)
            .header("host", &self.1);
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        self.0.ready().await?;
        let response = self
            .0
            .send_request(request.body(Full::from(signed.body.clone())).unwrap())
            .await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        let (status, body) = refused(&parts.headers, &body).unwrap_or((parts.status, body));
        Ok(Answer {
            status,
            headers: parts.headers,
            body,
        })
    }

    /// The same, taking the connection along: for a request that is awaited later.
    pub(crate) async fn send_owned(mut self, signed: Signed) -> Result<Answer, hyper::Error> {
        self.send(&signed).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let plain = Signed {
            method: Method::GET,
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        self.send(&plain).await.unwrap()
    }
}

/// The CA of the server in a folder.
pub(crate) fn authority(folder: &Path) -> CertificateDer<'static> {
    CertificateDer::pem_file_iter(folder.join("chain.pem"))
        .unwrap()
        .last()
        .unwrap()
        .unwrap()
}

pub(crate) async fn connect(
    address: std::net::SocketAddr,
    authority: &CertificateDer<'static>,
) -> std::io::Result<Connection> {
    speak(TcpStream::connect(address).await?, authority).await
}

async fn speak(stream: TcpStream, authority: &CertificateDer<'static>) -> std::io::Result<Connection> {
    let host = stream.peer_addr()?.to_string();
    let stream = secure(stream, authority).await?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
    tokio::spawn(connection);
    Ok(Connection(sender, host))
}

/// The TLS handshake alone.
pub(crate) async fn secure(
    stream: TcpStream,
    authority: &CertificateDer<'static>,
) -> std::io::Result<TlsStream<TcpStream>> {
    secure_as(stream, authority, &[]).await
}

/// The same, offering these protocols.
pub(crate) async fn secure_as(
    stream: TcpStream,
    authority: &CertificateDer<'static>,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::from(stream.peer_addr()?.ip());
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}
