//! One HTTPS exchange at a time over TLS 1.3, to the invitation's URL and to no other.
//!
//! A connection is kept while the command runs. Nothing is ever sent twice here: a retry is the client's to decide,
//! because only it knows whether the same bytes may go again.

use std::{
    sync::{Arc, Mutex as SyncMutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{net::TcpStream, sync::Mutex, time::Instant};
use tokio_rustls::TlsConnector;
use twofold_api::{invitation::Trust, public_url::PublicUrl};
use twofold_client::port::{HttpCall, HttpReply, Transport, TransportFault};

use crate::trust;

/// Most time for TCP and TLS together, whatever the call's deadline.
const CONNECT: Duration = Duration::from_secs(10);

/// The way to one server.
pub struct Https {
    url: PublicUrl,
    tls: Arc<ClientConfig>,
    kept: Mutex<Option<SendRequest<Full<Bytes>>>>,
    last: SyncMutex<Option<HttpCall>>,
}

impl std::fmt::Debug for Https {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Https").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Https {
    /// The way to `url`, trusting what the invitation says and nothing else.
    pub fn new(url: PublicUrl, trust: &Trust) -> anyhow::Result<Self> {
        Ok(Self {
            url,
            tls: trust::client_config(trust)?,
            kept: Mutex::new(None),
            last: SyncMutex::new(None),
        })
    }

    /// The last call, as it went out.
    pub fn last(&self) -> Option<HttpCall> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn unreachable(&self, why: &dyn std::fmt::Display) -> TransportFault {
        TransportFault::Unreachable {
            url: self.url.as_str().into(),
            why: why.to_string(),
        }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, TransportFault> {
        let host = self.url.host().to_owned();
        let tcp = TcpStream::connect((host.as_str(), self.url.port()))
            .await
            .map_err(|fault| self.unreachable(&fault))?;
        tcp.set_nodelay(true).map_err(|fault| self.unreachable(&fault))?;
        let name = ServerName::try_from(host).map_err(|fault| self.unreachable(&fault))?;
        let tls = TlsConnector::from(self.tls.clone())
            .connect(name, tcp)
            .await
            .map_err(|fault| {
                // A failed check of the certificate arrives as `InvalidData`; anything else is the network's doing.
                if fault.kind() == std::io::ErrorKind::InvalidData {
                    TransportFault::Untrusted {
                        url: self.url.as_str().into(),
                        why: fault.to_string(),
                    }
                } else {
                    self.unreachable(&fault)
                }
            })?;
        let (sender, connection) = handshake(TokioIo::new(tls))
            .await
            .map_err(|fault| self.unreachable(&fault))?;
        // Ends by itself when the connection closes; a fault shows up at the next request.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn exchange(&self, call: &HttpCall) -> Result<HttpReply, TransportFault> {
        let mut kept = self.kept.lock().await;
        // A connection that the server closed meanwhile says so here, before anything is sent on it.
        let mut usable = kept.take();
        if let Some(sender) = &mut usable
            && sender.ready().await.is_err()
        {
            usable = None;
        }
        let mut sender = match usable {
            Some(sender) => sender,
            None => tokio::time::timeout(CONNECT, self.connect())
                .await
                .map_err(|_| TransportFault::TimedOut { after: CONNECT })??,
        };
        let mut request = http::Request::builder()
            .method(call.method)
            .uri(&call.path)
            .header(http::header::HOST, self.url.authority());
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::new(Bytes::from(call.body.clone())))
            .map_err(|fault| TransportFault::Garbled { why: fault.to_string() })?;
        let cut = |fault: hyper::Error| TransportFault::Cut { why: fault.to_string() };
        let reply = sender.send_request(request).await.map_err(cut)?;
        let status = reply.status().as_u16();
        let headers = reply
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let body = Limited::new(reply.into_body(), call.reply_bytes)
            .collect()
            .await
            .map_err(|fault| {
                if fault.is::<http_body_util::LengthLimitError>() {
                    TransportFault::Garbled {
                        why: format!("it is longer than {} bytes", call.reply_bytes),
                    }
                } else {
                    TransportFault::Cut { why: fault.to_string() }
                }
            })?;
        *kept = Some(sender);
        Ok(HttpReply {
            status,
            headers,
            body: body.to_bytes().to_vec(),
        })
    }
}

impl Transport for Https {
    async fn send(&self, call: &HttpCall) -> Result<HttpReply, TransportFault> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(call.clone());
        let end = Instant::now() + call.deadline;
        match tokio::time::timeout_at(end, self.exchange(call)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(TransportFault::TimedOut { after: call.deadline }),
        }
    }
}
