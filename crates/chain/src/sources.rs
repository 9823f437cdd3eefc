//! The source of the chain that is followed, and a second one to hold it to.
//!
//! Of one source alone a server can tell what is false, not what is kept from it: a block that it does not show, a
//! payment that it does not tell of. Where a second one is named, both must name the same best chain before anything is
//! read from it, and two Electrum servers must tell the same of every script. Where they differ neither is believed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bitcoin::{Block, BlockHash, Transaction, Txid, block::Header};
use twofold_cosigner::port::chain::{Blocks, Chain, ChainFault, Entry, Scripts, Way};

use twofold_link::Standing;

use crate::{Bitcoind, Electrum};

/// Blocks by which one may be ahead of the other: news travels, and a node that has just started catches up.
const AHEAD: u32 = 6;

/// One source.
#[derive(Debug)]
pub enum Source {
    /// A node.
    Node(Bitcoind),
    /// A server that speaks the Electrum protocol.
    Server(Electrum),
}

/// The source, and the second one if there is one.
#[derive(Debug)]
pub struct Sources {
    first: Source,
    second: Option<Source>,
    /// The best block that both were last found to agree on.
    agreed: Mutex<Option<(u32, BlockHash)>>,
}

/// Asks whichever it is.
macro_rules! either {
    ($source:expr, $asked:ident => $call:expr) => {
        match $source {
            Source::Node($asked) => $call,
            Source::Server($asked) => $call,
        }
    };
}

impl Source {
    async fn best(&self) -> Result<(u32, BlockHash), ChainFault> {
        either!(self, source => source.best().await)
    }

    async fn hash_at(&self, height: u32) -> Result<BlockHash, ChainFault> {
        either!(self, source => source.hash_at(height).await)
    }

    fn node(&self) -> Result<&Bitcoind, ChainFault> {
        match self {
            Self::Node(node) => Ok(node),
            Self::Server(_) => Err(ChainFault::Unavailable("an Electrum server has no blocks".to_owned())),
        }
    }

    fn server(&self) -> Result<&Electrum, ChainFault> {
        match self {
            Self::Server(server) => Ok(server),
            Self::Node(_) => Err(ChainFault::Unavailable("a node knows no scripts".to_owned())),
        }
    }
}

impl Sources {
    /// What is followed, and what it is held to.
    #[must_use]
    pub fn new(first: Source, second: Option<Source>) -> Self {
        Self {
            first,
            second,
            agreed: Mutex::new(None),
        }
    }

    /// The one that is followed.
    #[must_use]
    pub const fn first(&self) -> &Source {
        &self.first
    }

    /// The one that it is held to.
    #[must_use]
    pub const fn second(&self) -> Option<&Source> {
        self.second.as_ref()
    }

    fn agreed(&self) -> MutexGuard<'_, Option<(u32, BlockHash)>> {
        // It is replaced whole.
        self.agreed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the links to them are, the first's first.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        let both = [Some(&self.first), self.second.as_ref()];
        let standings = both.into_iter().flatten().map(|source| match source {
            Source::Node(node) => node.standing(),
            Source::Server(server) => server.state().standing(),
        });
        standings.collect()
    }

    /// The second one's Electrum server, if it is one.
    fn second_server(&self) -> Option<&Electrum> {
        self.second.as_ref().and_then(|second| second.server().ok())
    }

    /// Whether the second one is on the same chain. What lies below a block follows from its hash.
    async fn agree(&self, ours: (u32, BlockHash)) -> Result<(), ChainFault> {
        let Some(second) = &self.second else {
            return Ok(());
        };
        if *self.agreed() == Some(ours) {
            return Ok(());
        }
        let theirs = second.best().await.map_err(of_the_second)?;
        if ours.0.abs_diff(theirs.0) > AHEAD {
            return Err(ChainFault::Disagreement(format!(
                "the best block of the first is {}, that of the second {}",
                ours.0, theirs.0
            )));
        }
        let height = ours.0.min(theirs.0);
        let first = if height == ours.0 {
            ours.1
        } else {
            self.under(height, ours).await?
        };
        let other = if height == theirs.0 {
            theirs.1
        } else {
            second.hash_at(height).await.map_err(of_the_second)?
        };
        if first != other {
            return Err(ChainFault::Disagreement(format!(
                "block {height} of the first is {first}, of the second {other}"
            )));
        }
        *self.agreed() = Some(ours);
        Ok(())
    }

    /// What the first one's best block stands on. An Electrum server has to show it: asked by height alone, it could name the
    /// second one's block and follow another.
    async fn under(&self, height: u32, best: (u32, BlockHash)) -> Result<BlockHash, ChainFault> {
        let Source::Server(server) = &self.first else {
            return self.first.hash_at(height).await;
        };
        let mut headers = server.headers(height).await?;
        headers.truncate(usize::try_from(best.0 - height).unwrap_or(usize::MAX).saturating_add(1));
        let linked = headers
            .windows(2)
            .all(|pair| pair[1].prev_blockhash == pair[0].block_hash());
        match (headers.first(), headers.last()) {
            (Some(lowest), Some(last)) if linked && last.block_hash() == best.1 => Ok(lowest.block_hash()),
            _ => Err(ChainFault::Unavailable(
                "blockchain.block.headers: they do not lead to the best block".to_owned(),
            )),
        }
    }
}

