//! The metrics, by name, and the loopback listener that Prometheus reads.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::{net::TcpListener, sync::Semaphore};

use twofold_store::metric::{COMMIT_BATCHES, COMMIT_SECONDS, FAILED_COMMITS};

use crate::fault::Fault;

/// Requests answered, by `method` and `code`.
pub(crate) const REQUESTS: &str = "twofold_requests_total";
/// Seconds a request took, by `method`.
pub(crate) const REQUEST_SECONDS: &str = "twofold_request_seconds";
/// Connections open now.
pub(crate) const CONNECTIONS: &str = "twofold_connections_open";
/// Connections closed at once because there were too many.
pub(crate) const CONNECTIONS_REFUSED: &str = "twofold_connections_refused_total";
/// Streams of watchers open now.
pub(crate) const WATCHERS: &str = "twofold_watchers_open";
/// Ceremonies, by `step`: `begun` or `finished`.
pub(crate) const CEREMONIES: &str = "twofold_ceremonies_total";
/// Replies that carried the server's half of a signature.
pub(crate) const SIGNATURES: &str = "twofold_signatures_total";
/// Replies that carried the server's half of a signature over a text.
pub(crate) const MESSAGE_SIGNATURES: &str = "twofold_message_signatures_total";
/// Calls to the node, by `call` and `outcome`.
pub(crate) const CHAIN_CALLS: &str = "twofold_chain_calls_total";
/// Seconds since an Electrum server last answered, by `source`: `first` or `second`.
pub(crate) const CHAIN_LINK_SILENT: &str = "twofold_chain_link_silent_seconds";
/// Connections made to an Electrum server, by `source`.
pub(crate) const CHAIN_LINK_CONNECTIONS: &str = "twofold_chain_link_connections_total";
/// Scripts at an Electrum server, by `source` and `state`: `watched` in all, or `restored` on the connection of the moment.
pub(crate) const CHAIN_LINK_SCRIPTS: &str = "twofold_chain_link_scripts";
/// Height of the best block that the follower has read.
pub(crate) const TIP_HEIGHT: &str = "twofold_tip_height";
/// Whether calls go through over a link that leaves the process, by `link`: the key of the configuration that names where it
/// leads.
pub(crate) const LINK_UP: &str = "twofold_link_up";
/// Calls that failed and connections that ended, by `link`.
pub(crate) const LINK_FAILURES: &str = "twofold_link_failures_total";
/// Whether requests are answered: 1, or 0.
pub(crate) const READY: &str = "twofold_ready";
/// What is not as it should be though requests are answered, as `status` lists it.
pub(crate) const TROUBLES: &str = "twofold_troubles";
/// Tasks of the background that broke off and were begun again, by `task`.
pub(crate) const TASK_RESTARTS: &str = "twofold_task_restarts_total";
/// When a backup was last made, in seconds since 1970; not there before the first.
pub(crate) const LAST_BACKUP: &str = "twofold_last_backup_timestamp_seconds";
/// When a drill last came to its end; not there before the first.
pub(crate) const LAST_DRILL: &str = "twofold_last_drill_timestamp_seconds";
/// Until when the certificate is valid that devices see, in seconds since 1970; 0 where it is not valid.
pub(crate) const CERTIFICATE: &str = "twofold_certificate_expires_timestamp_seconds";
/// Panics caught; each is a defect.
pub(crate) const PANICS: &str = "twofold_panics_total";

const BATCHES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Starts recording, once in a process; later calls give the same handle.
pub(crate) fn start() -> Result<PrometheusHandle, Fault> {
    static HANDLE: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    HANDLE.get_or_init(install).clone().map_err(Fault::System)
}

