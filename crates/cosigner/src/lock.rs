//! Locks by name: whoever works on a wallet has it alone. A lock lives only while somebody holds it or waits for it, so
//! idle wallets cost nothing.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use async_lock::{Mutex as AsyncMutex, MutexGuardArc};

type Table<K> = Mutex<HashMap<K, Arc<AsyncMutex<()>>>>;

/// Locks by name.
#[derive(Debug)]
pub(crate) struct Locks<K: Eq + Hash + Clone>(Table<K>);

/// A lock that is held until this is dropped. Fields are dropped in order: first the lock opens, then its entry goes.
#[derive(Debug)]
#[must_use]
pub(crate) struct Held<'a, K: Eq + Hash + Clone> {
    _guard: MutexGuardArc<()>,
    _place: Place<'a, K>,
}

/// A place in the queue of one lock; the last to leave removes the lock.
#[derive(Debug)]
struct Place<'a, K: Eq + Hash + Clone> {
    table: &'a Table<K>,
    name: K,
    lock: Arc<AsyncMutex<()>>,
}

impl<K: Eq + Hash + Clone> Locks<K> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// Waits for the lock of this name. Giving up waiting leaves nothing behind.
    pub(crate) async fn hold(&self, name: K) -> Held<'_, K> {
        let lock = {
            let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(table.entry(name.clone()).or_default())
        };
        let place = Place {
            table: &self.0,
            name,
            lock,
        };
        let guard = place.lock.lock_arc().await;
        Held {
            _guard: guard,
            _place: place,
        }
    }

    /// Waits until whoever holds a lock, or waits for one, at this moment has let go of it. Who comes later is not waited
    /// for.
    pub(crate) async fn pass(&self) {
        let names: Vec<K> = {
            let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            table.keys().cloned().collect()
        };
        for name in names {
            drop(self.hold(name).await);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl<K: Eq + Hash + Clone> Drop for Place<'_, K> {
    fn drop(&mut self) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        // The table's own and ours: nobody else can come by the lock while the table is held.
        if Arc::strong_count(&self.lock) <= 2 {
            table.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests;
