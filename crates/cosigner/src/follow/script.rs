//! Following by script, where the source of the chain has no blocks to give.
//!
//! What is written is what reading blocks would have written. Headers are read instead of blocks, each held to its
//! network's rules, and of two chains the one with more work is followed. Every script of every wallet is watched; what
//! happened to one is read whole whenever it changed, and a transaction counts as mined once a merkle branch leads from
//! it to the header of its block. What nobody tells of any more was dropped, and is sent again where it is a wallet's own.

mod headers;
mod learn;
mod old;
mod sweep;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::Bound,
};

use bitcoin::{Txid, hashes::Hash};
use twofold_threshold::id::WalletId;

use super::{FollowFault, Progress, commit, mempool::Mempool, reach::Reach};
use crate::{
    Config,
    port::{
        chain::{ChainFault, Entry, Scripts},
        record::Block,
        store::{Store, Write},
    },
};

/// Scripts read in one step.
const READ: usize = 50;
/// A script that can't be read so often in a row is no accident of the moment.
const LASTING: u32 = 5;
/// Rescans looked at in one step.
const RESCANS: u32 = 100;

/// What is known of the scripts. Nothing of it need survive: after a start all are read again.
#[derive(Debug, Default)]
pub(super) struct ByScript {
    sweep: sweep::Sweep,
    scripts: HashMap<[u8; 32], Known>,
    /// Scripts of which something is to be read.
    due: BTreeSet<[u8; 32]>,
    /// The one that was read last.
    last: [u8; 32],
    /// Scripts of which something is said to be mined above the tip.
    early: BTreeSet<[u8; 32]>,
    /// Scripts of which nothing was told yet.
    untold: HashSet<[u8; 32]>,
    /// Scripts that could not be read when they were last tried, and how often in a row.
    failing: HashMap<[u8; 32], u32>,
    old: old::Old,
    reach: Reach,
}

/// A script that is watched.
#[derive(Debug)]
struct Known {
    wallet: WalletId,
    /// As it was read last.
    history: Vec<Entry>,
}

impl ByScript {
    /// Takes a step.
    pub(super) async fn step(
        &mut self,
        store: &impl Store,
        chain: &impl Scripts,
        config: &Config,
        mempool: &mut Mempool,
        now: u64,
    ) -> Result<Progress, FollowFault> {
        let best = chain.best().await?;
        let progress = |height, more| Progress {
            height,
            best: best.0,
            more,
        };
        let Some(tip) = store.tip().await? else {
            let height = headers::begin(store, chain, config, best.0).await?;
            return Ok(progress(height, true));
        };
        if tip.hash != best.1.to_byte_array() {
            return match headers::advance(store, chain, config, &tip, best).await? {
                headers::Moved::Up(height) => {
                    self.due.append(&mut self.early);
                    Ok(progress(height, true))
                }
                headers::Moved::Over { above, height, writes } => {
                    // First: whoever asks for this step may give it up while it is written.
                    self.unmined(above);
                    self.reach.fall_back(above);
                    commit(store, writes).await?;
                    Ok(progress(height, true))
                }
                headers::Moved::Waits => Ok(progress(tip.height, false)),
            };
        }
        let swept = self.watch(store, chain).await;
        // Where more can't be watched, what is watched is read all the same.
        let read = self.read(store, chain, config, &tip, now).await;
        // What can't be read of one wallet holds up no other.
        if self.sweep.is_whole() {
            self.reach.advance(tip.height, self.behind());
        }
        let (unread, unswept) = (read?, swept?);
        if self.is_level() {
            let waiting = self.waiting();
            mempool.note_gone(store, chain, &waiting, &tip).await?;
            self.end_rescans(store).await?;
        }
        Ok(progress(tip.height, unswept || unread))
    }

    /// Everything that was told has been read, and everything watched was told of.
    fn is_level(&self) -> bool {
        self.sweep.is_whole() && self.sweep.lacks().is_empty() && self.due.is_empty() && self.untold.is_empty()
    }

    /// How far each wallet is read.
    pub(super) const fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Wallets of which something was told and not read, or something watched and not told of, or something not watched.
    fn behind(&self) -> BTreeSet<WalletId> {
        let keys = self.due.iter().chain(&self.untold);
        keys.filter_map(|key| self.scripts.get(key))
            .map(|known| known.wallet)
            .chain(self.sweep.lacks().iter().copied())
            .collect()
    }

