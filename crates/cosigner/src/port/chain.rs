//! The chain: a node or a server that is asked, never believed about what it can prove.

use std::{convert::Infallible, future::Future};

use bitcoin::{Block, BlockHash, Transaction, Txid, block::Header};

/// Why it could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainFault {
    /// It does not answer, or not in time, or not sensibly.
    #[error("the bitcoin node does not answer: {0}")]
    Unavailable(String),
    /// It has no such block any more (pruned), or never had.
    #[error("the node has no block {0}")]
    Missing(BlockHash),
    /// The best chain does not reach this height.
    #[error("the best chain does not reach height {0}")]
    Beyond(u32),
    /// It refuses the transaction.
    #[error("the node refused the transaction: {0}")]
    Refused(String),
    /// Two that were both to be asked do not say the same. One of them lies, is broken, or is behind.
    #[error("the two sources of the chain disagree, and neither is believed until they agree: {0}")]
    Disagreement(String),
}

/// By what a chain is followed.
#[derive(Debug)]
pub enum Way<'a, B, S> {
    /// By its blocks.
    Blocks(&'a B),
    /// By the scripts that wallets have.
    Scripts(&'a S),
}

/// A node or a server. Every call has a deadline of its own.
pub trait Chain: Send + Sync + 'static {
    /// As one that gives blocks.
    type Blocks: Blocks;
    /// As one that knows scripts.
    type Scripts: Scripts;
    /// Which of the two it is.
    fn way(&self) -> Way<'_, Self::Blocks, Self::Scripts>;
    /// Height and hash of the best block.
    fn best(&self) -> impl Future<Output = Result<(u32, BlockHash), ChainFault>> + Send;
    /// Hash of the block at a height on the best chain.
    fn hash_at(&self, height: u32) -> impl Future<Output = Result<BlockHash, ChainFault>> + Send;
    /// Sends a transaction. One that the node or the chain has already is a success.
    fn broadcast(&self, transaction: &Transaction) -> impl Future<Output = Result<Txid, ChainFault>> + Send;
    /// Estimated fee rate for a target, in sat per 1000 virtual bytes, as the node says it; none if it can't tell.
    fn estimate(&self, target_blocks: u16) -> impl Future<Output = Result<Option<u64>, ChainFault>> + Send;
    /// The lowest rate the node relays, in sat per 1000 virtual bytes.
    fn minimum_rate(&self) -> impl Future<Output = Result<u64, ChainFault>> + Send;
}

/// A node that gives blocks: all that happened, for all wallets at once.
pub trait Blocks: Chain {
    /// The lowest height from which on the node has all blocks: 0 if it does not prune.
    fn lowest_block(&self) -> impl Future<Output = Result<u32, ChainFault>> + Send;
    /// A block's header.
    fn header(&self, hash: BlockHash) -> impl Future<Output = Result<Header, ChainFault>> + Send;
    /// A whole block.
    fn block(&self, hash: BlockHash) -> impl Future<Output = Result<Block, ChainFault>> + Send;
    /// Ids of all transactions in the mempool.
    fn mempool(&self) -> impl Future<Output = Result<Vec<Txid>, ChainFault>> + Send;
    /// A transaction in the mempool; none if it is not there.
    fn mempool_transaction(&self, txid: Txid) -> impl Future<Output = Result<Option<Transaction>, ChainFault>> + Send;
}

/// A transaction of a script's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Which.
    pub txid: Txid,
    /// Where it is said to be mined; none while it waits.
    pub height: Option<u32>,
}

/// A server that has no blocks to give, but knows what happened to a script. Scripts are taproot outputs, named by their
/// output key.
pub trait Scripts: Chain {
    /// Headers of the best chain from a height on: as many as there are, and as the server gives at once.
    fn headers(&self, from: u32) -> impl Future<Output = Result<Vec<Header>, ChainFault>> + Send;
    /// Watches scripts from now on. False where there are more than can be watched.
    fn watch(&self, keys: &[[u8; 32]]) -> bool;
    /// Which watched scripts changed since this was last asked, and whether anything ever happened to them. Each is told
    /// once more whenever it is to be watched, though it was before.
    fn changed(&self) -> Vec<([u8; 32], bool)>;
    /// What happened to a script: first what is mined, in the order of the chain.
    fn history(&self, key: [u8; 32]) -> impl Future<Output = Result<Vec<Entry>, ChainFault>> + Send;
    /// A transaction; none if the server does not have it.
    fn transaction(&self, txid: Txid) -> impl Future<Output = Result<Option<Transaction>, ChainFault>> + Send;
    /// What is to prove that a transaction is in the block of a height: its place there, and the siblings on the way to
    /// the root, deepest first.
    fn branch(&self, txid: Txid, height: u32) -> impl Future<Output = Result<(u32, Vec<[u8; 32]>), ChainFault>> + Send;
}

/// The other way, of a chain that goes one way alone.
impl Chain for Infallible {
    type Blocks = Self;
    type Scripts = Self;

    fn way(&self) -> Way<'_, Self, Self> {
        match *self {}
    }

    async fn best(&self) -> Result<(u32, BlockHash), ChainFault> {
        match *self {}
    }

    async fn hash_at(&self, _: u32) -> Result<BlockHash, ChainFault> {
        match *self {}
    }

    async fn broadcast(&self, _: &Transaction) -> Result<Txid, ChainFault> {
        match *self {}
    }

    async fn estimate(&self, _: u16) -> Result<Option<u64>, ChainFault> {
        match *self {}
    }

    async fn minimum_rate(&self) -> Result<u64, ChainFault> {
        match *self {}
    }
}

impl Blocks for Infallible {
    async fn lowest_block(&self) -> Result<u32, ChainFault> {
        match *self {}
    }

    async fn header(&self, _: BlockHash) -> Result<Header, ChainFault> {
        match *self {}
    }

    async fn block(&self, _: BlockHash) -> Result<Block, ChainFault> {
        match *self {}
    }

    async fn mempool(&self) -> Result<Vec<Txid>, ChainFault> {
        match *self {}
    }

    async fn mempool_transaction(&self, _: Txid) -> Result<Option<Transaction>, ChainFault> {
        match *self {}
    }
}

impl Scripts for Infallible {
    async fn headers(&self, _: u32) -> Result<Vec<Header>, ChainFault> {
        match *self {}
    }

    fn watch(&self, _: &[[u8; 32]]) -> bool {
        match *self {}
    }

    fn changed(&self) -> Vec<([u8; 32], bool)> {
        match *self {}
    }

    async fn history(&self, _: [u8; 32]) -> Result<Vec<Entry>, ChainFault> {
        match *self {}
    }

    async fn transaction(&self, _: Txid) -> Result<Option<Transaction>, ChainFault> {
        match *self {}
    }

    async fn branch(&self, _: Txid, _: u32) -> Result<(u32, Vec<[u8; 32]>), ChainFault> {
        match *self {}
    }
}
