//! The listener: TLS, HTTP/1.1 and HTTP/2 on one port, with a bound on everything a peer can hold open. Only the requests
//! of a known device keep a connection open; whoever is a stranger after a while is hung up on. A unix socket beside the port
//! is for a proxy that ends TLS.

mod frames;
mod head;
mod ways;

use std::{
    convert::Infallible,
    net::IpAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use twofold_api::limits::HEADER_BYTES;

use head::{HeadTimer, Heard, Listening};
use ways::{Came, Origin};

pub(crate) use ways::{Ways, bind_socket};

use crate::{
    acme,
    config::Limits,
    door::{Door, Handshake},
    metric,
    rate::Rates,
};

/// The body of any answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Where the server is on its way from running to stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Taking requests.
    Running,
    /// Not accepting; open requests are finished.
    Draining,
    /// Whatever is open is dropped.
    Forced,
}

/// Answers requests.
pub(crate) trait Answer: Send + Sync + 'static {
    /// Never fails: whatever goes wrong is an answer too.
    fn answer(&self, request: Request<Incoming>, peer: &Peer) -> impl Future<Output = Response<Body>> + Send;
}

/// The other end of a connection.
#[derive(Clone)]
pub(crate) struct Peer {
    address: IpAddr,
    activity: Arc<Activity>,
}

impl Peer {
    /// Where it asks from.
    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// It sent a request that a known device signed: the connection may stay open.
    pub(crate) fn known(&self) {
        self.activity.known();
    }
}

