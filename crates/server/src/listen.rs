//! The listener: TLS, HTTP/1.1 and HTTP/2 on one port, with a bound on everything a peer can hold open.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_rustls::TlsAcceptor;
use twofold_api::limits::HEADER_BYTES;

use crate::{config::Limits, metric};

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
    fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> impl Future<Output = Response<Body>> + Send;
}

/// Accepts connections until the phase leaves `Running`, then waits for the open ones until they end, the drain time
/// is over or the phase is `Forced`.
pub(crate) async fn serve<A: Answer>(
    listener: TcpListener,
    tls: TlsAcceptor,
    limits: Limits,
    answer: Arc<A>,
    mut phase: watch::Receiver<Phase>,
) {
    let door = Arc::new(Semaphore::new(limits.connections as usize));
    let limits = Arc::new(limits);
    let mut open = JoinSet::new();
    let watched = phase.clone();
    loop {
        tokio::select! {
            biased;
            () = reached(&mut phase, Phase::Draining) => break,
            Some(_) = open.join_next() => {}
            accepted = listener.accept() => {
                let Ok((stream, peer)) = accepted else {
                    // Out of descriptors, most likely: accepting again at once would spin.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let Ok(place) = Arc::clone(&door).try_acquire_owned() else {
                    metrics::counter!(metric::CONNECTIONS_REFUSED).increment(1);
                    continue;
                };
                let connection = connection(stream, peer, tls.clone(), Arc::clone(&limits), Arc::clone(&answer), watched.clone());
                open.spawn(async move {
                    let _counted = Counted::new();
                    connection.await;
                    drop(place);
                });
            }
        }
    }
    drop(listener);
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

async fn connection<A: Answer>(
    stream: TcpStream,
    peer: SocketAddr,
    tls: TlsAcceptor,
    limits: Arc<Limits>,
    answer: Arc<A>,
    mut phase: watch::Receiver<Phase>,
) {
    // Replies are small and whole: waiting to fill a segment only adds delay.
    let _ = stream.set_nodelay(true);
    let handshake = timeout(Duration::from_secs(limits.handshake_seconds), tls.accept(stream));
    let stream = tokio::select! {
        done = handshake => match done {
            Ok(Ok(stream)) => stream,
            // A plaintext or broken peer is dropped without a word beyond TLS's own alert.
            Ok(Err(error)) => return tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => return tracing::debug!("TLS handshake took too long"),
        },
        () = reached(&mut phase, Phase::Draining) => return,
    };

    let activity = Arc::new(Activity::new());
    let service = service_fn({
        let activity = Arc::clone(&activity);
        move |request| {
            let (answer, busy) = (Arc::clone(&answer), activity.begin());
            async move {
                let response = answer.answer(request, peer).await;
                drop(busy);
                Ok::<_, Infallible>(response)
            }
        }
    });
    let http = http(&limits);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let idle = Duration::from_secs(limits.idle_seconds);
    let mut closing = false;
    loop {
        let wait = if closing { CLOSING } else { activity.left(idle) };
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
                return;
            }
            () = reached(&mut phase, Phase::Draining), if !closing => {
                connection.as_mut().graceful_shutdown();
                // The drain deadline is the accept loop's.
                let _ = connection.as_mut().await;
                return;
            }
            () = tokio::time::sleep(wait) => {
                if closing {
                    return tracing::debug!("an idle connection did not close");
                }
                if activity.left(idle).is_zero() {
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// How long a peer gets to notice that an idle connection is being closed.
const CLOSING: Duration = Duration::from_secs(3);

fn http(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.header_seconds))
        .max_buf_size(HEADER_BYTES)
        .pipeline_flush(false);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(u32::try_from(HEADER_BYTES).unwrap_or(u32::MAX))
        .max_send_buf_size(64 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    http
}

/// When a connection last had a request, and how many it has now. A connection that trickles bytes without ever
/// finishing a request is as idle as a silent one.
struct Activity {
    opened: Instant,
    last_millis: AtomicU64,
    busy: AtomicUsize,
}

impl Activity {
    fn new() -> Self {
        Self {
            opened: Instant::now(),
            last_millis: AtomicU64::new(0),
            busy: AtomicUsize::new(0),
        }
    }

    fn touch(&self) {
        let millis = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_millis.store(millis, Ordering::Relaxed);
    }

    fn begin(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// How much of `idle` is left; the whole of it while a request is being answered.
    fn left(&self, idle: Duration) -> Duration {
        if self.busy.load(Ordering::Relaxed) > 0 {
            return idle;
        }
        let last = Duration::from_millis(self.last_millis.load(Ordering::Relaxed));
        idle.saturating_sub(self.opened.elapsed().saturating_sub(last))
    }
}

/// A request being answered.
struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.touch();
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
