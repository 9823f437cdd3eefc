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
use hyper::{
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{net::TcpStream, sync::Mutex, time::Instant};
use tokio_rustls::TlsConnector;
use twofold_api::{invitation::Trust, public_url::PublicUrl};
use twofold_client::port::{HttpCall, HttpReply, Streamed, Streams, Transport, TransportFault};

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

    fn request(&self, call: &HttpCall) -> Result<http::Request<Full<Bytes>>, TransportFault> {
        let mut request = http::Request::builder()
            .method(call.method)
            .uri(&call.path)
            .header(http::header::HOST, self.url.authority());
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        request
            .body(Full::new(Bytes::from(call.body.clone())))
            .map_err(|fault| TransportFault::Garbled { why: fault.to_string() })
    }

    /// On a connection of its own, for it may be held for minutes.
    async fn begin(&self, call: &HttpCall) -> Result<(HttpReply, Stream), TransportFault> {
        let mut sender = self.connect().await?;
        let reply = sender
            .send_request(self.request(call)?)
            .await
            .map_err(|fault| cut(&fault))?;
        let mut head = HttpReply {
            status: reply.status().as_u16(),
            headers: headers(reply.headers()),
            body: Vec::new(),
        };
        let mut stream = Stream {
            body: reply.into_body(),
            _connection: sender,
        };
        while head.status != 200
            && let Some(piece) = stream.more().await?
        {
            if head.body.len() + piece.len() > call.reply_bytes {
                return Err(longer(call.reply_bytes));
            }
            head.body.extend(piece);
        }
        Ok((head, stream))
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
        let request = self.request(call)?;
        let reply = sender.send_request(request).await.map_err(|fault| cut(&fault))?;
        let (status, headers) = (reply.status().as_u16(), headers(reply.headers()));
        let body = Limited::new(reply.into_body(), call.reply_bytes)
            .collect()
            .await
            .map_err(|fault| {
                if fault.is::<http_body_util::LengthLimitError>() {
                    longer(call.reply_bytes)
                } else {
                    cut(&fault)
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

fn cut(fault: &dyn std::fmt::Display) -> TransportFault {
    TransportFault::Cut { why: fault.to_string() }
}

fn longer(bytes: usize) -> TransportFault {
    TransportFault::Garbled {
        why: format!("it is longer than {bytes} bytes"),
    }
}

fn headers(map: &http::HeaderMap) -> Vec<(String, String)> {
    map.iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect()
}

/// An answer that goes on, and the connection that it comes by.
pub struct Stream {
    body: Incoming,
    _connection: SendRequest<Full<Bytes>>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stream")
    }
}

impl Streamed for Stream {
    async fn more(&mut self) -> Result<Option<Vec<u8>>, TransportFault> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(data) = frame.map_err(|fault| cut(&fault))?.into_data() {
                return Ok(Some(data.to_vec()));
            }
        }
        Ok(None)
    }
}

impl Streams for Https {
    type Body = Stream;

    async fn open(&self, call: &HttpCall) -> Result<(HttpReply, Stream), TransportFault> {
        match tokio::time::timeout(call.deadline, self.begin(call)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(TransportFault::TimedOut { after: call.deadline }),
        }
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