/// Accepts connections until the phase leaves `Running`, then waits for the open ones until they end, the drain time
/// is over or the phase is `Forced`.
pub(crate) async fn serve<A: Answer>(
    ways: Ways,
    tls: TlsAcceptor,
    limits: Limits,
    answer: Arc<A>,
    rates: Arc<Rates>,
    mut phase: watch::Receiver<Phase>,
) {
    let door = Door::new(&limits);
    let limits = Arc::new(limits);
    let mut open = JoinSet::new();
    let watched = phase.clone();
    loop {
        tokio::select! {
            biased;
            () = reached(&mut phase, Phase::Draining) => break,
            Some(_) = open.join_next() => {}
            came = ways.next() => {
                let Ok(came) = came else {
                    // Out of descriptors, most likely: accepting again at once would spin.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let origin = came.origin(ways.ingress());
                let entered = match &origin {
                    Origin::Device(address) if ways.ingress().lets_in(*address) => {
                        door.enter(*address).filter(|_| rates.address(*address).is_ok())
                    }
                    Origin::Device(_) => None,
                    // Whom it speaks for is counted with each request.
                    Origin::Proxy(..) => door.enter_for_many(),
                };
                let Some((place, handshake)) = entered else {
                    metrics::counter!(metric::CONNECTIONS_REFUSED).increment(1);
                    continue;
                };
                let strict = ways.is_strict(&origin);
                let (tls, limits, answer, watched) = (tls.clone(), Arc::clone(&limits), Arc::clone(&answer), watched.clone());
                open.spawn(async move {
                    let _counted = Counted::new();
                    match came {
                        Came::Tls(stream, _) => {
                            let greeted = greet(stream, tls, Arc::clone(&limits), handshake, watched.clone());
                            if let Some(stream) = greeted.await {
                                connection(stream, (origin, strict), &limits, answer, watched).await;
                            }
                        }
                        Came::Socket(stream) => {
                            drop(handshake);
                            connection(stream, (origin, strict), &limits, answer, watched).await;
                        }
                    }
                    drop(place);
                });
            }
        }
    }
    drop(ways);
    let drained = async { while open.join_next().await.is_some() {} };
    tokio::select! {
        () = drained => {}
        () = tokio::time::sleep(Duration::from_secs(limits.drain_seconds)) => {
            tracing::warn!("connections still open after {} s are dropped", limits.drain_seconds);
        }
        () = reached(&mut phase, Phase::Forced) => {
            tracing::warn!("told twice to stop: open connections are dropped");
        }
    }
    open.shutdown().await;
}

/// Waits for a phase at least this far. A server whose owner is gone is as far as it gets.
pub(crate) async fn reached(phase: &mut watch::Receiver<Phase>, least: Phase) {
    let _ = phase.wait_for(|phase| *phase >= least).await;
}

/// The TLS handshake, in the time it has.
async fn greet(
    stream: TcpStream,
    tls: TlsAcceptor,
    limits: Arc<Limits>,
    _handshake: Handshake,
    mut phase: watch::Receiver<Phase>,
) -> Option<TlsStream<TcpStream>> {
    // Replies are small and whole: waiting to fill a segment only adds delay.
    let _ = stream.set_nodelay(true);
    let handshake = timeout(Duration::from_secs(limits.handshake_seconds), tls.accept(stream));
    tokio::select! {
        done = handshake => match done {
            // Who asked for a proof has it.
            Ok(Ok(stream)) if acme::is_proof(stream.get_ref().1.alpn_protocol()) => {}
            Ok(Ok(stream)) => return Some(stream),
            // A plaintext or broken peer is dropped without a word beyond TLS's own alert.
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        },
        () = reached(&mut phase, Phase::Draining) => {}
    }
    None
}

async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static, A: Answer>(
    stream: S,
    (origin, strict): (Origin, bool),
    limits: &Limits,
    answer: Arc<A>,
    mut phase: watch::Receiver<Phase>,
) {
    let activity = Arc::new(Activity::new(limits));
    let origin = Arc::new(origin);
    let heard = Arc::new(Heard::default());
    let service = service_fn({
        let (activity, heard) = (Arc::clone(&activity), Arc::clone(&heard));
        move |request: Request<Incoming>| {
            let (answer, origin, busy) = (Arc::clone(&answer), Arc::clone(&origin), activity.begin());
            let (activity, heard) = (Arc::clone(&activity), Arc::clone(&heard));
            async move {
                let mut response = match origin.asker(request.headers()) {
                    Ok(address) => answer.answer(request, &Peer { address, activity }).await,
                    Err(turned) => ways::turn_away(turned),
                };
                if strict {
                    let headers = response.headers_mut();
                    headers.insert(header::STRICT_TRANSPORT_SECURITY, ways::STRICT);
                }
                heard.answered();
                drop(busy);
                Ok::<_, Infallible>(response)
            }
        }
    });
    let http = http(limits, &heard);
    let stream = TokioIo::new(Listening::new(stream, Arc::clone(&heard)));
    let mut connection = pin!(http.serve_connection(stream, service));
    loop {
        let left = activity.left();
        tokio::select! {
            biased;
            ended = connection.as_mut() => return noted(ended),
            () = reached(&mut phase, Phase::Draining) => {
                connection.as_mut().graceful_shutdown();
                // The drain deadline is the accept loop's.
                return noted(connection.as_mut().await);
            }
            () = heard.flooded() => {
                tracing::debug!("a connection sent too many frames that ask for nothing");
                break;
            }
            () = tokio::time::sleep(left) => {
                if activity.left().is_zero() {
                    break;
                }
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    let patience = activity.last_requests().saturating_add(CLOSING);
    if let Ok(ended) = timeout(patience, connection).await {
        noted(ended);
    } else {
        tracing::debug!("an idle connection did not close");
    }
}

fn noted<E: core::fmt::Display>(ended: Result<(), E>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// How long a peer gets to notice that an idle connection is being closed.
const CLOSING: Duration = Duration::from_secs(3);

fn http(limits: &Limits, heard: &Arc<Heard>) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    let patience = Duration::from_secs(limits.header_seconds);
    let timer = HeadTimer {
        heard: Arc::clone(heard),
        patience,
    };
    http.http1()
        .timer(timer)
        .header_read_timeout(patience)
        .max_buf_size(HEADER_BYTES)
        .pipeline_flush(false);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(u32::try_from(HEADER_BYTES).unwrap_or(u32::MAX))
        .max_send_buf_size(64 * 1024)
        // What a connection may send before anybody reads it is memory too.
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(256 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    http
}

/// How long a connection may stay open, and how many requests it has now. A connection that trickles bytes without ever
/// finishing a request is as idle as a silent one, and so is one that asks what anybody may ask.
struct Activity {
    opened: Instant,
    /// Milliseconds after it was opened until which it may stay.
    until_millis: AtomicU64,
    busy: AtomicUsize,
    idle: Duration,
    request: Duration,
}

impl Activity {
    fn new(limits: &Limits) -> Self {
        Self {
            opened: Instant::now(),
            until_millis: AtomicU64::new(millis(Duration::from_secs(limits.stranger_seconds))),
            busy: AtomicUsize::new(0),
            idle: Duration::from_secs(limits.idle_seconds),
            request: Duration::from_secs(limits.request_seconds),
        }
    }

    /// A known device asked.
    fn known(&self) {
        let until = millis(self.opened.elapsed().saturating_add(self.idle));
        self.until_millis.store(until, Ordering::Relaxed);
    }

    fn begin(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// How much longer it may stay open.
    fn left(&self) -> Duration {
        let until = Duration::from_millis(self.until_millis.load(Ordering::Relaxed));
        until.saturating_sub(self.opened.elapsed())
    }

    /// How long the requests that are being answered may still take.
    fn last_requests(&self) -> Duration {
        if self.busy.load(Ordering::Relaxed) > 0 {
            self.request
        } else {
            Duration::ZERO
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A request being answered.
struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection in the gauge of open ones, however it ends.
struct Counted;

impl Counted {
    fn new() -> Self {
        metrics::gauge!(metric::CONNECTIONS).increment(1.0);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!(metric::CONNECTIONS).decrement(1.0);
    }
}
