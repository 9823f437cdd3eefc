//! A web site on loopback that answers as it is told and notes what it is asked: a provider's keys, or an app's webhook.

use std::{
    fmt,
    io::{BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use serde_json::Value;

/// What a site was asked.
#[derive(Debug, Clone)]
pub struct Visit {
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Visit {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What a site answers.
#[derive(Debug, Clone)]
pub enum Answer {
    /// JSON, with this status.
    Json(u16, Value),
    /// Bytes that claim to be JSON, with status 200.
    Bytes(Vec<u8>),
    /// A way to somewhere else.
    Elsewhere(String),
    /// The connection is closed without a word.
    HangUp,
    /// Nothing, until the other side gives up.
    Silence,
}

type Script = Box<dyn FnMut(&Visit) -> Answer + Send>;

/// The site. It stops when dropped.
pub struct Site {
    address: SocketAddr,
    authority: Option<Authority>,
    state: Arc<State>,
}

struct State {
    script: Mutex<Script>,
    asked: Mutex<Vec<Visit>>,
    over: AtomicBool,
    tls: Option<Arc<ServerConfig>>,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.url())
    }
}

impl Site {
    /// Without TLS.
    pub fn plain(script: impl FnMut(&Visit) -> Answer + Send + 'static) -> Self {
        Self::start(script, None, None)
    }

    /// With a certificate for `localhost`, by an authority of its own.
    pub fn tls(script: impl FnMut(&Visit) -> Answer + Send + 'static) -> Self {
        let authority = Authority::new();
        let config = authority.server(false);
        Self::start(script, Some(config), Some(authority))
    }

    /// The same, for those alone who show a certificate of that authority.
    pub fn mutual_tls(script: impl FnMut(&Visit) -> Answer + Send + 'static) -> Self {
        let authority = Authority::new();
        let config = authority.server(true);
        Self::start(script, Some(config), Some(authority))
    }

    fn start(
        script: impl FnMut(&Visit) -> Answer + Send + 'static,
        tls: Option<Arc<ServerConfig>>,
        authority: Option<Authority>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            script: Mutex::new(Box::new(script)),
            asked: Mutex::default(),
            over: AtomicBool::new(false),
            tls,
        });
        let serving = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.over.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), serving) = (stream, Arc::clone(&serving)) else {
                    continue;
                };
                // A client that leaves early is no fault of the test's.
                thread::spawn(move || serving.serve(stream).ok());
            }
        });
        Self {
            address,
            authority,
            state,
        }
    }

    /// Where it is, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        match self.authority {
            Some(_) => format!("https://localhost:{}", self.address.port()),
            None => format!("http://{}", self.address),
        }
    }

    /// Who vouches for its certificate.
    ///
    /// # Panics
    ///
    /// Without TLS nobody does.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        self.authority.as_ref().expect("a site with TLS")
    }

    /// Answers otherwise from now on.
    pub fn answer(&self, script: impl FnMut(&Visit) -> Answer + Send + 'static) {
        *lock(&self.state.script) = Box::new(script);
    }

    /// What it was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Visit> {
        lock(&self.state.asked).clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        match &self.tls {
            None => self.converse(stream),
            Some(config) => {
                let connection = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
                self.converse(StreamOwned::new(connection, stream))
            }
        }
    }

    fn converse(&self, stream: impl Read + Write) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let Some(asked) = read(&mut reader)? else { return Ok(()) };
        lock(&self.asked).push(asked.clone());
        let answer = lock(&self.script)(&asked);
        let mut stream = reader.into_inner();
        let (status, header, body) = match answer {
            Answer::Json(status, value) => (status, String::new(), value.to_string().into_bytes()),
            Answer::Bytes(bytes) => (200, String::new(), bytes),
            Answer::Elsewhere(url) => (302, format!("location: {url}\r\n"), Vec::new()),
            Answer::HangUp => return Ok(()),
            Answer::Silence => {
                let _ = stream.read(&mut [0]);
                return Ok(());
            }
        };
        write!(
            stream,
            "HTTP/1.1 {status} Answer\r\ncontent-type: application/json\r\n{header}content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        )?;
        stream.write_all(&body)?;
        stream.flush()
    }
}

fn read(reader: &mut impl std::io::BufRead) -> std::io::Result<Option<Visit>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let (method, target) = (method.to_owned(), target.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut asked = Visit {
        method,
        target,
        headers,
        body: Vec::new(),
    };
    let length = asked.header("content-length").and_then(|length| length.parse().ok());
    asked.body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut asked.body)?;
    Ok(Some(asked))
}

/// A certificate authority of a test's own.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// Its certificate.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a server at `localhost`, and its key.
    pub(crate) fn for_server(&self) -> (String, String) {
        self.signed("localhost", ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate for a client, and its key.
    #[must_use]
    pub fn client(&self) -> (String, String) {
        self.signed("twofold.test", ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn signed(&self, name: &str, purpose: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    fn server(&self, asks_for_client: bool) -> Arc<ServerConfig> {
        let (chain, key) = self.for_server();
        let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).expect("PEM")];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3");
        let config = if asks_for_client {
            let mut roots = RootCertStore::empty();
            let own = CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("PEM");
            roots.add(own).expect("a root");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(verifier.build().expect("a verifier"))
        } else {
            config.with_no_client_auth()
        };
        Arc::new(config.with_single_cert(chain, key).expect("a certificate and its key"))
    }
}

/// What these guard is replaced whole, so a panic elsewhere leaves nothing half done.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
