//! The chain: a node that is asked, never believed about what it can prove.

use std::future::Future;

use bitcoin::{Block, BlockHash, Transaction, Txid, block::Header};

/// Why the node could not answer.
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
}

/// A node. Every call has a deadline of its own.
pub trait Chain: Send + Sync + 'static {
    /// Height and hash of the best block.
    fn best(&self) -> impl Future<Output = Result<(u32, BlockHash), ChainFault>> + Send;
    /// The lowest height from which on the node has all blocks: 0 if it does not prune.
    fn lowest_block(&self) -> impl Future<Output = Result<u32, ChainFault>> + Send;
    /// Hash of the block at a height on the best chain.
    fn hash_at(&self, height: u32) -> impl Future<Output = Result<BlockHash, ChainFault>> + Send;
    /// A block's header.
    fn header(&self, hash: BlockHash) -> impl Future<Output = Result<Header, ChainFault>> + Send;
    /// A whole block.
    fn block(&self, hash: BlockHash) -> impl Future<Output = Result<Block, ChainFault>> + Send;
    /// Ids of all transactions in the mempool.
    fn mempool(&self) -> impl Future<Output = Result<Vec<Txid>, ChainFault>> + Send;
    /// A transaction in the mempool; none if it is not there.
    fn mempool_transaction(&self, txid: Txid) -> impl Future<Output = Result<Option<Transaction>, ChainFault>> + Send;
    /// Sends a transaction. One that the node or the chain has already is a success.
    fn broadcast(&self, transaction: &Transaction) -> impl Future<Output = Result<Txid, ChainFault>> + Send;
    /// Estimated fee rate for a target, in sat per 1000 virtual bytes, as the node says it; none if it can't tell.
    fn estimate(&self, target_blocks: u16) -> impl Future<Output = Result<Option<u64>, ChainFault>> + Send;
    /// The lowest rate the node relays, in sat per 1000 virtual bytes.
    fn minimum_rate(&self) -> impl Future<Output = Result<u64, ChainFault>> + Send;
}
