//! `[people]` and `[[backend]]`: what the people of an app may do here, and who may ask about them.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};
use twofold_api::signature::parse_key;
use twofold_cosigner::Scopes;

use super::Config;
use crate::fault::Fault;

/// What people may do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct People {
    /// A wallet may be on several machines. If not, another one takes the place of a lost one by recovery alone.
    pub several_devices: bool,
    /// New wallets are made, for whoever has joined.
    pub new_wallets: bool,
    /// How many seconds ago a sign-in with a second factor may be to count, in place of your yes, for what waits for it. Left
    /// out: only your yes counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_up_seconds: Option<u64>,
    /// Owners may take a wallet's key out whole. There is no such thing yet: it stays off.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub export: bool,
}

impl Default for People {
    fn default() -> Self {
        Self {
            several_devices: true,
            new_wallets: true,
            step_up_seconds: None,
            export: false,
        }
    }
}

/// The backend of an app: what it signs with, and what it may ask.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backend {
    /// What the log calls it.
    pub name: String,
    /// Its public key: `ed25519:` and 64 hex digits, or `p256:` and 66.
    pub key: String,
    /// It may ask about people whom these vouch for, each the issuer of a `[[sign_in]]`.
    pub issuers: Vec<String>,
    /// What it may ask.
    pub scopes: Vec<Scope>,
}

/// What a backend may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Which wallets a person has, and where they stand.
    Wallets,
    /// At which addresses they are paid.
    Addresses,
}

impl People {
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.export {
            return Err(Fault::Config(
                "people.export: keys can't be taken out yet; leave it off".into(),
            ));
        }
        match self.step_up_seconds {
            Some(seconds) => super::check::within(&[("people.step_up_seconds", seconds, 30, 3_600)]),
            None => Ok(()),
        }
    }
}

impl Config {
    /// The backends, as the cosigner knows them.
    pub(crate) fn backends(&self) -> Result<Vec<Arc<twofold_cosigner::Backend>>, Fault> {
        let identity = self.identity()?;
        let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
        let mut backends = Vec::new();
        for backend in &self.backend {
            let wrong = |what: &str| Fault::Config(format!("backend `{}`: {what}", backend.name));
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if !(1..=64).contains(&backend.name.len()) || !backend.name.chars().all(plain) {
                return Err(wrong("its name has 1 to 64 letters, digits, dashes and dots"));
            }
            let key = parse_key(&backend.key).ok_or_else(|| {
                wrong("its key is no public key; write ed25519: and 64 hex digits (docs/integrate.md says how to make one)")
            })?;
            if !names.insert(&backend.name) || !keys.insert(key.to_string()) {
                return Err(wrong("its name or its key is listed twice"));
            }
            if backend.issuers.is_empty() || backend.scopes.is_empty() {
                return Err(wrong("name its issuers and its scopes"));
            }
            if let Some(issuer) = backend.issuers.iter().find(|issuer| !identity.knows(issuer)) {
                return Err(wrong(&format!("`{issuer}` is the issuer of no [[sign_in]]")));
            }
            backends.push(Arc::new(twofold_cosigner::Backend {
                name: backend.name.clone(),
                key,
                issuers: backend.issuers.clone(),
                scopes: Scopes {
                    wallets: backend.scopes.contains(&Scope::Wallets),
                    addresses: backend.scopes.contains(&Scope::Addresses),
                },
            }));
        }
        Ok(backends)
    }
}

#[cfg(test)]
mod tests;