fn of_the_second(fault: ChainFault) -> ChainFault {
    match fault {
        ChainFault::Unavailable(why) => ChainFault::Unavailable(format!("the second source: {why}")),
        fault => fault,
    }
}

/// What both can know to be mined by now.
fn mined(history: &[Entry], below: u32) -> Vec<Entry> {
    let settled = |entry: &&Entry| entry.height.is_some_and(|height| height <= below);
    let mut mined: Vec<_> = history.iter().filter(settled).copied().collect();
    mined.sort_unstable();
    mined
}

impl Chain for Sources {
    type Blocks = Self;
    type Scripts = Self;

    fn way(&self) -> Way<'_, Self, Self> {
        match self.first {
            Source::Node(_) => Way::Blocks(self),
            Source::Server(_) => Way::Scripts(self),
        }
    }

    async fn best(&self) -> Result<(u32, BlockHash), ChainFault> {
        let best = self.first.best().await?;
        self.agree(best).await?;
        Ok(best)
    }

    async fn hash_at(&self, height: u32) -> Result<BlockHash, ChainFault> {
        self.first.hash_at(height).await
    }

    /// To both, so that what one keeps to itself the other passes on: it is refused where both refuse it.
    async fn broadcast(&self, transaction: &Transaction) -> Result<Txid, ChainFault> {
        let first = either!(&self.first, source => source.broadcast(transaction).await);
        let Some(second) = &self.second else {
            return first;
        };
        let second = either!(second, source => source.broadcast(transaction).await);
        match (first, second) {
            (Ok(txid), Err(fault)) => {
                tracing::warn!(%fault, "the second source did not take a transaction");
                Ok(txid)
            }
            // Whatever was dropped is offered again and again.
            (Err(fault), Ok(txid)) => {
                tracing::debug!(%fault, "the first source did not take a transaction that the second one has");
                Ok(txid)
            }
            (first, _) => first,
        }
    }

    async fn estimate(&self, target_blocks: u16) -> Result<Option<u64>, ChainFault> {
        either!(&self.first, source => source.estimate(target_blocks).await)
    }

    async fn minimum_rate(&self) -> Result<u64, ChainFault> {
        either!(&self.first, source => source.minimum_rate().await)
    }
}

impl Blocks for Sources {
    async fn lowest_block(&self) -> Result<u32, ChainFault> {
        self.first.node()?.lowest_block().await
    }

    async fn header(&self, hash: BlockHash) -> Result<Header, ChainFault> {
        self.first.node()?.header(hash).await
    }

    async fn block(&self, hash: BlockHash) -> Result<Block, ChainFault> {
        self.first.node()?.block(hash).await
    }

    async fn mempool(&self) -> Result<Vec<Txid>, ChainFault> {
        self.first.node()?.mempool().await
    }

    async fn mempool_transaction(&self, txid: Txid) -> Result<Option<Transaction>, ChainFault> {
        self.first.node()?.mempool_transaction(txid).await
    }
}

impl Scripts for Sources {
    async fn headers(&self, from: u32) -> Result<Vec<Header>, ChainFault> {
        self.first.server()?.headers(from).await
    }

    fn watch(&self, keys: &[[u8; 32]]) -> bool {
        let watched = self.first.server().is_ok_and(|server| server.watch(keys));
        watched & self.second_server().is_none_or(|server| server.watch(keys))
    }

    /// What either tells: what the first keeps to itself, the second does not.
    fn changed(&self) -> Vec<([u8; 32], bool)> {
        let mut changed = self.first.server().map(Scripts::changed).unwrap_or_default();
        if let Some(second) = self.second_server() {
            changed.extend(second.changed());
        }
        changed
    }

    async fn history(&self, key: [u8; 32]) -> Result<Vec<Entry>, ChainFault> {
        let history = self.first.server()?.history(key).await?;
        if let Some(second) = self.second_server() {
            let other = second.history(key).await.map_err(of_the_second)?;
            let (ours, theirs) = (self.first.best().await?, second.best().await.map_err(of_the_second)?);
            let height = ours.0.min(theirs.0);
            if mined(&history, height) != mined(&other, height) {
                return Err(ChainFault::Disagreement(
                    "they tell different histories of an address".to_owned(),
                ));
            }
        }
        Ok(history)
    }

    async fn transaction(&self, txid: Txid) -> Result<Option<Transaction>, ChainFault> {
        self.first.server()?.transaction(txid).await
    }

    async fn branch(&self, txid: Txid, height: u32) -> Result<(u32, Vec<[u8; 32]>), ChainFault> {
        self.first.server()?.branch(txid, height).await
    }
}
