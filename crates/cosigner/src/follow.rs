//! Following the chain: blocks and mempool are read once for all wallets, and what concerns one is written to its index.
//! Where the source of the chain has no blocks to give, scripts are followed instead (`script`); what is written is the
//! same.
//!
//! A [`Follower`] moves in steps of bounded work. Reading blocks, one step does one of these, the first that is due: it starts, at the
//! tip; it rolls back to where the stored chain and the node's part; it reads the next block; or, level with the node, it
//! looks at what came and went in the mempool and reads a few old blocks for wallets that asked for that. What a step
//! wrote is whole, so it may be stopped anywhere and goes on from the stored tip.
//!
//! The node is asked as often for a thousand wallets as for one: all look-ups by wallet are in the store.

mod block;
mod find;
mod mempool;
pub(crate) mod merkle;
mod reach;
mod rescan;
mod script;

#[cfg(test)]
mod tests;

use bitcoin::{BlockHash, Txid, hashes::Hash};
use twofold_threshold::id::WalletId;

use crate::{
    Config, Cosigner,
    port::{
        Clock,
        chain::{Blocks, Chain, ChainFault, Way},
        record::Block,
        store::{Batch, Store, StoreFault, Write},
    },
};
use mempool::Mempool;
pub(crate) use reach::Reached;

/// How many blocks below the tip a server begins that has no blocks yet: so that a reorganization has somewhere to go.
const MARGIN: u32 = 6;
/// A chain this short is read whole.
const SHORT_CHAIN: u32 = 1_000;
/// The deepest reorganization that is followed. Anything deeper is another chain.
const DEEPEST: u32 = 1_000;
/// Stored blocks compared at a time, on the way down.
const COMPARED: u32 = 32;

/// Why a step failed. The next one may succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FollowFault {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The node.
    #[error(transparent)]
    Chain(#[from] ChainFault),
    /// The node has forgotten blocks that were not read yet.
    #[error("the node has pruned block {next}; it keeps those from {lowest} on: let it fetch the old ones again")]
    Pruned {
        /// The block that is next.
        next: u32,
        /// The lowest that the node has.
        lowest: u32,
    },
    /// The node's chain and the stored one have nothing in common.
    #[error("the node follows another chain than this server's: they part below height {below}")]
    AnotherChain {
        /// Where looking ended.
        below: u32,
    },
    /// A block does not show the work it claims.
    #[error("the node gave a block without proof of work: {0}")]
    NoWork(BlockHash),
    /// A header that can't be the chain's.
    #[error("the server's header for block {height} is false: {fault}")]
    Header {
        /// The height claimed for it.
        height: u32,
        /// What is wrong with it.
        fault: String,
    },
    /// The server names a best block and gives no headers.
    #[error("the server gives no headers from block {0} on")]
    NoHeaders(u32),
    /// The server shows another chain than the one known, with no more work in it.
    #[error("the server shows another chain above block {above}, with no more work than the one already known")]
    LessWork {
        /// The last block that both have.
        above: u32,
    },
    /// A proof that proves nothing.
    #[error("the server's proof that transaction {txid} is in block {height} is false")]
    FalseProof {
        /// The transaction.
        txid: Txid,
        /// Where it is said to be.
        height: u32,
    },
    /// Wallets have more scripts than the source of the chain can watch.
    #[error("there are more addresses than an Electrum server can be asked to watch: use a node's RPC instead")]
    TooManyScripts,
}

/// How far a step came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The highest block read.
    pub height: u32,
    /// The node's best block; lower than `height` while the node itself is catching up.
    pub best: u32,
    /// There is more to do at once.
    pub more: bool,
}

/// What the follower remembers between steps. Nothing of it need survive.
#[derive(Debug)]
pub struct Follower {
    config: Config,
    mempool: Mempool,
    served: Option<WalletId>,
    scripts: script::ByScript,
}

