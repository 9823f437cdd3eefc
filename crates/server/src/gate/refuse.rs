//! Refusals, in the encoding of the protocol that was asked in.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use connectrpc::{
    ConnectError,
    interceptor::{
        Interceptor, Next, NextStream, PayloadStream, StreamRequest, StreamResponse, UnaryRequest, UnaryResponse,
        async_trait,
    },
};
use http::{HeaderMap, Method, Request, StatusCode, Uri, header, request};
use twofold_api::{Reason, Refusal};
use twofold_wire::error::{code_name, connect};

use super::Admitted;

/// What the gate found, on its way to the interceptor.
#[derive(Clone)]
pub(super) struct Verdict(pub(super) Result<Admitted, Refusal>);

/// Lets nothing through that the gate did not admit. A request that never came by the gate has no verdict and fails.
pub(super) struct Refuse;

#[async_trait]
impl Interceptor for Refuse {
    async fn intercept_unary(&self, mut request: UnaryRequest, next: Next<'_>) -> Result<UnaryResponse, ConnectError> {
        let outcome = admitted(request.ctx.extensions_mut())?;
        let answered = next.run(request).await;
        if let Err(error) = &answered {
            outcome.note_code(error.code.as_str());
        }
        answered
    }

    async fn intercept_streaming(
        &self,
        mut request: StreamRequest,
        inbound: PayloadStream,
        next: NextStream<'_>,
    ) -> Result<StreamResponse, ConnectError> {
        let outcome = admitted(request.ctx.extensions_mut())?;
        let answered = next.run(request, inbound).await;
        if let Err(error) = &answered {
            outcome.note_code(error.code.as_str());
        }
        answered
    }
}

/// Takes the gate's verdict out; who was admitted is left in its place.
fn admitted(extensions: &mut http::Extensions) -> Result<Arc<Outcome>, ConnectError> {
    let verdict = extensions.remove::<Verdict>();
    let outcome = extensions.get::<Arc<Outcome>>().cloned().unwrap_or_default();
    match verdict {
        Some(Verdict(Ok(admitted))) => {
            extensions.insert(admitted);
            Ok(outcome)
        }
        Some(Verdict(Err(refusal))) => Err(connect(&outcome.note(refusal))),
        None => Err(connect(&outcome.note(Reason::Internal.into()))),
    }
}

/// How a request ended, for log and metrics.
#[derive(Default)]
pub(crate) struct Outcome {
    id: String,
    code: OnceLock<&'static str>,
    reason: OnceLock<Reason>,
}

impl Outcome {
    pub(crate) fn new(id: String) -> Self {
        Self { id, ..Self::default() }
    }

    /// Notes a refusal. What went wrong inside the server is not for the caller: it gets the request's id.
    pub(crate) fn note(&self, mut refusal: Refusal) -> Refusal {
        if refusal.reason == Reason::Internal {
            refusal.message = format!("something went wrong on the server, in request {}", self.id).into();
        }
        let _ = self.reason.set(refusal.reason);
        self.note_code(code_name(refusal.reason.code()));
        refusal
    }

    pub(super) fn note_code(&self, code: &'static str) {
        let _ = self.code.set(code);
    }

    /// The gRPC code in words, or the HTTP status where no procedure was reached.
    pub(super) fn code(&self, status: StatusCode) -> &'static str {
        self.code.get().copied().unwrap_or(match status.as_u16() {
            200 => "ok",
            404 => "not_found",
            405 | 415 => "unimplemented",
            503 => "unavailable",
            _ => "unknown",
        })
    }

    pub(super) fn reason(&self) -> Option<&'static str> {
        self.reason.get().map(|reason| reason.as_str())
    }
}

/// As much of a request as its answer's encoding depends on.
pub(super) struct Shape {
    uri: Uri,
    headers: HeaderMap,
}

impl Shape {
    pub(super) fn of(parts: &request::Parts) -> Self {
        let mut headers = HeaderMap::new();
        for name in [header::CONTENT_TYPE, header::ACCEPT, header::TE] {
            if let Some(value) = parts.headers.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        Self {
            uri: parts.uri.clone(),
            headers,
        }
    }

    /// A request with an empty message in the same encoding: the decoder reaches the interceptor and reads nothing.
    pub(super) fn empty_request(&self) -> (request::Parts, Bytes) {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = Method::POST;
        parts.uri = self.uri.clone();
        parts.headers = self.headers.clone();
        let enveloped = self.headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
            let kind = kind.as_bytes();
            kind.starts_with(b"application/grpc") || kind.starts_with(b"application/connect+")
        });
        let body = if enveloped {
            Bytes::from_static(&[0; 5])
        } else {
            Bytes::new()
        };
        (parts, body)
    }
}
