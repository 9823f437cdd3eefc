//! The sealed keystore: one passphrase, one data key, many items.
//!
//! The passphrase goes through Argon2id (RFC 9106) once per command and opens the data key; every item is sealed under
//! the data key with XChaCha20-Poly1305 and bound by associated data to this keystore and its own name, so that items
//! can't be swapped with each other or with another keystore's. Where the bytes lie is the platform's business
//! ([`crate::port::Keystore`]); on a machine with files it is `file::Folder`.

#[cfg(unix)]
pub mod file;
mod format;
mod kdf;
pub mod memory;
pub(crate) mod record;

pub use kdf::{Cost, Passphrase};

use bitcoin::hashes::{Hash, HashEngine, sha256};
use rand_core::{CryptoRng, RngCore};
use twofold_threshold::secret::Secret32;
use zeroize::Zeroizing;

use crate::port::{BlobName, Keystore, KeystoreFault};
use format::{HomeId, KeyFile};

/// A keystore whose data key is in memory. It holds the platform's lock until it is dropped.
#[derive(Debug)]
pub struct Unlocked<K: Keystore> {
    store: K,
    guard: K::Guard,
    home: HomeId,
    data_key: DataKey,
}

/// Seals items. Derived from nothing: drawn at random when the keystore was made.
struct DataKey(Zeroizing<[u8; 32]>);

impl core::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("DataKey(redacted)")
    }
}

/// The data key, lent to whoever keeps it in memory between commands, with the digest of the key file that it was opened
/// from: once that file is another, the loan is void. Wiped when dropped, never printed, never copied.
pub struct Loan {
    data_key: Zeroizing<[u8; 32]>,
    file: [u8; 32],
}

impl Loan {
    /// What a keeper gives back.
    #[must_use]
    pub const fn new(data_key: Zeroizing<[u8; 32]>, file: [u8; 32]) -> Self {
        Self { data_key, file }
    }

    /// The data key, for the keeper alone.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.data_key
    }

    /// Key and digest, to be lent again.
    #[must_use]
    pub fn take(self) -> (Zeroizing<[u8; 32]>, [u8; 32]) {
        (self.data_key, self.file)
    }

    /// SHA-256 of the key file.
    #[must_use]
    pub const fn file(&self) -> &[u8; 32] {
        &self.file
    }
}

impl core::fmt::Debug for Loan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Loan(redacted)")
    }
}

/// SHA-256 of the key file; none where there is no keystore.
pub async fn file_digest<K: Keystore>(store: &K) -> Result<Option<[u8; 32]>, KeystoreFault> {
    let file = store.load(&key_file()?).await?;
    Ok(file.map(|bytes| sha256::Hash::hash(&bytes).to_byte_array()))
}

/// The name under which the data key lies, sealed under the passphrase.
fn key_file() -> Result<BlobName, KeystoreFault> {
    name("keystore")
}

/// A blob name known to be well-formed.
pub(crate) fn name(text: &str) -> Result<BlobName, KeystoreFault> {
    text.parse().map_err(|_| KeystoreFault::Missing { name: text.into() })
}

/// Whether there is a keystore in this place.
pub async fn exists<K: Keystore>(store: &K) -> Result<bool, KeystoreFault> {
    Ok(store.load(&key_file()?).await?.is_some())
}

