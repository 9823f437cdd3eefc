//! From bytes to a known sender.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{header, request};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;
use twofold_api::{Reason, Refusal, limits::BODY_BYTES, signature::Proof};
use twofold_cosigner::{
    Caller, Newcomer,
    port::{Clock, chain::Chain, store::Store},
};

use super::Gate;

/// Who sent a request, its signature verified.
#[derive(Clone)]
pub(crate) enum Admitted {
    /// An enrolled device.
    Device(Caller),
    /// A key that asks to join.
    Newcomer(Newcomer),
}

/// The one procedure that a key may call before it is known.
const JOIN: &str = "/twofold.v1.CosignerService/Join";

impl<S: Store, C: Chain, K: Clock> Gate<S, C, K> {
    /// Bounds, reads and authenticates a request. Nothing is kept of one that fails, and until its signature has been
    /// verified nothing is looked up and its body is bytes.
    pub(super) async fn admit(
        &self,
        parts: &request::Parts,
        asked: &str,
        body: Incoming,
        peer: SocketAddr,
    ) -> Result<(Admitted, Bytes), Refusal> {
        self.rates.address(peer.ip())?;
        if announced(parts).is_some_and(|length| length > BODY_BYTES as u64) {
            return Err(too_large());
        }
        let body = self.read(body).await?;
        let target = self.url.target(asked);
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        let proof = Proof::parse(parts.method.as_str(), &target, headers)?;
        let admitted = if parts.uri.path() == JOIN {
            let newcomer = self.cosigner.authenticate_newcomer(&proof, &body)?;
            self.rates.device(newcomer.device())?;
            Admitted::Newcomer(newcomer)
        } else {
            let caller = self.cosigner.authenticate(&proof, &body).await?;
            self.rates.device(caller.device())?;
            if let Some(wallet) = caller.wallet() {
                self.rates.wallet(caller.user(), wallet)?;
            }
            Admitted::Device(caller)
        };
        if asked.contains('?') {
            return Err(Refusal::new(Reason::Malformed, "a procedure takes no query"));
        }
        Ok((admitted, body))
    }

    async fn read(&self, body: Incoming) -> Result<Bytes, Refusal> {
        let read = Limited::new(body, BODY_BYTES).collect();
        match timeout(Duration::from_secs(self.limits.body_seconds), read).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => Err(Refusal::new(Reason::Malformed, "the body broke off")),
            Err(_) => Err(Refusal::new(
                Reason::DeadlineExceeded,
                "the body took too long to arrive",
            )),
        }
    }
}

fn announced(parts: &request::Parts) -> Option<u64> {
    parts.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large() -> Refusal {
    Refusal::new(
        Reason::TooLarge,
        format!("a request body has at most {} KiB", BODY_BYTES / 1024),
    )
}
