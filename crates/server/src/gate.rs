//! The way of every request: a bound on its size and rate, the signature in its headers, and only then its body.
//!
//! A refusal is not written here: it travels to an interceptor ([`refuse`]) behind the decoder of the protocol that was
//! asked in (Connect, gRPC, gRPC-Web), so that each client reads it in its own encoding.

mod admit;
mod bodies;
mod origin;
mod probe;
mod refuse;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::FutureExt as _;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout};
use tower::Service as _;
use tracing::{Instrument as _, field};
use twofold_api::{Reason, Refusal, public_url::PublicUrl};
use twofold_cosigner::{
    Cosigner,
    port::{Clock, chain::Chain, store::Store},
};
use twofold_identity::Identity;
use twofold_store::metric::SPANS;

pub(crate) use admit::Admitted;
pub(crate) use refuse::Outcome;

use bodies::Bodies;

use crate::{
    config::Limits,
    health::Health,
    listen::{Answer, Body, Peer},
    metric,
    rate::Rates,
    rpc::{Framework, Rpc},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Memory for the bodies of those who ask to join, in all and from one address. It is apart from what known devices have.
const JOINING: usize = 1024 * 1024;
const JOINING_PER_ADDRESS: usize = 64 * 1024;

/// Memory for questions after health, which nobody signs: apart from both, so that they take room from each other alone.
const PROBING: usize = 128 * 1024;
const PROBING_PER_ADDRESS: usize = 8 * 1024;

/// Answers every request that a connection brings.
pub(crate) struct Gate<S, C, K> {
    cosigner: Arc<Cosigner<S, C, K>>,
    service: Framework<S, C, K>,
    url: PublicUrl,
    origins: origin::Origins,
    limits: Limits,
    bodies: Bodies,
    joining: Bodies,
    probing: Bodies,
    probe: probe::Probe,
    rates: Arc<Rates>,
    health: Arc<Health>,
}

impl<S: Store, C: Chain, K: Clock> Gate<S, C, K> {
    pub(crate) fn new(
        cosigner: Arc<Cosigner<S, C, K>>,
        identity: Arc<Identity>,
        url: PublicUrl,
        origins: &[String],
        limits: Limits,
        rates: Arc<Rates>,
        health: Arc<Health>,
    ) -> Self {
        let service =
            Rpc::framework(Arc::clone(&cosigner), identity, Arc::clone(&health)).with_interceptor(refuse::Refuse);
        let mib = |count: u32| (count as usize).saturating_mul(1024 * 1024);
        let patience = Duration::from_secs(limits.body_seconds);
        let bodies = Bodies::new(mib(limits.bodies_mib), mib(limits.bodies_mib_per_address), patience);
        let joining = Bodies::new(JOINING, JOINING_PER_ADDRESS, patience);
        Self {
            cosigner,
            service,
            url,
            origins: origin::Origins::new(origins),
            limits,
            bodies,
            joining,
            probing: Bodies::new(PROBING, PROBING_PER_ADDRESS, patience),
            probe: probe::Probe::new(Arc::clone(&health)),
            rates,
            health,
        }
    }

    async fn call(
        &self,
        request: Request<Incoming>,
        peer: &Peer,
        procedure: &'static str,
        outcome: &Arc<Outcome>,
    ) -> Response<Body> {
        // Before it is looked whether any is taken: who drains counts it, or it is refused.
        let _under_way = self.health.drain().enter();
        let (mut parts, body) = request.into_parts();
        let asked = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let asked = asked.strip_prefix(self.url.base_path()).unwrap_or(&asked);
        parts.uri = http::Uri::from_static(procedure);
        parts.extensions.insert(Arc::clone(outcome));
        parts.extensions.insert(peer.clone());
        let shape = refuse::Shape::of(&parts);
        let run = async {
            if self.health.stopping() {
                let refusal = Refusal::new(Reason::ShuttingDown, "the server is stopping; try again in a moment");
                return self.refuse(&shape, outcome, refusal).await;
            }
            let admitted = self.admit(&parts, asked, body, peer);
            match admitted.instrument(tracing::info_span!(target: SPANS, "admit")).await {
                Ok((admitted, held)) => {
                    let answered = self.run(parts, held.bytes.clone(), Ok(admitted));
                    answered.instrument(tracing::info_span!(target: SPANS, "answer")).await
                }
                Err(refusal) => self.refuse(&shape, outcome, refusal).await,
            }
        };
        let whole = timeout(Duration::from_secs(self.limits.request_seconds), run);
        match AssertUnwindSafe(whole).catch_unwind().await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => self.refuse(&shape, outcome, Reason::DeadlineExceeded.into()).await,
            Err(_) => {
                metrics::counter!(metric::PANICS).increment(1);
                let refusal = Refusal::new(Reason::Internal, "something went wrong on the server");
                self.refuse(&shape, outcome, refusal).await
            }
        }
    }

    async fn run(&self, mut parts: request::Parts, body: Bytes, verdict: Result<Admitted, Refusal>) -> Response<Body> {
        parts.extensions.insert(refuse::Verdict(verdict));
        let response = self
            .service
            .clone()
            .call(Request::from_parts(parts, Full::new(body)))
            .await;
        let Ok(response) = response;
        response.map(http_body_util::BodyExt::boxed_unsync)
    }

    /// Answers with a refusal in the encoding that was asked in, whatever the body was.
    async fn refuse(&self, shape: &refuse::Shape, outcome: &Arc<Outcome>, refusal: Refusal) -> Response<Body> {
        let (mut parts, body) = shape.empty_request();
        parts.extensions.insert(Arc::clone(outcome));
        self.run(parts, body, Err(refusal)).await
    }
}

