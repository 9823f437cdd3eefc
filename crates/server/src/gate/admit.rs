//! From bytes to a known sender.

use http::{header, request};
use hyper::body::Incoming;
use twofold_api::{Reason, Refusal, limits::BODY_BYTES, request::Join, signature::Proof};
use twofold_cosigner::{
    Caller, Newcomer,
    port::{Clock, chain::Chain, store::Store},
};
use twofold_wire::client::Call as _;

use super::{
    Gate,
    bodies::{Held, too_large},
};
use crate::listen::Peer;

/// Who sent a request, its signature verified.
#[derive(Clone)]
pub(crate) enum Admitted {
    /// An enrolled device.
    Device(Caller),
    /// A key that asks to join.
    Newcomer(Newcomer),
}

impl<S: Store, C: Chain, K: Clock> Gate<S, C, K> {
    /// Bounds, reads and authenticates a request. Nothing is kept of one that fails, and until its signature has been
    /// verified nothing is looked up and its body is bytes.
    pub(super) async fn admit(
        &self,
        parts: &request::Parts,
        asked: &str,
        body: Incoming,
        peer: &Peer,
    ) -> Result<(Admitted, Held), Refusal> {
        self.rates.address(peer.address())?;
        if announced(parts).is_some_and(|length| length > BODY_BYTES as u64) {
            return Err(too_large());
        }
        let body = self.bodies.read(body).await?;
        let target = self.url.target(asked);
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        let proof = Proof::parse(parts.method.as_str(), &target, headers)?;
        // Joining is the one procedure that a key may call before it is known.
        let admitted = if parts.uri.path() == Join::PATH {
            let newcomer = self.cosigner.authenticate_newcomer(&proof, &body.bytes)?;
            self.rates.device(newcomer.device())?;
            Admitted::Newcomer(newcomer)
        } else {
            let caller = self.cosigner.authenticate(&proof, &body.bytes).await?;
            self.rates.device(caller.device())?;
            if let Some(wallet) = caller.wallet() {
                self.rates.wallet(caller.user(), wallet)?;
            }
            peer.known();
            Admitted::Device(caller)
        };
        if asked.contains('?') {
            return Err(Refusal::new(Reason::Malformed, "a procedure takes no query"));
        }
        Ok((admitted, body))
    }
}

fn announced(parts: &request::Parts) -> Option<u64> {
    parts.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
