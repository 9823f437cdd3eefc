//! A keystore in memory, for tests and for hosts that keep the bytes themselves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::port::{BlobName, Keystore, KeystoreFault};

/// Blobs in memory. Clones share them, as two processes share a folder.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    blobs: BTreeMap<BlobName, Vec<u8>>,
    held: bool,
}

/// The lock on a [`Memory`].
#[derive(Debug)]
pub struct Held(Arc<Mutex<State>>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).held = false;
    }
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every byte kept, for searching.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.state().blobs.values().flatten().copied().collect()
    }
}

impl Keystore for Memory {
    type Guard = Held;

    async fn lock(&self) -> Result<Held, KeystoreFault> {
        let mut state = self.state();
        if state.held {
            return Err(KeystoreFault::Busy {
                place: "this keystore".into(),
            });
        }
        state.held = true;
        Ok(Held(Arc::clone(&self.0)))
    }

    async fn load(&self, name: &BlobName) -> Result<Option<Vec<u8>>, KeystoreFault> {
        Ok(self.state().blobs.get(name).cloned())
    }

    async fn save(&self, name: &BlobName, bytes: &[u8]) -> Result<(), KeystoreFault> {
        self.state().blobs.insert(name.clone(), bytes.to_vec());
        Ok(())
    }

    async fn remove(&self, name: &BlobName) -> Result<(), KeystoreFault> {
        self.state().blobs.remove(name);
        Ok(())
    }

    async fn names(&self) -> Result<Vec<BlobName>, KeystoreFault> {
        Ok(self.state().blobs.keys().cloned().collect())
    }
}
