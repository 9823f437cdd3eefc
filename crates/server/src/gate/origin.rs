//! Web pages that may ask: those of the origins that the operator listed, and no others (the Fetch standard's CORS).
//!
//! A page adds an `Origin` header that its script can't take away. Whatever is no page (a command line, a phone, another
//! server) sends none, and is not concerned.

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use twofold_api::{Reason, Refusal};

use crate::listen::Body;

/// What a page's script may send, beside what any page may.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "content-type, content-digest, twofold-protocol, twofold-wallet, signature-input, signature, authorization, \
     connect-protocol-version, connect-timeout-ms, x-grpc-web, x-user-agent, grpc-timeout",
);
/// What it may read of an answer.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("x-request-id, retry-after, grpc-status, grpc-message, grpc-status-details-bin");
/// How long it may remember that, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

/// The origins that the operator listed.
#[derive(Debug)]
pub(super) struct Origins(Vec<HeaderValue>);

impl Origins {
    pub(super) fn new(listed: &[String]) -> Self {
        Self(
            listed
                .iter()
                .filter_map(|origin| HeaderValue::from_str(origin).ok())
                .collect(),
        )
    }

    /// The listed origin that a request comes from.
    pub(super) fn listed(&self, headers: &HeaderMap) -> Option<&HeaderValue> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (Some(origin), None) => self.0.iter().find(|listed| *listed == origin),
            _ => None,
        }
    }

    /// Refuses what comes from a page that is not listed.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if !headers.contains_key(header::ORIGIN) || self.listed(headers).is_some() {
            return Ok(());
        }
        Err(Reason::OriginRefused.into())
    }
}

/// Answers a browser that asks whether a page may ask.
pub(super) fn preflight(listed: bool) -> Response<Body> {
    if !listed {
        return super::plain(StatusCode::FORBIDDEN, "this server answers no page of that origin\n");
    }
    let mut response = super::plain(StatusCode::NO_CONTENT, "");
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
    response
}

/// Lets a listed page read an answer.
pub(super) fn allow(page: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, page);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}
