//! What a ceremony will come to, worked out while the device does its part.
//!
//! When the first round trip ends all round-1 packages are known, and with them the group key. The scripts to watch take
//! longer to derive than all else that the second round trip does. They are public, and only the latest few are kept; a
//! ceremony that finds none here derives them itself.

use std::sync::{Arc, OnceLock};

use twofold_api::Refusal;
use twofold_intent::{Account, Keychain};
use twofold_threshold::{derive::ExtendedKey, id::WalletId};

use crate::{
    Cosigner,
    port::{Clock, chain::Chain, record::Script, store::Store},
    wallet::{WalletKeys, scripts},
};

/// A wallet that may come of a ceremony.
#[derive(Debug)]
pub(crate) struct Foreseen {
    group: ExtendedKey,
    /// Empty until they are derived.
    scripts: OnceLock<Vec<Script>>,
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Derives the scripts of a wallet that is about to be made. To be called when the first round trip has been
    /// answered; nobody waits for it. A round trip that is sent again costs no second derivation.
    pub fn foresee(&self, wallet: WalletId) {
        let Some(committed) = self.committed.get(&wallet) else {
            return;
        };
        let Ok(group) = committed.group() else { return };
        if self.foreseen.get(&wallet).is_some_and(|known| known.group == group) {
            return;
        }
        // Noted before the work begins, so that who asks meanwhile does not begin as well.
        let foreseen = Arc::new(Foreseen {
            group,
            scripts: OnceLock::new(),
        });
        self.foreseen.put(wallet, Arc::clone(&foreseen));
        let account = Account::from_group_key(self.config.chain.network(), &group.key, group.chain_code);
        let scripts = account
            .ok()
            .and_then(|account| self.first_scripts(&account, wallet).ok());
        if let Some(scripts) = scripts {
            // Empty: it was made here.
            let _ = foreseen.scripts.set(scripts);
        }
    }

    /// The scripts that a new wallet is watched by.
    pub(super) fn scripts_of_new(&self, wallet: WalletId, keys: &WalletKeys) -> Result<Vec<Script>, Refusal> {
        let foreseen = self.foreseen.get(&wallet);
        let foreseen = foreseen.filter(|foreseen| foreseen.group == *keys.public.extended_key());
        match foreseen.as_ref().and_then(|foreseen| foreseen.scripts.get()) {
            Some(scripts) => Ok(scripts.clone()),
            None => self.first_scripts(&keys.account, wallet),
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
