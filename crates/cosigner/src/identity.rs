//! The server's identity: made on the first start, kept sealed in the store, and so part of every backup.

use rand_core::{CryptoRng, RngCore};
use twofold_threshold::{identity::IdentitySecret, secret::Secret32};

use crate::{
    keys::Subkeys,
    port::store::{Batch, Store, StoreFault, Write},
};

/// The secret's name in the store.
const NAME: &str = "identity";
const BOUND: &[u8] = b"twofold/server-secret/identity/1";

/// Why the cosigner does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartFault {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The identity does not open under this KEK.
    #[error("the KEK is not the one that this database was sealed under; start with the KEK it was made with")]
    Sealed,
}

/// Opens the identity, or makes it where there is none.
pub(crate) async fn open_or_make<S: Store>(
    store: &S,
    keys: &Subkeys,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<IdentitySecret, StartFault> {
    if let Some(sealed) = store.server_secret(NAME).await? {
        let seed = keys.secrets.open(BOUND, &sealed).map_err(|_| StartFault::Sealed)?;
        let seed = Secret32::try_from(seed.as_slice()).map_err(|_| StartFault::Sealed)?;
        return Ok(IdentitySecret::from_seed(&seed));
    }
    let seed = Secret32::generate(rng);
    let sealed = keys.secrets.seal(BOUND, seed.expose(), rng);
    store
        .commit(Batch {
            expect: Vec::new(),
            writes: vec![Write::ServerSecret(NAME, sealed)],
        })
        .await?;
    Ok(IdentitySecret::from_seed(&seed))
}
