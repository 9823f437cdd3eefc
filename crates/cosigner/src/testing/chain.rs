//! The chain's port over a list of blocks and a mempool.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bitcoin::{
    Block, BlockHash, OutPoint, Transaction, Txid, block::Header, constants::genesis_block, hashes::Hash,
    network::Network,
};

use crate::{
    follow::merkle::Tree,
    port::chain::{Blocks, Chain, ChainFault, Entry, Scripts, Way},
    wallet::output_key,
};

/// A chain in memory. Clones are handles on the same chain.
#[derive(Debug, Clone)]
pub struct MemoryChain(Arc<Mutex<Contents>>);

/// What a [`MemoryChain`] holds, to look at and to change.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a test")]
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
    /// It is followed by its scripts.
    pub by_script: bool,
    /// Its merkle branches lead nowhere while this is set.
    pub false_branches: bool,
    /// Transactions that it says are in the block of another height.
    pub elsewhere: BTreeMap<Txid, u32>,
    /// It says that its chain parts from everybody else's above this height.
    pub parts_above: Option<u32>,
    /// A transaction that it tells of and does not have.
    pub lacks: Option<Txid>,
    /// Scripts that may be watched.
    pub most_watched: usize,
    /// Scripts that are watched, and what of them was told.
    pub watched: BTreeMap<[u8; 32], Option<Vec<Entry>>>,
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
            by_script: false,
            false_branches: false,
            elsewhere: BTreeMap::new(),
            parts_above: None,
            lacks: None,
            most_watched: usize::MAX,
            watched: BTreeMap::new(),
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

    /// What happened to a script, as a server that keeps an index knows it.
    #[must_use]
    pub fn history_of(&self, key: [u8; 32]) -> Vec<Entry> {
        let mined = (0..).zip(&self.blocks).flat_map(|(height, block)| {
            let transactions = block.txdata.iter();
            transactions.map(move |transaction| (Some(height), transaction))
        });
        let waiting = self.mempool.values().map(|transaction| (None, transaction));
        let all: Vec<_> = mined.chain(waiting).collect();
        let mut coins = BTreeSet::new();
        for (_, transaction) in &all {
            let txid = transaction.compute_txid();
            for (vout, output) in (0..).zip(&transaction.output) {
                if output_key(&output.script_pubkey) == Some(key) {
                    coins.insert(OutPoint { txid, vout });
                }
            }
        }
        let concerns = |transaction: &Transaction| {
            let pays = transaction.output.iter();
            let mut spends = transaction.input.iter();
            pays.filter_map(|output| output_key(&output.script_pubkey))
                .any(|paid| paid == key)
                || spends.any(|input| coins.contains(&input.previous_output))
        };
        all.iter()
            .filter(|(_, transaction)| concerns(transaction))
            .map(|(height, transaction)| {
                let txid = transaction.compute_txid();
                let height = self.elsewhere.get(&txid).copied().or(*height);
                Entry { txid, height }
            })
            .collect()
    }
}

impl Chain for MemoryChain {
    type Blocks = Self;
    type Scripts = Self;

    fn way(&self) -> Way<'_, Self, Self> {
        if self.lock().by_script {
            Way::Scripts(self)
        } else {
            Way::Blocks(self)
        }
    }

    async fn best(&self) -> Result<(u32, BlockHash), ChainFault> {
        let contents = self.up()?;
        let hash = contents.blocks.last().map(Block::block_hash);
        hash.map(|hash| (contents.tip(), hash))
            .ok_or_else(|| ChainFault::Unavailable("no blocks".into()))
    }

    async fn hash_at(&self, height: u32) -> Result<BlockHash, ChainFault> {
        let contents = self.up()?;
        if contents.parts_above.is_some_and(|above| height > above) {
            return Ok(BlockHash::all_zeros());
        }
        let block = usize::try_from(height)
            .ok()
            .and_then(|height| contents.blocks.get(height));
        block.map(Block::block_hash).ok_or(ChainFault::Beyond(height))
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

impl Blocks for MemoryChain {
    async fn lowest_block(&self) -> Result<u32, ChainFault> {
        Ok(self.up()?.lowest)
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
}

impl Scripts for MemoryChain {
    async fn headers(&self, from: u32) -> Result<Vec<Header>, ChainFault> {
        let contents = self.up()?;
        if contents.parts_above.is_some_and(|above| from > above.saturating_add(1)) {
            return Ok(Vec::new());
        }
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let headers = contents.blocks.iter().skip(from).take(2_016);
        Ok(headers.map(|block| block.header).collect())
    }

    fn watch(&self, keys: &[[u8; 32]]) -> bool {
        let mut contents = self.lock();
        for key in keys {
            if contents.watched.len() >= contents.most_watched && !contents.watched.contains_key(key) {
                return false;
            }
            contents.watched.insert(*key, None);
        }
        true
    }

    fn changed(&self) -> Vec<([u8; 32], bool)> {
        let mut contents = self.lock();
        let mut changed = Vec::new();
        let watched: Vec<_> = contents.watched.keys().copied().collect();
        for key in watched {
            let history = contents.history_of(key);
            if contents
                .watched
                .get(&key)
                .is_none_or(|told| told.as_ref() != Some(&history))
            {
                changed.push((key, !history.is_empty()));
                contents.watched.insert(key, Some(history));
            }
        }
        changed
    }

    async fn history(&self, key: [u8; 32]) -> Result<Vec<Entry>, ChainFault> {
        Ok(self.up()?.history_of(key))
    }

    async fn transaction(&self, txid: Txid) -> Result<Option<Transaction>, ChainFault> {
        let contents = self.up()?;
        if contents.lacks == Some(txid) {
            return Ok(None);
        }
        let mined = contents.blocks.iter().flat_map(|block| &block.txdata);
        let mut all = mined.chain(contents.mempool.values());
        Ok(all.find(|transaction| transaction.compute_txid() == txid).cloned())
    }

    async fn branch(&self, txid: Txid, height: u32) -> Result<(u32, Vec<[u8; 32]>), ChainFault> {
        let contents = self.up()?;
        let block = usize::try_from(height)
            .ok()
            .and_then(|height| contents.blocks.get(height));
        let ids: Vec<Txid> = block
            .ok_or(ChainFault::Beyond(height))?
            .txdata
            .iter()
            .map(Transaction::compute_txid)
            .collect();
        let place = ids.iter().position(|id| *id == txid).unwrap_or_default();
        let tree = Tree::new(ids.iter().map(|id| id.to_byte_array()));
        let mut branch = tree.branch(place);
        if contents.false_branches {
            branch.push([0; 32]);
        }
        Ok((u32::try_from(place).unwrap_or(u32::MAX), branch))
    }
}
