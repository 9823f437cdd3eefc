//! What a ceremony will come to, worked out while the device does its part.
//!
//! When the first round trip ends all round-1 packages are known, and with them the group key. The scripts to watch take
//! longer to derive than all else that the second round trip does. They are public, and only the latest few are kept; a
//! ceremony that finds none here derives them itself.

use std::sync::Arc;

use twofold_api::Refusal;
use twofold_intent::{Account, Keychain};
use twofold_threshold::{create::server::Committed, derive::ExtendedKey, id::WalletId};

use crate::{
    Cosigner, fault,
    port::{Clock, chain::Chain, record::Script, store::Store},
    wallet::{WalletKeys, scripts},
};

/// A wallet that may come of a ceremony.
#[derive(Debug)]
pub(crate) struct Foreseen {
    group: ExtendedKey,
    scripts: Vec<Script>,
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Derives the scripts of a wallet that is about to be made. To be called when the first round trip has been
    /// answered; nobody waits for it.
    pub fn foresee(&self, wallet: WalletId) {
        let Some(committed) = self.committed.get(&wallet) else {
            return;
        };
        if let Ok(foreseen) = self.foreseen_of(wallet, &committed) {
            self.foreseen.put(wallet, Arc::new(foreseen));
        }
    }

    fn foreseen_of(&self, wallet: WalletId, committed: &Committed) -> Result<Foreseen, Refusal> {
        let group = committed.group().map_err(|fault| fault::protocol(&fault))?;
        let account = Account::from_group_key(self.config.chain.network(), &group.key, group.chain_code)
            .map_err(|cause| fault::internal("a group key makes no account", &cause))?;
        let scripts = self.first_scripts(&account, wallet)?;
        Ok(Foreseen { group, scripts })
    }

    /// The scripts that a new wallet is watched by.
    pub(super) fn scripts_of_new(&self, wallet: WalletId, keys: &WalletKeys) -> Result<Vec<Script>, Refusal> {
        match self.foreseen.get(&wallet) {
            Some(foreseen) if foreseen.group == *keys.public.extended_key() => Ok(foreseen.scripts.clone()),
            _ => self.first_scripts(&keys.account, wallet),
        }
    }

    fn first_scripts(&self, account: &Account, wallet: WalletId) -> Result<Vec<Script>, Refusal> {
        let mut first = Vec::new();
        for keychain in Keychain::ALL {
            first.extend(scripts(account, wallet, keychain, 0..self.config.gap_limit)?);
        }
        Ok(first)
    }
}