impl<K: Keystore> Unlocked<K> {
    /// Makes a keystore where there is none.
    pub async fn create(
        store: K,
        passphrase: &Passphrase,
        cost: Cost,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, KeystoreFault> {
        let guard = store.lock().await?;
        if exists(&store).await? {
            return Err(KeystoreFault::Exists);
        }
        let mut home = [0; 16];
        random.fill_bytes(&mut home);
        let mut data_key = Zeroizing::new([0; 32]);
        random.fill_bytes(data_key.as_mut());
        let file = KeyFile::seal(HomeId(home), &data_key, passphrase, cost, random)?;
        store.save(&key_file()?, &file).await?;
        Ok(Self {
            store,
            guard,
            home: HomeId(home),
            data_key: DataKey(data_key),
        })
    }

    /// Opens a keystore with its passphrase. A wrong one changes nothing.
    pub async fn unlock(store: K, passphrase: &Passphrase) -> Result<Self, KeystoreFault> {
        let guard = store.lock().await?;
        let bytes = store.load(&key_file()?).await?.ok_or(KeystoreFault::Absent)?;
        let (home, data_key) = KeyFile::parse(&bytes)?.open(passphrase)?;
        Ok(Self {
            store,
            guard,
            home,
            data_key: DataKey(data_key),
        })
    }

    /// Opens a keystore with a data key that was lent before. Void once the key file is another.
    pub async fn unlock_lent(store: K, loan: Loan) -> Result<Self, KeystoreFault> {
        let guard = store.lock().await?;
        let bytes = store.load(&key_file()?).await?.ok_or(KeystoreFault::Absent)?;
        if sha256::Hash::hash(&bytes).to_byte_array() != loan.file {
            return Err(KeystoreFault::LoanVoid);
        }
        let home = KeyFile::parse(&bytes)?.home();
        Ok(Self {
            store,
            guard,
            home,
            data_key: DataKey(loan.data_key),
        })
    }

    /// Lends the data key to a keeper. Whoever has it opens the keystore without the passphrase, for as long as they
    /// have it.
    pub async fn lend(&self) -> Result<Loan, KeystoreFault> {
        let file = file_digest(&self.store).await?.ok_or(KeystoreFault::Absent)?;
        Ok(Loan {
            data_key: self.data_key.0.clone(),
            file,
        })
    }

    /// Seals the data key under another passphrase. Items stay as they are.
    pub async fn change_passphrase(
        &self,
        passphrase: &Passphrase,
        cost: Cost,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<(), KeystoreFault> {
        let file = KeyFile::seal(self.home, &self.data_key.0, passphrase, cost, random)?;
        self.store.save(&key_file()?, &file).await
    }

    /// Reads an item.
    pub async fn load(&self, name: &BlobName) -> Result<Option<Zeroizing<Vec<u8>>>, KeystoreFault> {
        match self.store.load(name).await? {
            Some(bytes) => format::open_item(self.home, name, &self.data_key.0, &bytes).map(Some),
            None => Ok(None),
        }
    }

    /// Writes an item; when this resolves it survives a crash.
    pub async fn save(
        &self,
        name: &BlobName,
        plain: &[u8],
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<(), KeystoreFault> {
        let sealed = format::seal_item(self.home, name, &self.data_key.0, plain, random)?;
        self.store.save(name, &sealed).await
    }

    /// Removes an item.
    pub async fn remove(&self, name: &BlobName) -> Result<(), KeystoreFault> {
        self.store.remove(name).await
    }

    /// Removes an item that is of no use any more: after a crash it may be there again.
    pub(crate) async fn forget(&self, name: &BlobName) -> Result<(), KeystoreFault> {
        self.store.forget(name).await
    }

    /// The names of all items that start with `prefix`.
    pub async fn names(&self, prefix: &str) -> Result<Vec<BlobName>, KeystoreFault> {
        let mut names = self.store.names().await?;
        names.retain(|name| name.as_str().starts_with(prefix));
        Ok(names)
    }

    /// The key that shares are sealed under within their items, with associated data of their own.
    pub(crate) fn share_key(&self) -> Secret32 {
        let mut engine = sha256::Hash::engine();
        engine.input(b"twofold/keystore/share-key");
        engine.input(self.data_key.0.as_slice());
        Secret32::new(sha256::Hash::from_engine(engine).to_byte_array())
    }

    /// Closes the keystore: the data key is wiped and the lock released.
    pub fn close(self) -> K {
        drop(self.guard);
        self.store
    }
}

#[cfg(test)]
mod tests;
