//! Traces: how long each part of a request takes, for an OpenTelemetry collector on this machine.
//!
//! Only spans of this target are exported, and of them only what they name themselves: a method, a code, a request's random id.
//! No event of the log goes along, whatever it holds. Whoever takes them may be slow or away: they wait in a bounded queue, and
//! what does not fit is dropped.

use std::{future::Future, pin::Pin, time::Duration};

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response, hyper::HyperClient};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};
use twofold_store::metric::SPANS;

use crate::{config::Traces, fault::Fault};

/// How long the collector may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the last spans may take when the server ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What sends traces, if they are sent.
#[derive(Debug)]
pub struct Exporter(Option<SdkTracerProvider>);

impl Exporter {
    /// Sends what waits, in the time there is for that.
    pub async fn end(self) {
        let Some(provider) = self.0 else { return };
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_WORDS));
        if let Ok(Err(error)) = ended.await {
            tracing::debug!(%error, "the last traces were not sent");
        }
    }
}

/// A layer that exports spans, where the configuration says where to.
pub(crate) type Spans<S> = Option<Box<dyn Layer<S> + Send + Sync>>;

/// Makes it. What it sends goes by the runtime that this is called in.
pub(crate) fn start<S>(traces: &Traces) -> Result<(Spans<S>, Exporter), Fault>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let Some(url) = &traces.url else {
        return Ok((None, Exporter(None)));
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client {
            runtime: Handle::current(),
            client: HyperClient::with_default_connector(PATIENCE, None),
        })
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(url)
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| Fault::Config(format!("traces.url: {error}")))?;
    let resource = Resource::builder_empty()
        .with_service_name("twofold-server")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .with_sampler(Sampler::TraceIdRatioBased(f64::from(traces.percent) / 100.0))
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("twofold-server"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(|of| of.is_span() && of.target() == SPANS));
    Ok((Some(Box::new(layer)), Exporter(Some(provider))))
}

/// Sends from the server's own runtime, for the exporter has a thread without one.
#[derive(Debug)]
struct Client {
    runtime: Handle,
    client: HyperClient,
}

type Sent<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

impl HttpClient for Client {
    fn send_bytes<'a, 'b>(&'a self, request: Request<Bytes>) -> Sent<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        let client = self.client.clone();
        let sending = self.runtime.spawn(async move { client.send_bytes(request).await });
        Box::pin(async move {
            match sending.await {
                Ok(sent) => sent,
                Err(broken) => Err(Box::new(broken) as HttpError),
            }
        })
    }
}
