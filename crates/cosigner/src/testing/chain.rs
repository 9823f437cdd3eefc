//! The chain's port over a list of blocks and a mempool.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bitcoin::{Block, BlockHash, Transaction, Txid, block::Header, constants::genesis_block, network::Network};

use crate::port::chain::{Chain, ChainFault};

/// A chain in memory. Clones are handles on the same chain.
#[derive(Debug, Clone)]
pub struct MemoryChain(Arc<Mutex<Contents>>);

/// What a [`MemoryChain`] holds, to look at and to change.
#[derive(Debug, Clone)]
pub struct Contents {
    /// The best chain, from the genesis block on.
    pub blocks: Vec<Block>,
    /// Heights below this are pruned.
    pub lowest: u32,
    /// Transactions that wait.
    pub mempool: BTreeMap<Txid, Transaction>,
    /// What the node says of a target, in sat per 1000 virtual bytes.
    pub estimates: BTreeMap<u16, u64>,
    /// How often the node was asked about fees.
    pub asked_for_fees: usize,
    /// What the node relays at least, in sat per 1000 virtual bytes.
    pub minimum_rate: u64,
    /// Nothing is answered while this is set.
    pub down: bool,
    /// Broadcasts are refused with this reason while it is set.
    pub refuses: Option<String>,
    /// Broadcasts are taken, and the answer is lost, while this is set.
    pub unheard: bool,
    /// Every transaction that was sent, in order, repeated ones repeatedly.
    pub sent: Vec<Txid>,
}

impl MemoryChain {
    /// A regtest chain with nothing but its genesis block.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Contents {
            blocks: vec![genesis_block(Network::Regtest)],
            lowest: 0,
            mempool: BTreeMap::new(),
            estimates: BTreeMap::new(),
            asked_for_fees: 0,
            minimum_rate: 1_000,
            down: false,
            refuses: None,
            unheard: false,
            sent: Vec::new(),
        })))
    }

    /// Looks at, or changes, the chain.
    pub fn with<R>(&self, look: impl FnOnce(&mut Contents) -> R) -> R {
        look(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn up(&self) -> Result<MutexGuard<'_, Contents>, ChainFault> {
        let contents = self.lock();
        if contents.down {
            Err(ChainFault::Unavailable("as the test asked".into()))
        } else {
            Ok(contents)
        }
    }
}

impl Default for MemoryChain {
    fn default() -> Self {
        Self::new()
    }
}

impl Contents {
    fn tip(&self) -> u32 {
        u32::try_from(self.blocks.len()).unwrap_or(u32::MAX).saturating_sub(1)
    }
}

impl Chain for MemoryChain {
    async fn best(&self) -> Result<(u32, BlockHash), ChainFault> {
        let contents = self.up()?;
        let hash = contents.blocks.last().map(Block::block_hash);
        hash.map(|hash| (contents.tip(), hash))
            .ok_or_else(|| ChainFault::Unavailable("no blocks".into()))
    }

    async fn lowest_block(&self) -> Result<u32, ChainFault> {
        Ok(self.up()?.lowest)
    }

    async fn hash_at(&self, height: u32) -> Result<BlockHash, ChainFault> {
        let contents = self.up()?;
        let block = usize::try_from(height)
            .ok()
            .and_then(|height| contents.blocks.get(height));
        block.map(Block::block_hash).ok_or(ChainFault::Beyond(height))
    }

    async fn header(&self, hash: BlockHash) -> Result<Header, ChainFault> {
        let contents = self.up()?;
        let block = contents.blocks.iter().find(|block| block.block_hash() == hash);
        block.map(|block| block.header).ok_or(ChainFault::Missing(hash))
    }

    async fn block(&self, hash: BlockHash) -> Result<Block, ChainFault> {
        let contents = self.up()?;
        let kept = contents
            .blocks
            .iter()
            .skip(usize::try_from(contents.lowest).unwrap_or(usize::MAX));
        kept.into_iter()
            .find(|block| block.block_hash() == hash)
            .cloned()
            .ok_or(ChainFault::Missing(hash))
    }

    async fn mempool(&self) -> Result<Vec<Txid>, ChainFault> {
        Ok(self.up()?.mempool.keys().copied().collect())
    }

    async fn mempool_transaction(&self, txid: Txid) -> Result<Option<Transaction>, ChainFault> {
        Ok(self.up()?.mempool.get(&txid).cloned())
    }

    async fn broadcast(&self, transaction: &Transaction) -> Result<Txid, ChainFault> {
        let mut contents = self.up()?;
        if let Some(why) = &contents.refuses {
            return Err(ChainFault::Refused(why.clone()));
        }
        let txid = transaction.compute_txid();
        contents.sent.push(txid);
        contents.mempool.insert(txid, transaction.clone());
        if contents.unheard {
            return Err(ChainFault::Unavailable("as the test asked".into()));
        }
        Ok(txid)
    }

    async fn estimate(&self, target_blocks: u16) -> Result<Option<u64>, ChainFault> {
        self.lock().asked_for_fees += 1;
        Ok(self.up()?.estimates.get(&target_blocks).copied())
    }

    async fn minimum_rate(&self) -> Result<u64, ChainFault> {
        Ok(self.up()?.minimum_rate)
    }
}
