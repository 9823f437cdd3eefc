//! One HTTPS request to a provider: a deadline, a bound on the answer, and never a step to where it redirects.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{Method, Request, Response, StatusCode, client::conn::http1, header, header::HeaderValue};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::{refused::SetupFault, url::WebUrl};

/// How long a provider may take, from the look-up of its name to the last byte.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Whose certificates are believed, and the one that is shown.
pub struct Trust {
    pub(crate) patience: Duration,
    roots: Option<Vec<CertificateDer<'static>>>,
    own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            patience: PATIENCE,
            roots: None,
            own: None,
        }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("patience", &self.patience)
            .field("roots", &self.roots.as_ref().map(Vec::len))
            .field("own", &self.own.is_some())
            .finish()
    }
}

impl Trust {
    /// Believes the authorities in this PEM text alone, instead of those that browsers trust.
    pub fn authorities(mut self, pem: &[u8]) -> Result<Self, SetupFault> {
        self.roots = Some(certificates(pem)?);
        Ok(self)
    }

    /// Shows this certificate (PEM, with its key) to the provider.
    pub fn showing(mut self, chain: &[u8], key: &[u8]) -> Result<Self, SetupFault> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| SetupFault::Tls(error.to_string()))?;
        self.own = Some((certificates(chain)?, key));
        Ok(self)
    }

    /// Whether a certificate is shown.
    #[must_use]
    pub fn shows_one(&self) -> bool {
        self.own.is_some()
    }

    fn config(self) -> Result<ClientConfig, SetupFault> {
        let wrong = |error: &dyn fmt::Display| SetupFault::Tls(error.to_string());
        let mut roots = RootCertStore::empty();
        match self.roots {
            Some(own) => {
                for root in own {
                    roots.add(root).map_err(|error| wrong(&error))?;
                }
            }
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| wrong(&error))?
            .with_root_certificates(roots);
        match self.own {
            Some((chain, key)) => config.with_client_auth_cert(chain, key).map_err(|error| wrong(&error)),
            None => Ok(config.with_no_client_auth()),
        }
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SetupFault> {
    let read = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    match read {
        Ok(list) if !list.is_empty() => Ok(list),
        Ok(_) => Err(SetupFault::Tls("there is no certificate in the file".into())),
        Err(error) => Err(SetupFault::Tls(error.to_string())),
    }
}

/// Asks one provider, or another site over HTTPS: without a pool, and with a bound on everything that comes back.
pub struct Web {
    patience: Duration,
    tls: TlsConnector,
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Web")
    }
}

/// What is sent.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) authorization: Option<&'a str>,
    pub(crate) body: Bytes,
    /// Most bytes of the answer.
    pub(crate) limit: usize,
}

impl Web {
    /// One that believes so.
    pub fn new(trust: Trust) -> Result<Self, SetupFault> {
        Ok(Self {
            patience: trust.patience,
            tls: TlsConnector::from(Arc::new(trust.config()?)),
        })
    }

    /// How long one question may take.
    pub(crate) const fn patience(&self) -> Duration {
        self.patience
    }

    /// Fetches a JSON document.
    pub(crate) async fn get(&self, url: &WebUrl, limit: usize) -> Result<Bytes, String> {
        let ask = Ask {
            method: Method::GET,
            authorization: None,
            body: Bytes::new(),
            limit,
        };
        match self.ask(url, ask).await? {
            (StatusCode::OK, body) => Ok(body),
            (status, _) => Err(format!("{url} answers {status}")),
        }
    }

    /// Asks, whatever the answer's status. The fault never holds what was sent.
    pub(crate) async fn ask(&self, url: &WebUrl, ask: Ask<'_>) -> Result<(StatusCode, Bytes), String> {
        let mut request = Request::builder()
            .method(ask.method)
            .header(header::ACCEPT, "application/json");
        if !ask.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(authorization) = ask.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request
            .body(ask.body)
            .map_err(|_| format!("{url}: what is to be sent can't be sent"))?;
        let answer = self.send(url, request, ask.limit).await?;
        Ok((answer.status(), answer.into_body()))
    }

    /// Sends a request to this URL, and not to the one that it names. Its answer has `limit` bytes at most.
    pub async fn send(&self, url: &WebUrl, request: Request<Bytes>, limit: usize) -> Result<Response<Bytes>, String> {
        let answer = timeout(self.patience, self.within(url, request, limit)).await;
        answer.unwrap_or_else(|_| Err(format!("{url} does not answer within {:?}", self.patience)))
    }

    async fn within(&self, url: &WebUrl, request: Request<Bytes>, limit: usize) -> Result<Response<Bytes>, String> {
        let stream = TcpStream::connect((url.host(), url.port())).await;
        let stream = stream.map_err(|error| format!("{url} can't be reached: {error}"))?;
        let _ = stream.set_nodelay(true);
        if !url.encrypted() {
            return exchange(stream, url, request, limit).await;
        }
        let name = ServerName::try_from(url.host().to_owned()).map_err(|error| format!("{url}: {error}"))?;
        let stream = self.tls.connect(name, stream).await;
        exchange(stream.map_err(|error| format!("{url}: {error}"))?, url, request, limit).await
    }
}

async fn exchange<S>(
    stream: S,
    url: &WebUrl,
    mut request: Request<Bytes>,
    limit: usize,
) -> Result<Response<Bytes>, String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |error: hyper::Error| format!("{url}: {error}");
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(64 << 10)
        .max_headers(64)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let _driver = Driver(tokio::spawn(async move {
        // Whoever waits for the answer hears of the failure too.
        let _ = connection.await;
    }));
    let unfit = || format!("{url}: what is to be sent can't be sent");
    *request.uri_mut() = url.target().parse().map_err(|_| unfit())?;
    let host = HeaderValue::from_str(url.authority()).map_err(|_| unfit())?;
    request.headers_mut().insert(header::HOST, host);
    request
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    let answer = sender.send_request(request.map(Full::new)).await.map_err(broken)?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, limit).collect().await;
    let body = body.map_err(|error| {
        if error.is::<LengthLimitError>() {
            format!("{url}: its answer is longer than {limit} bytes")
        } else {
            format!("{url}: {error}")
        }
    })?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// Ends with the request, whatever is still under way.
struct Driver(tokio::task::JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}