fn install() -> Result<PrometheusHandle, String> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
        .map_err(|error| format!("can't start the metrics: {error}"))?
        .set_buckets_for_metric(Matcher::Full(COMMIT_BATCHES.into()), &BATCHES)
        .map_err(|error| format!("can't start the metrics: {error}"))?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| format!("can't start the metrics: {error}"))?;
    metrics::describe_counter!(REQUESTS, "Requests answered, by method and code");
    metrics::describe_histogram!(REQUEST_SECONDS, "Seconds a request took, by method");
    metrics::describe_gauge!(CONNECTIONS, "Connections open now");
    metrics::describe_counter!(
        CONNECTIONS_REFUSED,
        "Connections closed at once because there were too many"
    );
    metrics::describe_gauge!(WATCHERS, "Streams of watchers open now");
    metrics::describe_counter!(CEREMONIES, "Ceremonies, by step");
    metrics::describe_counter!(SIGNATURES, "Replies that carried the server's half of a signature");
    metrics::describe_counter!(
        MESSAGE_SIGNATURES,
        "Replies that carried the server's half of a signature over a text"
    );
    metrics::describe_counter!(CHAIN_CALLS, "Calls to the node, by call and outcome");
    metrics::describe_gauge!(CHAIN_LINK_SILENT, "Seconds since an Electrum server last answered");
    metrics::describe_counter!(CHAIN_LINK_CONNECTIONS, "Connections made to an Electrum server");
    metrics::describe_gauge!(CHAIN_LINK_SCRIPTS, "Scripts at an Electrum server, by state");
    metrics::describe_gauge!(TIP_HEIGHT, "Height of the best block that the follower has read");
    metrics::describe_histogram!(
        COMMIT_SECONDS,
        "Seconds that a commit of the store took, its fsync included"
    );
    metrics::describe_histogram!(COMMIT_BATCHES, "Changes that shared one commit");
    metrics::describe_counter!(
        FAILED_COMMITS,
        "Commits that failed as a whole; after some the server stops"
    );
    metrics::describe_gauge!(LINK_UP, "Whether calls go through over a link that leaves the process");
    metrics::describe_counter!(LINK_FAILURES, "Calls that failed and connections that ended, by link");
    metrics::describe_gauge!(READY, "Whether requests are answered: 1, or 0");
    metrics::describe_gauge!(TROUBLES, "What is not as it should be though requests are answered");
    metrics::describe_counter!(TASK_RESTARTS, "Tasks of the background that were begun again, by task");
    metrics::describe_gauge!(LAST_BACKUP, "When a backup was last made, in seconds since 1970");
    metrics::describe_gauge!(LAST_DRILL, "When a drill last came to its end, in seconds since 1970");
    metrics::describe_gauge!(
        CERTIFICATE,
        "Until when the certificate is valid that devices see, in seconds since 1970; 0 where it is not"
    );
    metrics::describe_counter!(PANICS, "Panics caught; each is a defect");
    for counter in [
        CONNECTIONS_REFUSED,
        FAILED_COMMITS,
        SIGNATURES,
        MESSAGE_SIGNATURES,
        PANICS,
    ] {
        metrics::counter!(counter).absolute(0);
    }
    for step in ["begun", "finished", "refresh_begun", "refresh_finished"] {
        metrics::counter!(CEREMONIES, "step" => step).absolute(0);
    }
    metrics::gauge!(CONNECTIONS).set(0.0);
    metrics::gauge!(WATCHERS).set(0.0);
    metrics::gauge!(TIP_HEIGHT).set(0.0);
    Ok(handle)
}

/// Listens on a loopback address and serves `GET /metrics` in plain HTTP until the task is dropped. `look` is called before
/// each answer, and sets what is looked up and not counted.
pub(crate) async fn listen(
    address: SocketAddr,
    handle: PrometheusHandle,
    look: impl Fn() + Send + Sync + 'static,
) -> Result<(SocketAddr, impl Future<Output = ()>), Fault> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Fault::listening(address, &error))?;
    let bound = listener
        .local_addr()
        .map_err(|error| Fault::listening(address, &error))?;
    Ok((bound, serve(listener, handle, Arc::new(look))))
}

/// Scrapers served at once. The next waits in the system's queue: whoever may run a program on this machine may connect.
const SCRAPERS: usize = 16;

async fn serve<L: Fn() + Send + Sync + 'static>(listener: TcpListener, handle: PrometheusHandle, look: Arc<L>) {
    let door = Arc::new(Semaphore::new(SCRAPERS));
    loop {
        let Ok(place) = Arc::clone(&door).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (handle, look) = (handle.clone(), Arc::clone(&look));
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let (handle, look) = (handle.clone(), Arc::clone(&look));
                async move { Ok::<_, Infallible>(answer(&request, &handle, look.as_ref())) }
            });
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(5))
                .keep_alive(false);
            // A scraper that goes away is no event.
            let _ = tokio::time::timeout(
                Duration::from_secs(10),
                http.serve_connection(TokioIo::new(stream), service),
            )
            .await;
            drop(place);
        });
    }
}

fn answer(request: &Request<Incoming>, handle: &PrometheusHandle, look: &impl Fn()) -> Response<Full<Bytes>> {
    if request.method() != Method::GET || request.uri().path() != "/metrics" {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    look();
    handle.run_upkeep();
    let mut response = Response::new(Full::from(handle.render()));
    let text = header::HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use metrics_exporter_prometheus::PrometheusBuilder;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
        time::timeout,
    };

    use super::{SCRAPERS, listen};

    #[tokio::test]
    async fn silent_scrapers_take_so_many_places_and_no_more() {
        let handle = PrometheusBuilder::new().build_recorder().handle();
        let (address, serving) = listen((Ipv4Addr::LOCALHOST, 0).into(), handle, || ())
            .await
            .expect("listens");
        tokio::spawn(serving);
        let mut silent = Vec::new();
        for _ in 0..SCRAPERS {
            silent.push(TcpStream::connect(address).await.expect("connects"));
        }
        let mut scraper = TcpStream::connect(address).await.expect("connects");
        scraper
            .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .expect("writes");
        let mut said = [0; 12];
        let early = timeout(Duration::from_millis(500), scraper.read_exact(&mut said)).await;
        assert!(early.is_err(), "it is served beside {SCRAPERS} others");
        drop(silent.pop());
        scraper.read_exact(&mut said).await.expect("its turn comes");
        assert_eq!(&said, b"HTTP/1.1 200");
    }
}
