//! An app's backend: a key that the operator listed. It asks about the people of its app, as far as its scopes go, and does
//! nothing else: it is no device, and no device is a backend.

use std::sync::Arc;

use twofold_api::{Reason, Refusal, request::Named, signature::Proof};
use twofold_threshold::{id::DeviceId, identity::IdentityKey};

use super::{Announced, NamesWallet, Signed, same_wallet};
use crate::{
    Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

/// What a backend may ask for. Nothing of it changes anything, nor leads to a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes {
    /// Which wallets a person has, and where they stand.
    pub wallets: bool,
    /// At which addresses they are paid.
    pub addresses: bool,
}

/// The backend of an app, as the operator listed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// What the log calls it.
    pub name: String,
    /// Its key.
    pub key: IdentityKey,
    /// It asks about people whom one of these vouches for.
    pub issuers: Vec<String>,
    /// What it may ask.
    pub scopes: Scopes,
}

/// A backend that signed a request, before the request's body is understood.
#[derive(Debug, Clone)]
pub struct Inquirer {
    signed: Signed,
    backend: Arc<Backend>,
}

/// A question of a backend's.
#[derive(Debug)]
pub struct Inquiry<T> {
    backend: Arc<Backend>,
    request: T,
}

impl Announced<Inquirer> {
    /// The id that its key would have as a device.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.sender.signed.device
    }
}

impl Inquirer {
    /// Ties a decoded body to the signature that covers it.
    pub fn bind<T: NamesWallet>(self, request: T) -> Result<Inquiry<T>, Refusal> {
        same_wallet(self.signed.wallet, request.wallet())?;
        Ok(Inquiry {
            backend: self.backend,
            request,
        })
    }
}

impl<T> Inquiry<T> {
    pub(crate) const fn request(&self) -> &T {
        &self.request
    }

    pub(crate) fn backend(&self) -> &str {
        &self.backend.name
    }

    /// Refuses what the operator did not let this backend ask: in itself, or about this person.
    pub(crate) fn within(&self, scope: impl Fn(&Scopes) -> bool, person: &Named) -> Result<(), Refusal> {
        if !scope(&self.backend.scopes) {
            return Err(Refusal::new(
                Reason::NotPermitted,
                "this backend's key has no scope for that; the operator lists its scopes",
            ));
        }
        if !self.backend.issuers.contains(&person.issuer) {
            return Err(Refusal::new(
                Reason::NotPermitted,
                "this backend's key is not for people of that issuer; the operator lists its issuers",
            ));
        }
        Ok(())
    }
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Finds out which backend signed a request.
    pub fn authenticate_backend(&self, proof: &Proof) -> Result<Announced<Inquirer>, Refusal> {
        let signed = self.verify(proof)?;
        let backend = self.backend(&signed.key).ok_or_else(|| {
            Refusal::new(
                Reason::DeviceUnknown,
                "this is asked by the backend of an app, with a key that the operator listed",
            )
        })?;
        Ok(Announced {
            sender: Inquirer {
                backend: Arc::clone(backend),
                signed,
            },
            body: *proof.body_digest(),
        })
    }

    fn backend(&self, key: &IdentityKey) -> Option<&Arc<Backend>> {
        self.config.backends.iter().find(|backend| backend.key == *key)
    }

    /// Refuses a backend's key where a device's is asked for, even if it was enrolled before the operator listed it.
    pub(super) fn no_backend(&self, key: &IdentityKey) -> Result<(), Refusal> {
        if self.backend(key).is_none() {
            return Ok(());
        }
        Err(Refusal::new(
            Reason::NotPermitted,
            "the key of an app's backend finds wallets and addresses, and does nothing else",
        ))
    }
}
