//! Looking through the stored scripts for those that are not watched yet.

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
}

impl Sweep {
    /// Whether all were looked at since the start.
    pub(super) const fn is_whole(&self) -> bool {
        self.whole
    }
}

impl ByScript {
    /// Watches what was added to the store meanwhile; whether there is more to look through at once. Nobody tells of new
    /// scripts, so it goes round and round: none can be missed, whoever added it.
    pub(super) async fn watch(&mut self, store: &impl Store, chain: &impl Scripts) -> Result<bool, FollowFault> {
        for _ in 0..PAGES {
            let page = store.all_scripts(self.sweep.after, PAGE).await?;
            let last = u32::try_from(page.len()).is_ok_and(|length| length < PAGE);
            self.sweep.after = page.last().map(|script| script.output_key).filter(|_| !last);
            self.add(chain, page.into_iter().map(|script| (script.wallet, script.output_key)))?;
            if last {
                self.sweep.whole = true;
                break;
            }
        }
        Ok(!self.sweep.whole)
    }
}