    /// What is said to wait, or to be mined above the tip.
    fn waiting(&self) -> HashSet<Txid> {
        let histories = self.scripts.values().flat_map(|known| &known.history);
        let early = self.early.iter().filter_map(|key| self.scripts.get(key));
        histories
            .filter(|entry| entry.height.is_none())
            .chain(early.flat_map(|known| &known.history))
            .map(|entry| entry.txid)
            .collect()
    }

    /// Has everything read again that was mined above a height. A server need not tell of it: a script whose transaction
    /// went from one block into another of the same height looks the same to it.
    fn unmined(&mut self, above: u32) {
        let touched = |known: &Known| {
            let entries = known.history.iter();
            entries
                .map(|entry| entry.height)
                .any(|height| height.is_none_or(|height| height > above))
        };
        let touched = self.scripts.iter().filter(|(_, known)| touched(known));
        self.due.extend(touched.map(|(key, _)| *key));
        self.due.append(&mut self.early);
        self.old.forget();
    }

    /// Takes scripts that are watched from now on.
    fn add(
        &mut self,
        chain: &impl Scripts,
        scripts: impl IntoIterator<Item = (WalletId, [u8; 32])>,
    ) -> Result<(), FollowFault> {
        let mut fresh = Vec::new();
        for (wallet, key) in scripts {
            self.scripts.entry(key).or_insert_with(|| {
                fresh.push(key);
                Known {
                    wallet,
                    history: Vec::new(),
                }
            });
        }
        if chain.watch(&fresh) {
            self.untold.extend(&fresh);
            return Ok(());
        }
        // To be told of again, and not once: wallets would be missing payments.
        for key in &fresh {
            self.scripts.remove(key);
        }
        Err(FollowFault::TooManyScripts)
    }

    /// Notes which scripts changed, and reads some of them. One that can't be read holds up no other.
    async fn read(
        &mut self,
        store: &impl Store,
        chain: &impl Scripts,
        config: &Config,
        tip: &Block,
        now: u64,
    ) -> Result<bool, FollowFault> {
        for (key, used) in chain.changed() {
            let told_before = self.scripts.get(&key).is_some_and(|known| !known.history.is_empty());
            self.untold.remove(&key);
            if used || told_before {
                self.due.insert(key);
            }
        }
        // In turns, so that some which can't be read hold up no others.
        let after = self.due.range((Bound::Excluded(self.last), Bound::Unbounded));
        let turns = after.chain(&self.due).take(self.due.len().min(READ));
        let due: Vec<_> = turns.copied().collect();
        self.last = due.last().copied().unwrap_or_default();
        let (mut fault, mut lasting) = (None, false);
        let mut read = 0;
        for key in due {
            match self.learn(store, chain, config, tip, key, now).await {
                Ok(()) => {
                    read += 1;
                    self.failing.remove(&key);
                }
                Err(why) => {
                    let times = self.failing.entry(key).or_default();
                    *times = times.saturating_add(1);
                    let passing = matches!(why, FollowFault::Chain(ChainFault::Unavailable(_)));
                    lasting |= !passing || *times >= LASTING;
                    fault = fault.or(Some(why));
                }
            }
        }
        match fault {
            // What was found may have brought more addresses to watch.
            None => Ok(read > 0),
            // A history may change between its announcement and its answer; the next look finds it at rest.
            Some(why) if !lasting => {
                tracing::debug!(%why, "a script's history can't be read yet");
                Ok(read > 0)
            }
            Some(why) if read == 0 => Err(why),
            Some(why) => {
                tracing::warn!(%why, "a script's history can't be read; trying again");
                Ok(true)
            }
        }
    }

    /// A wallet whose old blocks were to be read has had all its scripts read instead.
    async fn end_rescans(&self, store: &impl Store) -> Result<(), FollowFault> {
        let mut writes = Vec::new();
        for from in store.rescans(None, RESCANS).await? {
            let stored: u32 = store.watched(from.wallet).await?.iter().sum();
            let read = self
                .scripts
                .values()
                .filter(|known| known.wallet == from.wallet)
                .count();
            // Scripts that were added with it may not be watched yet.
            if u32::try_from(read) == Ok(stored) {
                writes.push(Write::MoveRescan { from, to: None });
            }
        }
        if writes.is_empty() {
            return Ok(());
        }
        commit(store, writes).await
    }
}
