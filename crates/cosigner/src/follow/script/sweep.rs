//! Looking through the stored scripts for those that are not watched yet.

use std::collections::BTreeSet;

use twofold_threshold::id::WalletId;

use super::ByScript;
use crate::{
    follow::FollowFault,
    port::{chain::Scripts, store::Store},
};

/// Scripts looked at in one go, and how many goes a step has.
const PAGE: u32 = 1_000;
const PAGES: usize = 4;

/// How far the looking through is.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    after: Option<[u8; 32]>,
    whole: bool,
    /// Wallets of scripts that could not be watched when they were looked at in this round.
    short: BTreeSet<WalletId>,
    /// And of those in the round before.
    lacks: BTreeSet<WalletId>,
}

impl Sweep {
    /// Whether all were looked at since the start.
    pub(super) const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Wallets of which something is not watched.
    pub(super) const fn lacks(&self) -> &BTreeSet<WalletId> {
        &self.lacks
    }
}

impl ByScript {
    /// Watches what was added to the store meanwhile; whether there is more to look through at once. Nobody tells of new
    /// scripts, so it goes round and round: none can be missed, whoever added it.
    pub(super) async fn watch(&mut self, store: &impl Store, chain: &impl Scripts) -> Result<bool, FollowFault> {
        let mut fault = None;
        for _ in 0..PAGES {
            let page = store.all_scripts(self.sweep.after, PAGE).await?;
            let last = u32::try_from(page.len()).is_ok_and(|length| length < PAGE);
            self.sweep.after = page.last().map(|script| script.output_key).filter(|_| !last);
            let scripts: Vec<_> = page.iter().map(|script| (script.wallet, script.output_key)).collect();
            if let Err(why) = self.add(chain, scripts) {
                let left_out = page
                    .iter()
                    .filter(|script| !self.scripts.contains_key(&script.output_key));
                let left_out: Vec<_> = left_out.map(|script| script.wallet).collect();
                self.sweep.short.extend(&left_out);
                self.sweep.lacks.extend(&left_out);
                fault = Some(why);
            }
            if last {
                self.sweep.whole = true;
                self.sweep.lacks = std::mem::take(&mut self.sweep.short);
                break;
            }
        }
        fault.map_or(Ok(!self.sweep.whole), Err)
    }
}