impl<S: Store, C: Chain, K: Clock> Gate<S, C, K> {
    /// gRPC's own way of asking for health: unsigned, and answered without data.
    async fn check(&self, request: Request<Incoming>, peer: &Peer, outcome: &Arc<Outcome>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        match self.probing.read(body, probe::MOST, peer.address()).await {
            Ok(held) => self.probe.answer(parts, held.bytes.clone()).await,
            Err(refusal) => {
                parts.uri = http::Uri::from_static(twofold_wire::METHODS[0].path);
                self.refuse(&refuse::Shape::of(&parts), outcome, refusal).await
            }
        }
    }

    /// What anybody may ask, and no call.
    fn plain(&self, method: &Method, procedure: Option<&str>, path: &str) -> (&'static str, Response<Body>) {
        match (procedure, path) {
            (Some(_), _) => ("other", plain(StatusCode::METHOD_NOT_ALLOWED, "ask by POST\n")),
            (None, "/health/live") if method == Method::GET => ("live", health(true)),
            (None, "/health/ready") if method == Method::GET => ("ready", health(self.health.ready())),
            (None, _) => ("other", plain(StatusCode::NOT_FOUND, "there is nothing here\n")),
        }
    }
}

impl<S: Store, C: Chain, K: Clock> Answer for Gate<S, C, K> {
    async fn answer(&self, request: Request<Incoming>, peer: &Peer) -> Response<Body> {
        let started = Instant::now();
        let id = request_id();
        let path = request.uri().path();
        let path = path.strip_prefix(self.url.base_path()).unwrap_or(path);
        let procedure = twofold_wire::METHODS
            .iter()
            .map(|method| method.path)
            .find(|procedure| *procedure == path);
        let outcome = Arc::new(Outcome::new(id.clone()));
        let page = self.origins.listed(request.headers()).cloned();
        // A span that has begun keeps its name.
        let called = procedure.map_or("other", short);
        let span = tracing::info_span!(
            target: SPANS, "request", otel.kind = "server", otel.name = called, otel.status_code = field::Empty,
            request_id = id, method = field::Empty, code = field::Empty, reason = field::Empty,
        );
        let (name, mut response) = match procedure {
            Some(_) if request.method() == Method::OPTIONS => match self.rates.address(peer.address()) {
                Ok(()) => ("preflight", origin::preflight(page.is_some())),
                Err(refusal) => ("other", too_many(&outcome.note(refusal))),
            },
            Some(procedure) if request.method() == Method::POST => {
                let answered = self.call(request, peer, procedure, &outcome).instrument(span.clone());
                (called, answered.await)
            }
            _ => match self.rates.address(peer.address()) {
                Ok(()) if probe::asks(request.method(), path) => ("check", self.check(request, peer, &outcome).await),
                Ok(()) => self.plain(request.method(), procedure, path),
                Err(refusal) => ("other", too_many(&outcome.note(refusal))),
            },
        };
        if let Some(page) = page {
            origin::allow(page, response.headers_mut());
        }
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        let took = started.elapsed();
        let code = outcome.code(response.status());
        metrics::counter!(metric::REQUESTS, "method" => name, "code" => code).increment(1);
        metrics::histogram!(metric::REQUEST_SECONDS, "method" => name).record(took);
        if called != name {
            span.record("otel.name", name);
        }
        span.record("method", name).record("code", code);
        if let Some(reason) = outcome.reason() {
            span.record("reason", reason);
        }
        if ["internal", "data_loss", "unknown"].contains(&code) {
            span.record("otel.status_code", "ERROR");
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        match outcome.reason() {
            // Whoever is past a rate writes no line by each request; the metrics count them.
            Some(reason) if reason == Reason::RateLimited.as_str() => {
                tracing::debug!(request_id = id, method = name, code, reason, micros, "refused");
            }
            Some(reason) => tracing::info!(request_id = id, method = name, code, reason, micros, "refused"),
            None if ["live", "ready", "check"].contains(&name) => {
                tracing::debug!(request_id = id, method = name, code, micros, "health");
            }
            None => tracing::info!(request_id = id, method = name, code, micros, "answered"),
        }
        response
    }
}

/// A procedure's name without its service's.
fn short(procedure: &'static str) -> &'static str {
    procedure.rsplit('/').next().unwrap_or(procedure)
}

fn health(fine: bool) -> Response<Body> {
    let (status, text) = if fine {
        (StatusCode::OK, "yes\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "no\n")
    };
    plain(status, text)
}

fn too_many(refusal: &Refusal) -> Response<Body> {
    let mut response = plain(StatusCode::TOO_MANY_REQUESTS, "too many requests: come back later\n");
    let seconds = HeaderValue::from(refusal.retry_after.unwrap_or(1));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Full::from(text).boxed_unsync());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 8 random bytes: enough to find a request in a log.
fn request_id() -> String {
    let mut bytes = [0; 8];
    // Without randomness nothing else works either; an id of zeros is the least of it.
    let _ = getrandom::getrandom(&mut bytes);
    hex::encode(bytes)
}
