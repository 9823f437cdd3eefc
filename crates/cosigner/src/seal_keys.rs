//! The server's short-lived sealing keys: unlock keys travel sealed to them.
//!
//! They live in memory alone and at most a day. Half way through its life a key is no longer offered but still opens,
//! so a client that holds yesterday's offer is served; after a restart all are gone, and a client is told to seal again.

use std::sync::{Arc, Mutex, PoisonError};

use rand_core::{CryptoRng, RngCore};
use twofold_api::{
    Reason, Refusal,
    seal_key::{Offer, SealedUnlockKey, Usage},
};
use twofold_threshold::{
    envelope::{SealPublic, SealSecret},
    identity::IdentitySecret,
    secret::UnlockKey,
};

/// How long a key lives, in seconds.
const LIFE: u64 = 86_400;
/// How long a key is offered, in seconds.
const OFFERED: u64 = LIFE / 2;

/// The keys that still open, oldest first.
#[derive(Debug, Default)]
pub(crate) struct SealKeys(Mutex<Vec<Arc<SealKey>>>);

/// One key with its offer.
#[derive(Debug)]
pub(crate) struct SealKey {
    secret: SealSecret,
    offer: Offer,
    /// When it was made, by the time that passes evenly: no jump of the clock lengthens a key's life.
    made: u64,
}

impl SealKey {
    /// What clients are told.
    pub(crate) const fn offer(&self) -> &Offer {
        &self.offer
    }

    /// What opens what was sealed to it.
    pub(crate) const fn secret(&self) -> &SealSecret {
        &self.secret
    }

    /// By both times: the clock shows a day that the machine slept through, the other one a day that the clock does not.
    fn is_alive(&self, now: u64, steady: u64) -> bool {
        now < self.offer.not_after() && steady.saturating_sub(self.made) < LIFE
    }

    /// Whether a client that has the time `now` can use what it is offered.
    fn is_offered(&self, now: u64, steady: u64) -> bool {
        let end = self.offer.not_after();
        steady.saturating_sub(self.made) < OFFERED && now < end - LIFE + OFFERED
    }
}

impl SealKeys {
    /// The key to offer now. Makes the next one and forgets the oldest when it is time. `now` is the time of day, `steady`
    /// passes evenly.
    pub(crate) fn current(
        &self,
        now: u64,
        steady: u64,
        identity: &IdentitySecret,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Arc<SealKey> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|key| key.is_alive(now, steady));
        match keys.last() {
            Some(key) if key.is_offered(now, steady) => Arc::clone(key),
            _ => {
                let secret = SealSecret::generate(rng);
                let offer = Offer::sign(identity, secret.public(), now.saturating_add(LIFE));
                let key = Arc::new(SealKey {
                    secret,
                    offer,
                    made: steady,
                });
                keys.push(Arc::clone(&key));
                key
            }
        }
    }

    /// Opens an unlock key that was sealed for exactly this usage. One that does not open is refused like a wrong one.
    pub(crate) fn open(
        &self,
        now: u64,
        steady: u64,
        sealed: &SealedUnlockKey,
        usage: &Usage,
    ) -> Result<UnlockKey, Refusal> {
        sealed
            .open(&self.named(now, steady, sealed)?.secret, usage)
            .map_err(Refusal::from)
    }

    /// The key that an unlock key was sealed to: what came beside it is sealed to the same.
    pub(crate) fn named(&self, now: u64, steady: u64, sealed: &SealedUnlockKey) -> Result<Arc<SealKey>, Refusal> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let named = |key: &&Arc<SealKey>| key.offer.id() == sealed.key_id && key.is_alive(now, steady);
        keys.iter()
            .find(named)
            .map(Arc::clone)
            .ok_or_else(|| Reason::StaleSealKey.into())
    }

    /// The key that something in a message of a ceremony is sealed to, while it is alive.
    pub(crate) fn holding(&self, now: u64, steady: u64, public: &SealPublic) -> Option<Arc<SealKey>> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let named = |key: &&Arc<SealKey>| key.offer.public() == *public && key.is_alive(now, steady);
        keys.iter().find(named).map(Arc::clone)
    }
}

#[cfg(test)]
mod tests;
