//! The source of the chain, as configured: asked only once it has shown that it is on the right network, its calls
//! counted.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bitcoin::{Block, BlockHash, Network, ScriptBuf, Transaction, Txid, block::Header, constants::genesis_block};
use tracing::{Instrument as _, field};
use twofold_chain::{Source, Sources, bitcoind::Bitcoind, electrum::Electrum};
use twofold_cosigner::port::chain::{Blocks, Chain, ChainFault, Entry, Scripts, Way};

use twofold_store::metric::SPANS;

use crate::{config::Bitcoin, fault::Fault, links::ChainLinks, metric};

/// The source behind the server, and a second one if it is configured.
#[derive(Debug)]
pub(crate) struct Node {
    sources: Arc<Sources>,
    network: Network,
    challenge: Option<ScriptBuf>,
    shown: AtomicBool,
}

/// Makes the adapters. The sources themselves are asked later: a server starts without one and says that it is not ready.
pub(crate) fn connect(bitcoin: &Bitcoin) -> Result<Node, Fault> {
    Ok(Node {
        sources: Arc::new(bitcoin.sources()?),
        network: bitcoin.network.known(),
        challenge: bitcoin.challenge()?,
        shown: AtomicBool::new(false),
    })
}

impl Node {
    /// What tells how the links to the sources are.
    pub(crate) fn links(&self) -> ChainLinks {
        let sources = Arc::clone(&self.sources);
        ChainLinks::new(move || sources.standings())
    }

    async fn right_network(&self) -> Result<(), ChainFault> {
        if self.shown.load(Ordering::Relaxed) {
            return Ok(());
        }
        for source in [Some(self.sources.first()), self.sources.second()]
            .into_iter()
            .flatten()
        {
            match source {
                Source::Node(node) => self.right_node(node).await?,
                Source::Server(server) => self.right_server(server).await?,
            }
        }
        self.shown.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn right_node(&self, node: &Bitcoind) -> Result<(), ChainFault> {
        let found = node.network().await?;
        if found != self.network {
            let told = format!("it is on {found}, and bitcoin.network says {}", self.network);
            return Err(ChainFault::Unavailable(told));
        }
        if let Some(wanted) = &self.challenge {
            let told = match node.signet_challenge().await? {
                Some(found) if found == *wanted => None,
                Some(found) => Some(format!("its challenge is {}", found.to_hex_string())),
                None => Some("it does not tell its challenge: Bitcoin Core does from version 28 on".to_owned()),
            };
            if let Some(told) = told {
                let wanted = wanted.to_hex_string();
                let told = format!("it is on another signet than {wanted}, or may be: {told}");
                return Err(ChainFault::Unavailable(told));
            }
        }
        Ok(())
    }

    /// All signets have one first block: which of them it is, an Electrum server can't be asked.
    async fn right_server(&self, server: &Electrum) -> Result<(), ChainFault> {
        let (wanted, found) = (genesis_block(self.network).block_hash(), server.hash_at(0).await?);
        if found == wanted {
            return Ok(());
        }
        let told = format!("its first block is {found}, that of {} is {wanted}", self.network);
        Err(ChainFault::Unavailable(told))
    }

    /// Tells the metrics how the links are.
    fn gauge(&self) {
        let both = [("first", Some(self.sources.first())), ("second", self.sources.second())];
        for (which, source) in both {
            let Some(Source::Server(server)) = source else { continue };
            let state = server.state();
            let seen = state.last_seen.unwrap_or(state.since);
            metrics::gauge!(metric::CHAIN_LINK_SILENT, "source" => which).set(seen.as_secs_f64());
            metrics::counter!(metric::CHAIN_LINK_CONNECTIONS, "source" => which).absolute(state.connections);
            let scripts = [("watched", state.scripts), ("restored", state.restored)];
            for (what, count) in scripts {
                let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
                metrics::gauge!(metric::CHAIN_LINK_SCRIPTS, "source" => which, "state" => what).set(count);
            }
        }
    }

    async fn counted<T>(
        &self,
        call: &'static str,
        answer: impl Future<Output = Result<T, ChainFault>> + Send,
    ) -> Result<T, ChainFault> {
        let span = tracing::info_span!(target: SPANS, "chain", call, outcome = field::Empty);
        let asked = async {
            self.right_network().await?;
            answer.await
        };
        let answer = asked.instrument(span.clone()).await;
        let outcome = match &answer {
            Ok(_) => "ok",
            Err(ChainFault::Unavailable(_)) => "unavailable",
            Err(ChainFault::Disagreement(_)) => "disagreement",
            Err(_) => "refused",
        };
        span.record("outcome", outcome);
        self.gauge();
        metrics::counter!(metric::CHAIN_CALLS, "call" => call, "outcome" => outcome).increment(1);
        answer
    }
}

impl Chain for Node {
    type Blocks = Self;
    type Scripts = Self;

    fn way(&self) -> Way<'_, Self, Self> {
        match self.sources.way() {
            Way::Blocks(_) => Way::Blocks(self),
            Way::Scripts(_) => Way::Scripts(self),
        }
    }

    async fn best(&self) -> Result<(u32, BlockHash), ChainFault> {
        self.counted("best", self.sources.best()).await
    }

    async fn hash_at(&self, height: u32) -> Result<BlockHash, ChainFault> {
        self.counted("hash_at", self.sources.hash_at(height)).await
    }

    async fn broadcast(&self, transaction: &Transaction) -> Result<Txid, ChainFault> {
        self.counted("broadcast", self.sources.broadcast(transaction)).await
    }

    async fn estimate(&self, target_blocks: u16) -> Result<Option<u64>, ChainFault> {
        self.counted("estimate", self.sources.estimate(target_blocks)).await
    }

    async fn minimum_rate(&self) -> Result<u64, ChainFault> {
        self.counted("minimum_rate", self.sources.minimum_rate()).await
    }
}

impl Blocks for Node {
    async fn lowest_block(&self) -> Result<u32, ChainFault> {
        self.counted("lowest_block", self.sources.lowest_block()).await
    }

    async fn header(&self, hash: BlockHash) -> Result<Header, ChainFault> {
        self.counted("header", self.sources.header(hash)).await
    }

    async fn block(&self, hash: BlockHash) -> Result<Block, ChainFault> {
        self.counted("block", self.sources.block(hash)).await
    }

    async fn mempool(&self) -> Result<Vec<Txid>, ChainFault> {
        self.counted("mempool", self.sources.mempool()).await
    }

    async fn mempool_transaction(&self, txid: Txid) -> Result<Option<Transaction>, ChainFault> {
        self.counted("mempool_transaction", self.sources.mempool_transaction(txid))
            .await
    }
}

impl Scripts for Node {
    async fn headers(&self, from: u32) -> Result<Vec<Header>, ChainFault> {
        self.counted("headers", self.sources.headers(from)).await
    }

    fn watch(&self, keys: &[[u8; 32]]) -> bool {
        self.sources.watch(keys)
    }

    fn changed(&self) -> Vec<([u8; 32], bool)> {
        self.sources.changed()
    }

    async fn history(&self, key: [u8; 32]) -> Result<Vec<Entry>, ChainFault> {
        self.counted("history", self.sources.history(key)).await
    }

    async fn transaction(&self, txid: Txid) -> Result<Option<Transaction>, ChainFault> {
        self.counted("transaction", self.sources.transaction(txid)).await
    }

    async fn branch(&self, txid: Txid, height: u32) -> Result<(u32, Vec<[u8; 32]>), ChainFault> {
        self.counted("branch", self.sources.branch(txid, height)).await
    }
}
