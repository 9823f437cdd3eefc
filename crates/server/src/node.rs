//! The Bitcoin node, as configured: asked only once it has shown that it is on the right network, its calls counted.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
};

use bitcoin::{Block, BlockHash, Network, ScriptBuf, Transaction, Txid, block::Header};
use twofold_chain::bitcoind::{self, Bitcoind, Credentials};
use twofold_cosigner::port::chain::{Chain, ChainFault};

use crate::{config::Bitcoin, fault::Fault, metric};

/// The node behind the server.
#[derive(Debug)]
pub(crate) struct Node {
    bitcoind: Bitcoind,
    network: Network,
    challenge: Option<ScriptBuf>,
    shown: AtomicBool,
}

/// Makes the adapter. The node itself is asked later: a server starts without one and says that it is not ready.
pub(crate) fn connect(bitcoin: &Bitcoin) -> Result<Node, Fault> {
    let credentials = match (&bitcoin.cookie_file, &bitcoin.user, &bitcoin.password_file) {
        (Some(cookie), ..) => Credentials::Cookie(cookie.clone()),
        (None, Some(user), Some(file)) => {
            let password = fs::read_to_string(file)
                .map_err(Fault::reading(file))?
                .trim_end()
                .to_owned();
            Credentials::UserPassword {
                user: user.clone(),
                password,
            }
        }
        _ => {
            return Err(Fault::Config(
                "bitcoin needs cookie_file, or user and password_file".into(),
            ));
        }
    };
    let bitcoind = Bitcoind::new(bitcoind::Config::new(bitcoin.rpc_url.clone(), credentials))
        .map_err(|error| Fault::Config(format!("bitcoin.rpc_url: {error}")))?;
    Ok(Node {
        bitcoind,
        network: bitcoin.network.known(),
        challenge: bitcoin.challenge()?,
        shown: AtomicBool::new(false),
    })
}

impl Bitcoin {
    /// What stands in the way of asking the node, as far as this machine's files tell.
    pub(crate) fn obstacle(&self) -> Option<String> {
        let file = self.cookie_file.as_ref()?;
        let error = fs::File::open(file).err()?;
        Some(format!(
            "its cookie {} can't be read ({error}); start the node, or name its cookie: --cookie-file FILE or \
             bitcoin.cookie_file",
            file.display()
        ))
    }
}

impl Node {
    async fn right_network(&self) -> Result<(), ChainFault> {
        if self.shown.load(Ordering::Relaxed) {
            return Ok(());
        }
        let found = self.bitcoind.network().await?;
        if found != self.network {
            let told = format!("it is on {found}, and bitcoin.network says {}", self.network);
            return Err(ChainFault::Unavailable(told));
        }
        if let Some(wanted) = &self.challenge {
            let told = match self.bitcoind.signet_challenge().await? {
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
        self.shown.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn counted<T>(
        &self,
        call: &'static str,
        answer: impl Future<Output = Result<T, ChainFault>> + Send,
    ) -> Result<T, ChainFault> {
        let answer = match self.right_network().await {
            Ok(()) => answer.await,
            Err(fault) => Err(fault),
        };
        let outcome = match &answer {
            Ok(_) => "ok",
            Err(ChainFault::Unavailable(_)) => "unavailable",
            Err(_) => "refused",
        };
        metrics::counter!(metric::CHAIN_CALLS, "call" => call, "outcome" => outcome).increment(1);
        answer
    }
}

impl Chain for Node {
    async fn best(&self) -> Result<(u32, BlockHash), ChainFault> {
        self.counted("best", self.bitcoind.best()).await
    }

    async fn lowest_block(&self) -> Result<u32, ChainFault> {
        self.counted("lowest_block", self.bitcoind.lowest_block()).await
    }

    async fn hash_at(&self, height: u32) -> Result<BlockHash, ChainFault> {
        self.counted("hash_at", self.bitcoind.hash_at(height)).await
    }

    async fn header(&self, hash: BlockHash) -> Result<Header, ChainFault> {
        self.counted("header", self.bitcoind.header(hash)).await
    }

    async fn block(&self, hash: BlockHash) -> Result<Block, ChainFault> {
        self.counted("block", self.bitcoind.block(hash)).await
    }

    async fn mempool(&self) -> Result<Vec<Txid>, ChainFault> {
        self.counted("mempool", self.bitcoind.mempool()).await
    }

    async fn mempool_transaction(&self, txid: Txid) -> Result<Option<Transaction>, ChainFault> {
        self.counted("mempool_transaction", self.bitcoind.mempool_transaction(txid))
            .await
    }

    async fn broadcast(&self, transaction: &Transaction) -> Result<Txid, ChainFault> {
        self.counted("broadcast", self.bitcoind.broadcast(transaction)).await
    }

    async fn estimate(&self, target_blocks: u16) -> Result<Option<u64>, ChainFault> {
        self.counted("estimate", self.bitcoind.estimate(target_blocks)).await
    }

    async fn minimum_rate(&self) -> Result<u64, ChainFault> {
        self.counted("minimum_rate", self.bitcoind.minimum_rate()).await
    }
}
