//! The keys that a server holds: one set, or two while its KEK is being changed.
//!
//! Meanwhile whatever is sealed is sealed under the new ones. A wallet's record alone stays under the old ones until the
//! wallet is moved, in one batch with its shares; the record's MAC says where it stands. Wallets are moved in the order of
//! their ids: of those up to the place that is reached, a record under the old ones is one that somebody put back.

use std::{
    iter,
    sync::{Arc, PoisonError, RwLock},
};

use twofold_threshold::{
    Fault,
    id::WalletId,
    seal::{self, Aad},
};
use zeroize::Zeroizing;

use super::{Subkeys, Unopened};
use crate::rotate::Place;

/// The keys, as the next to look at them finds them.
#[derive(Debug)]
pub(crate) struct Ring(RwLock<Arc<Keys>>);

impl Ring {
    pub(crate) fn new(keys: Keys) -> Self {
        Self(RwLock::new(Arc::new(keys)))
    }

    pub(crate) fn get(&self) -> Arc<Keys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, keys: Keys) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

/// The keys of one moment.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    /// What is sealed is sealed under these.
    pub(crate) now: Arc<Subkeys>,
    /// What was not moved yet stands under these.
    pub(crate) old: Option<Arc<Subkeys>>,
    /// Of the change that is under way, or of the last one; none if there never was one.
    pub(crate) place: Option<Place>,
}

impl Keys {
    /// The keys that a wallet's record may stand under.
    pub(crate) fn of(&self, wallet: WalletId) -> impl Iterator<Item = &Arc<Subkeys>> {
        let reached = self.place.as_ref().and_then(Place::reached);
        let old = self
            .old
            .as_ref()
            .filter(|_| reached.is_none_or(|reached| wallet > reached));
        iter::once(&self.now).chain(old)
    }

    /// All of them. An outer seal opens under any: what is in it is bound to its epoch by the seal itself, and is sealed
    /// once more inside.
    fn all(&self) -> impl Iterator<Item = &Arc<Subkeys>> {
        iter::once(&self.now).chain(&self.old)
    }

    pub(crate) fn open_outer(&self, aad: &Aad, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let opened = seal::open(&self.now.outer, aad, sealed);
        match &self.old {
            Some(old) => opened.or_else(|_| seal::open(&old.outer, aad, sealed)),
            None => opened,
        }
    }

    pub(crate) fn open_reply(&self, bound: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        self.all()
            .find_map(|keys| keys.replies.open(bound, sealed).ok())
            .ok_or(Unopened)
    }
}
