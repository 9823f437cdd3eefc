//! What happened to one script, proved and written.

use bitcoin::{Transaction, block::Header, hashes::Hash};
use twofold_intent::merkle;

use super::ByScript;
use crate::{
    Config,
    follow::{
        FollowFault,
        block::{Placed, writes},
        commit,
        find::find,
    },
    port::{
        chain::{ChainFault, Entry, Scripts},
        record::{Block, Mined},
        store::Store,
    },
};

/// Transactions written at once, and their bytes: a history may be of any length, and each step of it is kept.
const AT_ONCE: usize = 200;
const BYTES_AT_ONCE: usize = 4_000_000;

impl ByScript {
    /// Reads a script's history and writes what is new of it.
    pub(super) async fn learn(
        &mut self,
        store: &impl Store,
        chain: &impl Scripts,
        config: &Config,
        tip: &Block,
        key: [u8; 32],
        now: u64,
    ) -> Result<(), FollowFault> {
        let Some(known) = self.scripts.get(&key) else {
            self.due.remove(&key);
            return Ok(());
        };
        let wallet = known.wallet;
        let history = chain.history(key).await?;
        let (mut placed, mut bytes) = (Vec::new(), 0);
        let mut early = false;
        for entry in &history {
            if entry.height.is_some_and(|height| height > tip.height) {
                early = true;
                continue;
            }
            let row = store.transaction(wallet, entry.txid.to_byte_array()).await?;
            let settled = row.is_some_and(|row| match (entry.height, row.block) {
                // A roll-back un-mined whatever is no longer in its block.
                (Some(height), Some(mined)) => mined.height == height,
                (None, Some(_)) => true,
                (None, None) => !row.gone,
                (Some(_), None) => false,
            });
            if !settled && let Some(each) = self.place(store, chain, *entry, now).await? {
                bytes += each.transaction.total_size();
                placed.push(each);
            }
            if placed.len() >= AT_ONCE || bytes >= BYTES_AT_ONCE {
                self.keep(store, chain, config, std::mem::take(&mut placed)).await?;
                bytes = 0;
            }
        }
        if !placed.is_empty() {
            self.keep(store, chain, config, placed).await?;
        }
        self.due.remove(&key);
        if early {
            self.early.insert(key);
        }
        if let Some(known) = self.scripts.get_mut(&key) {
            known.history = history;
        }
        Ok(())
    }

    /// Writes what is new, and watches what follows from it.
    async fn keep(
        &mut self,
        store: &impl Store,
        chain: &impl Scripts,
        config: &Config,
        placed: Vec<Placed>,
    ) -> Result<(), FollowFault> {
        let transactions: Vec<Transaction> = placed.iter().map(|placed| placed.transaction.clone()).collect();
        let found = find(store, config, &transactions, None).await?;
        let scripts: Vec<_> = found
            .scripts
            .iter()
            .map(|script| (script.wallet, script.output_key))
            .collect();
        let writes = writes(placed, found);
        if !writes.is_empty() {
            commit(store, writes).await?;
        }
        self.add(chain, scripts)
    }

    /// A transaction and where it is mined, proved; none where that is too long ago to prove.
    async fn place(
        &mut self,
        store: &impl Store,
        chain: &impl Scripts,
        entry: Entry,
        now: u64,
    ) -> Result<Option<Placed>, FollowFault> {
        let Entry { txid, height } = entry;
        let Some(transaction) = chain.transaction(txid).await? else {
            let told = format!("it tells of transaction {txid} and does not have it");
            return Err(ChainFault::Unavailable(told).into());
        };
        let Some(height) = height else {
            return Ok(Some(Placed {
                transaction,
                mined: None,
                seen: now,
            }));
        };
        let Some(header) = self.old.at(store, chain, height).await? else {
            tracing::warn!(%txid, height, "a transaction is too old to be proved, and is left out");
            return Ok(None);
        };
        let (position, branch) = chain.branch(txid, height).await?;
        if !merkle::proves(&transaction, position, &branch, header.merkle_root) {
            return Err(FollowFault::FalseProof { txid, height });
        }
        let mined = Mined {
            height,
            hash: header.block_hash().to_byte_array(),
            position,
            branch,
        };
        Ok(Some(Placed {
            transaction,
            mined: Some(mined),
            seen: seen(&header, now),
        }))
    }
}

/// First seen now, unless the block is an old one.
fn seen(header: &Header, now: u64) -> u64 {
    now.min(u64::from(header.time))
}
