//! The server's identity: made on the first start, kept sealed in the store, and so part of every backup.

use rand_core::{CryptoRng, RngCore};
use twofold_threshold::{identity::IdentitySecret, secret::Secret32};

use crate::{
    keys::Subkeys,
    port::{
        anchor::AnchorFault,
        store::{Batch, Store, StoreFault, Write},
    },
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
    /// The KEK is being changed, and one of the two is missing.
    #[error(
        "this database is in the middle of a change of its KEK, and needs both: the key that it was begun with in the KEK's \
         file, the other one in the file beside it that ends in .next"
    )]
    Rotating,
    /// The anchor does not answer, or is damaged.
    #[error(transparent)]
    Anchor(#[from] AnchorFault),
    /// It is another deployment's.
    #[error(
        "the anchor is another server's, or older than the database's own; name the one that belongs to this database"
    )]
    AnchorForeign,
    /// The database had one, and it is empty.
    #[error(
        "the anchor is empty, and this database had one; bring it back, or start once with --new-anchor if it is lost. Then \
         no later restore lifts a fence by what came before"
    )]
    AnchorMissing,
    /// It was cut.
    #[error("the anchor has fewer lines than this server wrote; bring it back whole")]
    AnchorCut,
    /// Another server has it.
    #[error(
        "the anchor names another running server: one that was restored from a backup, or this is a copy of an older \
         database. Two servers of one key must never run; stop the other one, and restore the newest backup here"
    )]
    AnchorTaken,
}

/// Opens the identity, or makes it where there is none.
pub(crate) async fn open_or_make<S: Store>(
    store: &S,
    keys: &Subkeys,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<IdentitySecret, StartFault> {
    if store.server_secret(NAME).await?.is_some() {
        let seed = open(store, keys).await?.ok_or(StartFault::Sealed)?;
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

/// The identity's seed, if there is one under these keys.
pub(crate) async fn open<S: Store>(store: &S, keys: &Subkeys) -> Result<Option<Secret32>, StoreFault> {
    let sealed = store.server_secret(NAME).await?.unwrap_or_default();
    let opened = keys.secrets.open(BOUND, &sealed).ok();
    Ok(opened.and_then(|seed| Secret32::try_from(seed.as_slice()).ok()))
}

/// The identity, sealed under another KEK.
pub(crate) async fn rewrap<S: Store>(
    store: &S,
    old: &Subkeys,
    new: &Subkeys,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Write, StartFault> {
    let seed = open(store, old).await?.ok_or(StartFault::Sealed)?;
    Ok(Write::ServerSecret(NAME, new.secrets.seal(BOUND, seed.expose(), rng)))
}
