//! The Bitcoin node, as configured.

use bitcoin::{Block, BlockHash, Transaction, Txid, block::Header};
use twofold_cosigner::port::chain::{Chain, ChainFault};

use crate::{config::Bitcoin, fault::Fault};

/// Makes the adapter. The node itself is asked later: a server starts without one and says that it is not ready.
pub fn connect(_bitcoin: &Bitcoin) -> Result<NoNode, Fault> {
    Ok(NoNode)
}

/// No node at all.
#[derive(Debug, Clone, Copy)]
pub struct NoNode;

fn none<T>() -> Result<T, ChainFault> {
    Err(ChainFault::Unavailable("there is no node".into()))
}

impl Chain for NoNode {
    async fn best(&self) -> Result<(u32, BlockHash), ChainFault> {
        none()
    }
    async fn hash_at(&self, _: u32) -> Result<BlockHash, ChainFault> {
        none()
    }
    async fn lowest_block(&self) -> Result<u32, ChainFault> {
        none()
    }
    async fn header(&self, _: BlockHash) -> Result<Header, ChainFault> {
        none()
    }
    async fn block(&self, _: BlockHash) -> Result<Block, ChainFault> {
        none()
    }
    async fn mempool(&self) -> Result<Vec<Txid>, ChainFault> {
        none()
    }
    async fn mempool_transaction(&self, _: Txid) -> Result<Option<Transaction>, ChainFault> {
        none()
    }
    async fn broadcast(&self, _: &Transaction) -> Result<Txid, ChainFault> {
        none()
    }
    async fn estimate(&self, _: u16) -> Result<Option<u64>, ChainFault> {
        none()
    }
    async fn minimum_rate(&self) -> Result<u64, ChainFault> {
        none()
    }
}
