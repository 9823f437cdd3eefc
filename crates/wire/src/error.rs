//! Refusals on the wire: the one place where codes, reasons and details meet the protocols' own.
//!
//! Every protocol carries a refusal as its code, a message and one `twofold.v1.ErrorDetail`.

use buffa::Message;
use twofold_api::{
    reason::{Code, Reason, Refusal},
    request::misleads,
    seal_key::OFFER_BYTES,
    server_time::ServerTime,
};
use twofold_threshold::identity::Signature64;

use crate::proto;

/// The detail's name in the protocols.
pub(crate) const DETAIL: &str = "twofold.v1.ErrorDetail";
/// Most characters of a message that is taken from a server.
const MESSAGE_CHARS: usize = 500;

/// A code's name in Connect.
#[must_use]
pub const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Unauthenticated => "unauthenticated",
        Code::PermissionDenied => "permission_denied",
        Code::NotFound => "not_found",
        Code::InvalidArgument => "invalid_argument",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::AlreadyExists => "already_exists",
        Code::ResourceExhausted => "resource_exhausted",
        Code::Unavailable => "unavailable",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::DataLoss => "data_loss",
        Code::Internal => "internal",
    }
}

/// A code's HTTP status.
#[must_use]
pub const fn http_status(code: Code) -> u16 {
    match code {
        Code::InvalidArgument | Code::FailedPrecondition => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        Code::Aborted | Code::AlreadyExists => 409,
        Code::ResourceExhausted => 429,
        Code::DataLoss | Code::Internal => 500,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
    }
}

/// The detail of a refusal, encoded.
#[cfg(any(test, feature = "server"))]
pub(crate) fn encode_detail(refusal: &Refusal) -> Vec<u8> {
    detail(refusal).encode_to_vec()
}

#[cfg(any(test, feature = "server"))]
fn detail(refusal: &Refusal) -> proto::ErrorDetail {
    proto::ErrorDetail {
        reason: refusal.reason.as_str().into(),
        help: refusal.reason.help().into(),
        retry_after_seconds: refusal.retry_after,
        culprits: refusal.culprits.iter().map(ToString::to_string).collect(),
        server_time: refusal.server_time.as_ref().map(|time| time.seconds),
        server_time_signature: refusal
            .server_time
            .as_ref()
            .map_or_else(Vec::new, |time| time.signature.0.to_vec()),
        seal_key: refusal.seal_key.clone().unwrap_or_default(),
        ..Default::default()
    }
}

/// Reads a refusal out of a message and an encoded detail. What can't be read in the detail is left out; a reason that
/// is not known here means that the server is newer.
pub(crate) fn decode_detail(message: &str, detail: &[u8]) -> Option<Refusal> {
    let detail = proto::ErrorDetail::decode_from_slice(detail).ok()?;
    let plain = |text: &str| {
        text.chars()
            .filter(|c| !misleads(*c))
            .take(MESSAGE_CHARS)
            .collect::<String>()
    };
    let (reason, message) = match Reason::parse(&detail.reason) {
        Some(reason) => (reason, plain(message)),
        None => (
            Reason::UpgradeRequired,
            plain(&format!("{}: {message} ({})", detail.reason, detail.help)),
        ),
    };
    let mut refusal = Refusal::new(reason, message).blaming(
        detail
            .culprits
            .iter()
            .take(3)
            .filter_map(|party| party.parse().ok())
            .collect(),
    );
    refusal.retry_after = detail.retry_after_seconds;
    if let (Some(seconds), Ok(signature)) = (detail.server_time, detail.server_time_signature.as_slice().try_into()) {
        refusal = refusal.telling_time(ServerTime {
            seconds,
            signature: Signature64(signature),
        });
    }
    refusal.seal_key = Some(detail.seal_key).filter(|offer| offer.len() == OFFER_BYTES);
    Some(refusal)
}

/// A refusal as the server's framework carries it, in whichever protocol was asked.
#[cfg(feature = "server")]
#[must_use]
pub fn connect(refusal: &Refusal) -> connectrpc::ConnectError {
    use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
    use connectrpc::{ConnectError, ErrorCode, ErrorDetail};

    let code = match refusal.reason.code() {
        Code::Unauthenticated => ErrorCode::Unauthenticated,
        Code::PermissionDenied => ErrorCode::PermissionDenied,
        Code::NotFound => ErrorCode::NotFound,
        Code::InvalidArgument => ErrorCode::InvalidArgument,
        Code::FailedPrecondition => ErrorCode::FailedPrecondition,
        Code::Aborted => ErrorCode::Aborted,
        Code::AlreadyExists => ErrorCode::AlreadyExists,
        Code::ResourceExhausted => ErrorCode::ResourceExhausted,
        Code::Unavailable => ErrorCode::Unavailable,
        Code::DeadlineExceeded => ErrorCode::DeadlineExceeded,
        Code::DataLoss => ErrorCode::DataLoss,
        Code::Internal => ErrorCode::Internal,
    };
    let error = ConnectError::new(code, refusal.message.as_ref()).with_detail(ErrorDetail {
        type_url: DETAIL.into(),
        value: Some(STANDARD_NO_PAD.encode(encode_detail(refusal))),
        debug: None,
    });
    match refusal.retry_after {
        Some(seconds) => error.with_headers(http::HeaderMap::from_iter([(
            http::header::RETRY_AFTER,
            seconds.into(),
        )])),
        None => error,
    }
}

/// The body of a refusal in Connect's unary form, for layers in front of the framework.
#[cfg(feature = "server")]
#[must_use]
pub fn connect_json(refusal: &Refusal) -> Vec<u8> {
    connect(refusal).to_json().into()
}

#[cfg(test)]
mod tests;