impl Follower {
    /// One for a network and gap limit.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            mempool: Mempool::default(),
            served: None,
            scripts: script::ByScript::default(),
        }
    }

    /// Takes a step. `now` is in seconds since 1970.
    pub async fn step(&mut self, store: &impl Store, chain: &impl Chain, now: u64) -> Result<Progress, FollowFault> {
        match chain.way() {
            Way::Blocks(chain) => self.by_block(store, chain, now).await,
            Way::Scripts(chain) => {
                let Self { scripts, mempool, .. } = self;
                scripts.step(store, chain, &self.config, mempool, now).await
            }
        }
    }

    async fn by_block(&mut self, store: &impl Store, chain: &impl Blocks, now: u64) -> Result<Progress, FollowFault> {
        let best = chain.best().await?;
        let Some(tip) = store.tip().await? else {
            return self.begin(store, chain, best.0, now).await;
        };
        let level = tip.hash == best.1.to_byte_array();
        if level {
            let unseen = self.mempool.step(store, chain, &self.config, &tip, now).await?;
            let unread = rescan::step(
                store,
                chain,
                &self.config,
                &mut self.mempool,
                &mut self.served,
                &tip,
                now,
            )
            .await?;
            return Ok(Progress {
                height: tip.height,
                best: best.0,
                more: unseen || unread || self.mempool.is_due(),
            });
        }
        let next = tip.height.saturating_add(1);
        let hash = match chain.hash_at(next).await {
            Ok(hash) => hash,
            Err(ChainFault::Beyond(_)) => return roll_back(store, chain, &tip, best).await,
            Err(fault) => return Err(fault.into()),
        };
        let block = fetch(chain, next, hash).await?;
        if block.header.prev_blockhash.to_byte_array() != tip.hash {
            return roll_back(store, chain, &tip, best).await;
        }
        self.read(store, next, &block, best.0, now).await
    }

    /// The first block: near the tip, since no wallet is older than the server.
    async fn begin(
        &mut self,
        store: &impl Store,
        chain: &impl Blocks,
        best: u32,
        now: u64,
    ) -> Result<Progress, FollowFault> {
        let first = if best <= SHORT_CHAIN {
            0
        } else {
            best.saturating_sub(MARGIN)
        };
        let first = first.max(chain.lowest_block().await?).min(best);
        let block = fetch(chain, first, chain.hash_at(first).await?).await?;
        self.read(store, first, &block, best, now).await
    }

    async fn read(
        &mut self,
        store: &impl Store,
        height: u32,
        block: &bitcoin::Block,
        best: u32,
        now: u64,
    ) -> Result<Progress, FollowFault> {
        let found = find::find(store, &self.config, &block.txdata, None).await?;
        self.mempool.reconsider(&found.scripts);
        let mut writes = block::writes_of(block, height, found, now);
        writes.push(Write::PutBlock(Block {
            height,
            hash: block.block_hash().to_byte_array(),
            header: bitcoin::consensus::serialize(&block.header),
        }));
        commit(store, writes).await?;
        Ok(Progress {
            height,
            best,
            more: true,
        })
    }
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Follows the chain by one step. One follower a store; the server calls this again at once while there is more,
    /// and every second or so otherwise.
    pub async fn follow_step(&self, follower: &mut Follower) -> Result<Progress, FollowFault> {
        let progress = follower.step(&self.store, &self.chain, self.time.now()).await;
        self.reached.set(follower.scripts.reach());
        progress
    }
}

/// A block, which must show its work.
async fn fetch(chain: &impl Blocks, height: u32, hash: BlockHash) -> Result<bitcoin::Block, FollowFault> {
    let block = match chain.block(hash).await {
        Err(ChainFault::Missing(_)) => {
            let lowest = chain.lowest_block().await?;
            return Err(if height < lowest {
                FollowFault::Pruned { next: height, lowest }
            } else {
                ChainFault::Missing(hash).into()
            });
        }
        answer => answer?,
    };
    if block.header.validate_pow(block.header.target()).is_err() {
        return Err(FollowFault::NoWork(hash));
    }
    Ok(block)
}

/// Goes back to the highest stored block that is on the node's best chain.
async fn roll_back(
    store: &impl Store,
    chain: &impl Chain,
    tip: &Block,
    best: (u32, BlockHash),
) -> Result<Progress, FollowFault> {
    let (height, more) = match part(store, chain, tip, best).await? {
        Parted::Behind => (tip.height, false),
        Parted::Above(above) => {
            tracing::info!(from = tip.height, above, "the chain was reorganized");
            commit(store, vec![Write::RollBackBlocks { above }]).await?;
            (above, true)
        }
    };
    Ok(Progress {
        height,
        best: best.0,
        more,
    })
}

/// Where the stored chain and the node's part.
#[derive(Debug, Clone, Copy)]
enum Parted {
    /// Nowhere: a node that is on our chain and not as far has only to catch up.
    Behind,
    /// Above the highest stored block that is on the node's best chain.
    Above(u32),
}

/// Finds where the stored chain and the node's part.
async fn part(
    store: &impl Store,
    chain: &impl Chain,
    tip: &Block,
    best: (u32, BlockHash),
) -> Result<Parted, FollowFault> {
    let mut top = tip.height;
    loop {
        let from = top.saturating_sub(COMPARED - 1);
        let mut blocks = store.blocks(from, COMPARED).await?;
        blocks.retain(|block| block.height <= top);
        for block in blocks.iter().rev() {
            let there = match chain.hash_at(block.height).await {
                Ok(hash) => hash.to_byte_array() == block.hash,
                Err(ChainFault::Beyond(_)) => false,
                Err(fault) => return Err(fault.into()),
            };
            if !there {
                continue;
            }
            if block.height == best.0 {
                return Ok(Parted::Behind);
            }
            return Ok(Parted::Above(block.height));
        }
        let reached_end = blocks.first().is_none_or(|block| block.height > from) || from == 0;
        if reached_end || tip.height.saturating_sub(from) >= DEEPEST {
            return Err(FollowFault::AnotherChain { below: from });
        }
        top = from - 1;
    }
}

/// Commits writes that depend on no wallet's version.
async fn commit(store: &impl Store, writes: Vec<Write>) -> Result<(), FollowFault> {
    let expect = Vec::new();
    Ok(store.commit(Batch { expect, writes }).await?)
}
