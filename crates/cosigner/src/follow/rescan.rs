//! Old blocks, read again for a wallet whose scripts were not watched when they came.

use bitcoin::{BlockHash, hashes::Hash};
use twofold_threshold::id::WalletId;

use super::{
    FollowFault, block, commit,
    find::{find, unused_scripts},
    mempool::Mempool,
};
use crate::{
    Config,
    port::{
        chain::{Blocks, ChainFault},
        record::{Block, Rescan},
        store::{Store, Write},
    },
};

/// Blocks read in one step.
const BLOCKS: usize = 8;

/// Reads some blocks, one for each wallet in turn from the one after `served` on; whether there is more to read. So a
/// wallet waits for the others no longer than they are many, however often one of them begins again.
///
/// The scripts may have been added while the newest block was being looked through, so a rescan ends at the tip of the
/// moment and not at the one it was asked for at.
pub(super) async fn step(
    store: &impl Store,
    chain: &impl Blocks,
    config: &Config,
    mempool: &mut Mempool,
    served: &mut Option<WalletId>,
    tip: &Block,
    now: u64,
) -> Result<bool, FollowFault> {
    for _ in 0..BLOCKS {
        let rescan = match store.rescans(*served, 1).await?.pop() {
            Some(rescan) => rescan,
            None => match store.rescans(None, 1).await?.pop() {
                Some(rescan) => rescan,
                None => return Ok(false),
            },
        };
        // Before it is read: one that can't be read holds up no other.
        *served = Some(rescan.wallet);
        read(store, chain, config, mempool, rescan, tip.height, now).await?;
    }
    Ok(!store.rescans(None, 1).await?.is_empty())
}

async fn read(
    store: &impl Store,
    chain: &impl Blocks,
    config: &Config,
    mempool: &mut Mempool,
    from: Rescan,
    tip: u32,
    now: u64,
) -> Result<(), FollowFault> {
    let height = from.next;
    let mut to = Rescan { last: tip, ..from };
    let mut writes = Vec::new();
    match chain.block(hash_at(store, chain, height).await?).await {
        Ok(block) => {
            let found = find(store, config, &block.txdata, Some(from.wallet)).await?;
            mempool.reconsider(&found.scripts);
            writes = block::writes_of(&block, height, found, now);
            to.next = height.saturating_add(1);
        }
        Err(ChainFault::Missing(hash)) => {
            let lowest = chain.lowest_block().await?;
            if lowest <= height {
                return Err(ChainFault::Missing(hash).into());
            }
            tracing::warn!(wallet = %from.wallet, height, lowest, "old blocks are pruned and can't be read for a wallet");
            to.missing_below = Some(lowest);
            to.next = lowest;
        }
        Err(fault) => return Err(fault.into()),
    }
    let done = to.next > to.last;
    if done {
        // Payments that wait were looked at before these scripts were watched.
        mempool.reconsider(&unused_scripts(store, config, from.wallet).await?);
    }
    // What could not be read stays known.
    let to = (!done || to.missing_below.is_some()).then_some(to);
    writes.push(Write::MoveRescan { from, to });
    commit(store, writes).await
}

/// The hash of a block on the stored chain; on the node's, below where that begins.
async fn hash_at(store: &impl Store, chain: &impl Blocks, height: u32) -> Result<BlockHash, FollowFault> {
    match store.blocks(height, 1).await?.first() {
        Some(block) if block.height == height => Ok(BlockHash::from_byte_array(block.hash)),
        _ => Ok(chain.hash_at(height).await?),
    }
}
