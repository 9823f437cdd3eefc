//! JSON-RPC calls: a deadline each, and repeated where a fault may pass.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use hyper::{StatusCode, Uri};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use twofold_link::{Breaker, Policy, Standing};

use super::{BadUrl, Config, Credentials, link::Link};
use crate::fault::{Fault, tidy};

/// Connections kept open between calls. bitcoind serves four at a time unless told otherwise.
const IDLE_LINKS: usize = 4;
/// `RPC_IN_WARMUP`.
const WARMING_UP: i64 = -28;

/// The node's answer. Old ones send `result` and `error` both, one of them null.
#[derive(Deserialize)]
struct Reply<T> {
    id: Option<u64>,
    result: Option<T>,
    error: Option<ErrorObject>,
}

#[derive(Deserialize)]
struct ErrorObject {
    code: i64,
    message: String,
}

/// The value of the `Authorization` header: name and password, as good as in the clear.
#[derive(Clone)]
pub(super) struct Authorization(String);

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}

/// Calls to one node.
#[derive(Debug)]
pub(super) struct Rpc {
    uri: Uri,
    host: String,
    port: u16,
    credentials: Credentials,
    deadline: Duration,
    authorization: Mutex<Option<Authorization>>,
    idle: Mutex<Vec<Link>>,
    requests: AtomicU64,
    breaker: Box<Breaker>,
}

impl Rpc {
    pub(super) fn new(config: Config) -> Result<Self, BadUrl> {
        let Config {
            url,
            credentials,
            deadline,
        } = config;
        let uri = url.parse::<Uri>().map_err(|_| BadUrl(url.clone()))?;
        let plain = uri.scheme_str() == Some("http") && matches!(uri.path(), "" | "/") && uri.query().is_none();
        let (Some(host), Some(port), true) = (uri.host(), uri.port_u16(), plain) else {
            return Err(BadUrl(url));
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self {
            uri,
            host,
            port,
            credentials,
            deadline,
            authorization: Mutex::new(None),
            idle: Mutex::new(Vec::new()),
            requests: AtomicU64::new(0),
            breaker: Box::new(Breaker::new(Policy::default())),
        })
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// How the link is.
    pub(super) fn standing(&self) -> Standing {
        self.breaker.standing()
    }

    /// Calls a method; the answer may have `limit` bytes. While the node has been away for long it is asked once, not until the
    /// deadline.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
        limit: usize,
    ) -> Result<T, Fault> {
        let mut last = None;
        let tries = async {
            let (mut pauses, again) = (self.breaker.policy().pauses(), self.breaker.may_try_again());
            loop {
                match self.once(method, &params, limit).await {
                    Err(Fault::Passing(why)) if again => {
                        tracing::debug!(method, why, "asking the node again");
                        self.breaker.failed(&tidy(&why));
                        last = Some(why);
                    }
                    answer => return answer,
                }
                sleep(pauses.take()).await;
            }
        };
        let answer = timeout(self.deadline, tries).await;
        let answer = answer.unwrap_or_else(|_| {
            let why = last.map_or_else(String::new, |why| format!(": {why}"));
            Err(Fault::Passing(format!(
                "{method}: no answer within {:?}{why}",
                self.deadline
            )))
        });
        match &answer {
            // One that says no is there.
            Ok(_) | Err(Fault::Refused { .. }) => {
                self.breaker.answered();
            }
            Err(Fault::Passing(why) | Fault::Lasting(why)) => {
                self.breaker.failed(&tidy(why));
            }
        }
        answer
    }

    async fn once<T: DeserializeOwned>(&self, method: &'static str, params: &Value, limit: usize) -> Result<T, Fault> {
        let id = self.requests.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string();
        let authorization = self.authorization()?;
        let mut link = match self.idle_link() {
            Some(link) => link,
            None => Link::connect(&self.host, self.port).await?,
        };
        let (status, body) = link.post(&self.uri, &authorization.0, Bytes::from(body), limit).await?;
        match status {
            StatusCode::UNAUTHORIZED => {
                // A node that has restarted has written another cookie; a wrong password stays wrong.
                *lock(&self.authorization) = None;
                return Err(match self.credentials {
                    Credentials::Cookie(_) => Fault::Passing("it refuses the cookie".to_owned()),
                    Credentials::UserPassword { .. } => Fault::Lasting("it refuses the user and password".to_owned()),
                });
            }
            StatusCode::FORBIDDEN => {
                return Err(Fault::Lasting(
                    "it takes no calls from this address (rpcallowip)".to_owned(),
                ));
            }
            StatusCode::SERVICE_UNAVAILABLE => return Err(Fault::Passing("it has too much to do".to_owned())),
            _ => {}
        }
        let reply: Reply<T> = serde_json::from_slice(&body).map_err(|error| {
            Fault::Lasting(format!(
                "{method}: its answer (status {status}) makes no sense: {error}"
            ))
        })?;
        if reply.id != Some(id) {
            return Err(Fault::Lasting(format!("{method}: it answers another call")));
        }
        self.keep(link);
        match (reply.result, reply.error) {
            (
                _,
                Some(ErrorObject {
                    code: WARMING_UP,
                    message,
                }),
            ) => Err(Fault::Passing(message)),
            (_, Some(ErrorObject { code, message })) => Err(Fault::Refused {
                code,
                message: tidy(&message),
            }),
            (Some(result), None) => Ok(result),
            (None, None) => Err(Fault::Lasting(format!("{method}: neither result nor error"))),
        }
    }

    pub(super) fn authorization(&self) -> Result<Authorization, Fault> {
        let mut known = lock(&self.authorization);
        if let Some(header) = &*known {
            return Ok(header.clone());
        }
        // A node that is starting has not written its cookie yet.
        let header = self
            .credentials
            .header()
            .map(Authorization)
            .map_err(|error| Fault::Passing(format!("the node's cookie: {error}")))?;
        *known = Some(header.clone());
        Ok(header)
    }

    fn idle_link(&self) -> Option<Link> {
        let mut idle = lock(&self.idle);
        std::iter::from_fn(|| idle.pop()).find(Link::is_open)
    }

    fn keep(&self, link: Link) {
        let mut idle = lock(&self.idle);
        if idle.len() < IDLE_LINKS {
            idle.push(link);
        }
    }
}

/// What these guard is replaced whole, so a panic elsewhere leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
