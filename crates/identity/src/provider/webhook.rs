//! An app with sessions of its own: it is asked whose token this is.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};
use twofold_link::{Breaker, Policy, Standing};
use zeroize::Zeroizing;

use super::{Kind, Provider, hmac::SharedSecret};
use crate::{
    claims::is_subject,
    person::Person,
    refused::{Fault, Refused, SetupFault},
    rule::Admission,
    token::Token,
    url::WebUrl,
    waiting::{SOON, Waiting},
    web::{Ask, Trust, Web},
};

/// Longest answer, in bytes.
const LONGEST: usize = 16 << 10;
/// Questions under way at once; the next ones wait their turn, as long as one may take and as far as there are places.
const AT_ONCE: usize = 32;

/// Settings of an app that is asked.
#[derive(Debug)]
pub struct Webhook {
    /// What its users' issuer is called: a name of the operator's choice, never to be changed.
    pub issuer: String,
    /// Where it is asked.
    pub url: WebUrl,
    /// What shows the app that this server asks, unless the certificate does.
    pub secret: Option<SharedSecret>,
    /// Whose certificates are believed, and the one that is shown.
    pub trust: Trust,
    /// Who may become a user.
    pub admission: Admission,
}

/// The app.
#[derive(Debug)]
pub(super) struct App {
    issuer: String,
    url: WebUrl,
    authorization: Option<Header>,
    web: Web,
    admission: Admission,
    turns: Arc<Semaphore>,
    waiting: Waiting,
    breaker: Breaker,
}

/// The value of a header that shows who asks.
struct Header(Zeroizing<String>);

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("redacted")
    }
}

/// What the app says.
#[derive(Deserialize)]
struct Answer {
    user_id: String,
    auth_time: Option<u64>,
    #[serde(default)]
    second_factor: bool,
}

impl Webhook {
    /// Ready to be asked.
    pub fn provider(self) -> Result<Provider, SetupFault> {
        let what = if self.issuer.is_empty() || self.issuer.len() > 255 {
            "its issuer is a name of 1 to 255 characters"
        } else if self.secret.is_none() && !self.trust.shows_one() {
            "the app must know who asks: give a secret or a certificate"
        } else if matches!(self.admission, Admission::Claim { .. }) {
            "an app's answer has no claims; list people, or let the app say who they are"
        } else {
            return Ok(Provider(Kind::App(Box::new(App {
                authorization: self
                    .secret
                    .map(|secret| Header(Zeroizing::new(format!("Bearer {}", secret.expose())))),
                web: Web::new(self.trust)?,
                issuer: self.issuer,
                url: self.url,
                admission: self.admission,
                turns: Arc::new(Semaphore::new(AT_ONCE)),
                waiting: Waiting::default(),
                breaker: Breaker::new(Policy::default()),
            }))));
        };
        Err(SetupFault::Setting {
            issuer: self.issuer,
            what,
        })
    }
}

impl App {
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn standing(&self) -> Standing {
        self.breaker.standing()
    }

    pub(super) async fn person(&self, token: &Token, now: u64) -> Result<Person, Fault> {
        let Some(_place) = self.waiting.enter() else {
            return Err(self.unavailable("too many wait for its answer"));
        };
        let turn = timeout(self.web.patience(), self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(self.unavailable("it is asked too much at once"));
        };
        let answer = match self.noted(token).await {
            // A second time, for a fault that may pass; not while it has been away for long.
            Err(_) if self.breaker.may_try_again() => {
                sleep(self.breaker.policy().pauses().take()).await;
                self.noted(token).await
            }
            answered => answered,
        };
        match answer.map_err(|why| self.unavailable(&why))? {
            Verdict::Known(answer) => self.known(answer, now),
            Verdict::Disowned => Err(Refused::Disowned.into()),
            Verdict::Nobody => Err(Fault::Forbidden("the app knows no such user")),
        }
    }

    async fn noted(&self, token: &Token) -> Result<Verdict, String> {
        let answer = self.once(token).await;
        match &answer {
            Ok(_) => self.breaker.answered(),
            Err(why) => self.breaker.failed(why),
        };
        answer
    }

    async fn once(&self, token: &Token) -> Result<Verdict, String> {
        let ask = Ask {
            method: Method::POST,
            authorization: self.authorization.as_ref().map(|header| header.0.as_str()),
            body: Bytes::from(json!({ "token": token.expose() }).to_string()),
            limit: LONGEST,
        };
        let (status, body) = self.web.ask(&self.url, ask).await?;
        match status {
            StatusCode::OK => serde_json::from_slice(&body)
                .map(Verdict::Known)
                .map_err(|error| format!("{}: its answer makes no sense: {error}", self.url)),
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => Ok(Verdict::Disowned),
            StatusCode::NOT_FOUND => Ok(Verdict::Nobody),
            status => Err(format!("{} answers {status}", self.url)),
        }
    }

    fn known(&self, answer: Answer, now: u64) -> Result<Person, Fault> {
        if !is_subject(&answer.user_id) {
            return Err(self.unavailable("it names a user by nothing that can be a name"));
        }
        Ok(Person {
            issuer: self.issuer.clone(),
            admitted: self.admission.admits(&answer.user_id, &serde_json::Map::new()),
            subject: answer.user_id,
            authenticated: answer
                .auth_time
                .filter(|at| *at <= now.saturating_add(crate::claims::SKEW)),
            second_factor: answer.second_factor,
        })
    }

    fn unavailable(&self, why: &str) -> Fault {
        tracing::warn!(issuer = self.issuer, why, "the app can't say whose token it is");
        Fault::Unavailable {
            issuer: self.issuer.clone(),
            why: why.to_owned(),
            retry_after: SOON,
        }
    }
}

enum Verdict {
    Known(Answer),
    Disowned,
    Nobody,
}
