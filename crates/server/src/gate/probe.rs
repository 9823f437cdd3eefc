//! `grpc.health.v1.Health/Check`, as load balancers and orchestrators ask it, in each of the framework's encodings.
//!
//! The messages have one field each, so they are read and written here. `Watch` is not implemented, as the protocol
//! allows: who asks for it falls back to `Check`.

use std::sync::Arc;

use bytes::Bytes;
use connectrpc::{
    CodecFormat, ConnectError, ConnectRpcService, Dispatcher, EncodedBody, Payload, RequestContext, Response, Spec,
    StreamType,
    dispatcher::{MethodDescriptor, RequestStream, StreamingResult, UnaryResult},
};
use http::{Method, request};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use tower::Service as _;
use twofold_wire::service::NAME;

use crate::{health::Health, listen::Body};

const CHECK: &str = "/grpc.health.v1.Health/Check";
/// Most bytes of a question: it holds the name of a service.
pub(super) const MOST: usize = 1024;

/// Whether this is a question for here.
pub(super) fn asks(method: &Method, path: &str) -> bool {
    method == Method::POST && path == CHECK
}

/// Answers what anybody may ask by gRPC.
pub(super) struct Probe(ConnectRpcService<Checks>);

impl Probe {
    pub(super) fn new(health: Arc<Health>) -> Self {
        Self(ConnectRpcService::new(Checks(health)))
    }

    pub(super) async fn answer(&self, mut parts: request::Parts, body: Bytes) -> http::Response<Body> {
        // The proxy's base path is no part of a procedure's name.
        parts.uri = http::Uri::from_static(CHECK);
        let request = http::Request::from_parts(parts, Full::new(body));
        let Ok(response) = self.0.clone().call(request).await;
        response.map(http_body_util::BodyExt::boxed_unsync)
    }
}

struct Checks(Arc<Health>);

/// `HealthCheckRequest`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    #[serde(default)]
    service: String,
}

/// `HealthCheckResponse` in JSON.
#[derive(Serialize)]
struct Said {
    status: &'static str,
}

impl Question {
    fn parse(bytes: &[u8], format: CodecFormat) -> Option<Self> {
        if format == CodecFormat::Json {
            // A list of its fields would do for serde as well, and is no message.
            let message: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(bytes).ok()?;
            return serde_json::from_value(message.into()).ok();
        }
        // Field 1, with a length that fits one byte; nothing at all is the empty name.
        let service = match bytes {
            [] => &[],
            [0x0a, length, name @ ..] if *length < 0x80 && usize::from(*length) == name.len() => name,
            _ => return None,
        };
        let service = String::from_utf8(service.to_vec()).ok()?;
        Some(Self { service })
    }
}

impl Checks {
    fn answer(&self, bytes: &[u8], format: CodecFormat) -> Result<Response<EncodedBody>, ConnectError> {
        let Some(question) = Question::parse(bytes, format) else {
            return Err(ConnectError::invalid_argument("ask for one service by its name"));
        };
        // The empty name is the server as a whole.
        if !["", NAME].contains(&question.service.as_str()) {
            return Err(ConnectError::not_found("there is no such service here"));
        }
        let (number, status) = if self.0.ready() {
            (1, "SERVING")
        } else {
            (2, "NOT_SERVING")
        };
        let bytes = if format == CodecFormat::Json {
            serde_json::to_vec(&Said { status }).map_err(|_| ConnectError::internal("no answer"))?
        } else {
            vec![0x08, number]
        };
        Ok(Response::new(EncodedBody::from(Bytes::from(bytes))))
    }
}

impl Dispatcher for Checks {
    fn lookup(&self, path: &str) -> Option<MethodDescriptor> {
        (CHECK.strip_prefix('/') == Some(path))
            .then(|| MethodDescriptor::unary(false).with_spec(Spec::server(CHECK, StreamType::Unary)))
    }

    fn call_unary(&self, _: &str, _: RequestContext, payload: Payload, format: CodecFormat) -> UnaryResult {
        let answer = payload.encoded().and_then(|bytes| self.answer(&bytes, format));
        Box::pin(async move { answer })
    }

    fn call_server_streaming(&self, _: &str, _: RequestContext, _: Bytes, _: CodecFormat) -> StreamingResult {
        Box::pin(async { Err(unary()) })
    }

    fn call_client_streaming(&self, _: &str, _: RequestContext, _: RequestStream, _: CodecFormat) -> UnaryResult {
        Box::pin(async { Err(unary()) })
    }

    fn call_bidi_streaming(&self, _: &str, _: RequestContext, _: RequestStream, _: CodecFormat) -> StreamingResult {
        Box::pin(async { Err(unary()) })
    }
}

/// The framework asks for streams only of a procedure that is described as one.
fn unary() -> ConnectError {
    ConnectError::unimplemented("this procedure has one question and one answer")
}

#[cfg(test)]
mod tests;
