//! How far each wallet's payments are read, where scripts are followed.
//!
//! Headers come before what happened to scripts. Until that is read as well, a wallet is not said to be read as far as the
//! tip: a balance would look whole that is not.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use twofold_threshold::id::WalletId;

/// What the follower knows of it. Nothing of it need survive: after a start nothing is read yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    height: u32,
    behind: BTreeMap<WalletId, u32>,
}

impl Reach {
    fn of(&self, wallet: WalletId) -> u32 {
        self.behind.get(&wallet).copied().unwrap_or(self.height)
    }

    /// All but these wallets are read as far as a height.
    pub(super) fn advance(&mut self, height: u32, behind: BTreeSet<WalletId>) {
        let behind = behind.into_iter().map(|wallet| (wallet, self.of(wallet))).collect();
        *self = Self { height, behind };
    }

    /// What is above a height is to be read anew.
    pub(super) fn fall_back(&mut self, height: u32) {
        self.height = self.height.min(height);
        for behind in self.behind.values_mut() {
            *behind = height.min(*behind);
        }
    }
}

/// Where the follower's steps leave it for those who answer devices.
#[derive(Debug, Default)]
pub(crate) struct Reached(Mutex<Reach>);

impl Reached {
    /// How far a wallet is read.
    pub(crate) fn of(&self, wallet: WalletId) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).of(wallet)
    }

    pub(super) fn set(&self, reach: &Reach) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone_from(reach);
    }
}
