//! A provider's keys, kept for a while: an hour at most, and asked for once a minute at most, whatever tokens come.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use twofold_link::{Breaker, Policy, Standing};

use super::{Algorithm, Found, Key, KeySet};
use crate::{
    claims::SKEW,
    refused::{Fault, Refused},
    waiting::{SOON, Waiting},
};

/// Seconds after which keys are used no more.
pub(crate) const LONGEST: u64 = 3600;
/// Seconds after which they are asked for again, while the old ones still serve.
pub(crate) const FRESH: u64 = 1800;
/// Seconds between two times of asking.
pub(crate) const PAUSE: u64 = 60;

/// Where keys come from. It is asked in a task of its own, so that no caller who leaves takes the answer along.
pub(crate) trait Fetch: Send + Sync + 'static {
    fn fetch(&self) -> impl Future<Output = Result<KeySet, String>> + Send;
}

/// The keys that are known.
#[derive(Debug)]
pub(crate) struct Cache<F> {
    issuer: String,
    source: F,
    known: Mutex<Known>,
    one_at_a_time: tokio::sync::Mutex<()>,
    waiting: Waiting,
    breaker: Breaker,
}

#[derive(Debug, Default)]
struct Known {
    keys: Option<(Arc<KeySet>, u64)>,
    tried: Option<Try>,
}

#[derive(Debug, Clone)]
struct Try {
    at: u64,
    trouble: Option<String>,
}

/// What a token says of its key.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) algorithm: Algorithm,
    /// When the token was made, by its own word.
    pub(crate) made: Option<u64>,
}

impl<F: Fetch> Cache<F> {
    pub(crate) fn new(issuer: &str, source: F) -> Arc<Self> {
        Arc::new(Self {
            issuer: issuer.to_owned(),
            source,
            known: Mutex::default(),
            one_at_a_time: tokio::sync::Mutex::default(),
            waiting: Waiting::default(),
            breaker: Breaker::new(Policy::default()),
        })
    }

    /// How the link is.
    pub(crate) fn standing(&self) -> Standing {
        self.breaker.standing()
    }

    /// The key that a token is signed by.
    pub(crate) async fn key(self: &Arc<Self>, asked: Asked<'_>, now: u64) -> Result<Arc<Key>, Fault> {
        let fresh = self
            .kept(now)
            .map(|(keys, fetched)| (keys.find(asked.name, asked.algorithm), fetched));
        match fresh {
            Some((Found::None, _)) | None if self.due(now) => {
                let Some(_place) = self.waiting.enter() else {
                    return Err(self.unavailable("too many wait for its keys", SOON));
                };
                // Whoever waits here leaves with the same answer, and nobody asks twice.
                let cache = Arc::clone(self);
                let refreshed = tokio::spawn(async move { cache.refresh(now).await });
                let _ = refreshed.await;
                self.decide(asked, now)
            }
            Some((Found::None, _)) | None => self.decide(asked, now),
            Some((found, fetched)) => {
                if fetched.abs_diff(now) > FRESH && self.due(now) {
                    let cache = Arc::clone(self);
                    tokio::spawn(async move { cache.refresh(now).await });
                }
                self.found(found)
            }
        }
    }

    fn decide(&self, asked: Asked<'_>, now: u64) -> Result<Arc<Key>, Fault> {
        let tried = self.known().tried.clone();
        let trouble = tried.as_ref().and_then(|tried| tried.trouble.clone());
        let next = tried.map_or(PAUSE, |tried| PAUSE.saturating_sub(tried.at.abs_diff(now)).max(1));
        let Some((keys, fetched)) = self.kept(now) else {
            return Err(self.unavailable(trouble.as_deref().unwrap_or("its keys are not known yet"), next));
        };
        // One that says of itself that it was made in the future is no good whoever signed it.
        let newer = |made: u64| made > fetched && made <= now.saturating_add(SKEW);
        match (keys.find(asked.name, asked.algorithm), trouble) {
            // It may be one that the provider has added since.
            (Found::None, Some(trouble)) => Err(self.unavailable(&trouble, next)),
            (Found::None, None) if asked.made.is_some_and(newer) => {
                Err(self.unavailable("the token's key may be newer than its known ones", next))
            }
            (found, _) => self.found(found),
        }
    }

    fn found(&self, found: Found) -> Result<Arc<Key>, Fault> {
        match found {
            Found::One(key) => Ok(key),
            Found::None => Err(Refused::KeyUnknown.into()),
            Found::NotNamed => Err(Refused::KeyNotNamed.into()),
            Found::Twice => Err(self.unavailable("it gives one name to two keys", PAUSE)),
        }
    }

    /// Asks for the keys if that is due.
    async fn refresh(&self, now: u64) {
        let _one = self.one_at_a_time.lock().await;
        if !self.due(now) {
            return;
        }
        let fetched = self.source.fetch().await;
        let mut known = self.known();
        let trouble = match fetched {
            Ok(keys) => {
                self.breaker.answered();
                known.keys = Some((Arc::new(keys), now));
                None
            }
            Err(why) => {
                tracing::warn!(issuer = self.issuer, why, "a sign-in provider's keys can't be had");
                self.breaker.failed(&why);
                Some(why)
            }
        };
        known.tried = Some(Try { at: now, trouble });
    }

    fn due(&self, now: u64) -> bool {
        let known = self.known();
        known.tried.as_ref().is_none_or(|tried| tried.at.abs_diff(now) >= PAUSE)
    }

    /// The keys, unless they are too old. A clock that went back makes them no younger.
    fn kept(&self, now: u64) -> Option<(Arc<KeySet>, u64)> {
        let known = self.known();
        let kept = known.keys.as_ref()?;
        (kept.1.abs_diff(now) <= LONGEST).then(|| (Arc::clone(&kept.0), kept.1))
    }

    fn unavailable(&self, why: &str, retry_after: u64) -> Fault {
        Fault::Unavailable {
            issuer: self.issuer.clone(),
            why: why.to_owned(),
            retry_after,
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
