//! From bytes to a known sender: by the headers alone first, and only then is a body read.

use std::sync::Arc;

use bytes::Bytes;
use http::{header, request};
use hyper::body::Body;
use twofold_api::{
    Reason, Refusal,
    limits::{BODY_BYTES, FORWARD_BYTES, JOIN_BYTES},
    procedure::{is_for_backends, takes_token},
    request::{Join, RollForward},
    signature::Proof,
};
use twofold_cosigner::{
    Announced, Caller, Inquirer, Newcomer,
    port::{Clock, chain::Chain, store::Store},
};
use twofold_identity::{Refused, Token};
use twofold_wire::client::Call as _;

use super::{
    Gate,
    bodies::{Held, too_large},
};
use crate::listen::Peer;

/// Who sent a request, its signature verified.
#[derive(Clone)]
pub(crate) enum Admitted {
    /// An enrolled device, and the token that it brings, if any.
    Device(Caller, Option<Arc<Token>>),
    /// The backend of an app.
    Backend(Inquirer),
    /// A key that asks to join, and the token that it brings, if any.
    Newcomer(Newcomer, Option<Arc<Token>>),
}

/// Who says that a body follows, by headers that are good.
enum Sender {
    Device(Announced<Caller>, Option<Arc<Token>>),
    Backend(Announced<Inquirer>),
    Newcomer(Announced<Newcomer>, Option<Arc<Token>>),
}

impl<S: Store, C: Chain, K: Clock> Gate<S, C, K> {
    /// Bounds, authenticates and reads a request, in this order. The memory of a body is taken only for the request of a
    /// device that is known, or for the few bytes of one that asks to join.
    pub(super) async fn admit<B>(
        &self,
        parts: &request::Parts,
        asked: &str,
        mut body: B,
        peer: &Peer,
    ) -> Result<(Admitted, Held), Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn core::error::Error + Send + Sync>>,
    {
        let sender = match self.sender(parts, asked, peer).await {
            Ok(sender) => sender,
            Err(refusal) => {
                // Who waits for a word before sending a body gets the refusal instead.
                if refusal.reason != Reason::TooLarge && !parts.headers.contains_key(header::EXPECT) {
                    self.bodies.discard(&mut body).await;
                }
                return Err(refusal);
            }
        };
        match sender {
            Sender::Device(caller, token) => {
                let body = self.bodies.read(body, most(parts), peer.address()).await?;
                Ok((Admitted::Device(caller.arrived(&body.bytes)?, token), body))
            }
            Sender::Backend(inquirer) => {
                let body = self.bodies.read(body, most(parts), peer.address()).await?;
                Ok((Admitted::Backend(inquirer.arrived(&body.bytes)?), body))
            }
            Sender::Newcomer(newcomer, token) => {
                let body = self.joining.read(body, most(parts), peer.address()).await?;
                Ok((Admitted::Newcomer(newcomer.arrived(&body.bytes)?, token), body))
            }
        }
    }

    /// Finds out from the headers who sends a request. Nothing is looked up until their signature has been verified.
    async fn sender(&self, parts: &request::Parts, asked: &str, peer: &Peer) -> Result<Sender, Refusal> {
        self.rates.address(peer.address())?;
        self.origins.check(&parts.headers)?;
        // Joining is the one procedure that a key may call before it is known.
        let joins = parts.uri.path() == Join::PATH;
        let most = most(parts);
        if announced(parts).is_some_and(|length| length > most as u64) {
            return Err(too_large(most));
        }
        let target = self.url.target(asked);
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        let proof = Proof::parse(parts.method.as_str(), &target, headers)?;
        let sender = if joins {
            let newcomer = self.cosigner.authenticate_newcomer(&proof)?;
            self.rates.device(newcomer.device())?;
            Sender::Newcomer(newcomer, token(parts)?)
        } else if is_for_backends(name(parts)) {
            let inquirer = self.cosigner.authenticate_backend(&proof)?;
            self.rates.device(inquirer.device())?;
            peer.known();
            Sender::Backend(inquirer)
        } else {
            let caller = self.cosigner.authenticate(&proof).await?;
            self.rates.device(caller.device())?;
            let sharer = (caller.user(), caller.is_new());
            self.rates.user(sharer)?;
            if let Some(wallet) = caller.wallet() {
                self.rates.wallet(sharer, wallet)?;
            }
            peer.known();
            let token = if takes_token(name(parts)) { token(parts)? } else { None };
            Sender::Device(caller, token)
        };
        if asked.contains('?') {
            return Err(Refusal::new(Reason::Malformed, "a procedure takes no query"));
        }
        Ok(sender)
    }
}

/// The procedure that is asked, by its name.
fn name(parts: &request::Parts) -> &str {
    parts.uri.path().rsplit('/').next().unwrap_or_default()
}

/// Most bytes of a procedure's body.
fn most(parts: &request::Parts) -> usize {
    match parts.uri.path() {
        path if path == Join::PATH => JOIN_BYTES,
        path if path == RollForward::PATH => FORWARD_BYTES,
        _ => BODY_BYTES,
    }
}

/// The token of a sign-in, which the signature covers as any `Authorization` header.
fn token(parts: &request::Parts) -> Result<Option<Arc<Token>>, Refusal> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let token = value
        .to_str()
        .map_err(|_| Refused::Malformed)
        .and_then(Token::from_header);
    let token = token.map_err(|why| Refusal::new(Reason::TokenInvalid, why.to_string()))?;
    Ok(Some(Arc::new(token)))
}

fn announced(parts: &request::Parts) -> Option<u64> {
    parts.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
