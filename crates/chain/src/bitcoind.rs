//! A Bitcoin node, asked by JSON-RPC over HTTP.
//!
//! Every call ends within the deadline, whatever the node does: each has a connection to itself while it runs, replies
//! are bounded, and a fault that may pass (a dropped connection, a node that starts or is busy) is asked again with
//! growing pauses as long as time is left. All calls may be repeated: most read, and a broadcast is known by its txid.

mod credentials;
mod link;
mod rpc;

#[cfg(test)]
mod tests;

use std::{convert::Infallible, time::Duration};

use bitcoin::{
    Block, BlockHash, Network, ScriptBuf, Transaction, Txid, block::Header, consensus::Decodable,
    consensus::encode::serialize_hex, hex::FromHex,
};
use serde::Deserialize;
use serde_json::json;
use twofold_cosigner::port::chain::{Blocks, Chain, ChainFault, Way};

use crate::{
    fault::{Fault, other_than_asked},
    rate::rate,
};
pub use credentials::Credentials;
use rpc::Rpc;
use twofold_link::Standing;

/// Replies of most calls.
const SMALL: usize = 64 << 10;
/// A block or transaction of 4 MB, the most that consensus allows, in hex.
const BLOCK: usize = (8 << 20) + (64 << 10);
/// Ids of a million transactions: several times what a node's default mempool can hold.
const MEMPOOL: usize = 68 << 20;

/// `RPC_MISC_ERROR`: for blocks, "not available".
const MISC: i64 = -1;
/// `RPC_INVALID_ADDRESS_OR_KEY`: no such block or transaction.
const UNKNOWN: i64 = -5;
/// `RPC_INVALID_PARAMETER`: for heights, out of range.
const OUT_OF_RANGE: i64 = -8;
/// `RPC_DESERIALIZATION_ERROR`, `RPC_VERIFY_ERROR`, `RPC_VERIFY_REJECTED`.
const REFUSALS: [i64; 3] = [-22, -25, -26];
/// `RPC_VERIFY_ALREADY_IN_UTXO_SET` (once `..._IN_CHAIN`).
const MINED_ALREADY: i64 = -27;

/// How a node is reached.
#[derive(Debug, Clone)]
pub struct Config {
    /// `http://host:port`. What lies between must be trusted or tunnelled: bitcoind speaks no TLS.
    pub url: String,
    /// Who we are to it.
    pub credentials: Credentials,
    /// How long a call may take in all.
    pub deadline: Duration,
}

impl Config {
    /// With the deadline that suits most nodes: 20 seconds.
    #[must_use]
    pub fn new(url: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            url: url.into(),
            credentials,
            deadline: Duration::from_secs(20),
        }
    }
}

/// A node's address that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no node's address: give http://host:port, with a tunnel if the network between is not yours")]
pub struct BadUrl(String);

/// A bitcoind. Needs a tokio runtime around its calls.
#[derive(Debug)]
pub struct Bitcoind {
    rpc: Rpc,
}

/// `getblockchaininfo`, as far as it matters here.
#[derive(Debug, Deserialize)]
struct ChainInfo {
    chain: String,
    blocks: u32,
    bestblockhash: BlockHash,
    #[serde(default)]
    pruneheight: u32,
    /// On a signet, as nodes from Core 28 on tell it.
    signet_challenge: Option<String>,
}

/// `estimatesmartfee`.
#[derive(Debug, Deserialize)]
struct Estimate {
    feerate: Option<f64>,
}

/// `getmempoolinfo`.
#[derive(Debug, Deserialize)]
struct MempoolInfo {
    mempoolminfee: f64,
    minrelaytxfee: f64,
}

impl Bitcoind {
    /// Prepares calls; the node is reached with the first one.
    pub fn new(config: Config) -> Result<Self, BadUrl> {
        Ok(Self { rpc: Rpc::new(config)? })
    }

    /// How the link to it is.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.rpc.standing()
    }

    /// How many requests were sent so far, repetitions included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.rpc.requests()
    }

    /// Which network the node is on.
    pub async fn network(&self) -> Result<Network, ChainFault> {
        let chain = self.info().await?.chain;
        Network::from_core_arg(&chain)
            .map_err(|_| ChainFault::Unavailable(format!("it is on an unknown network: {chain:?}")))
    }

    /// The challenge of the signet that the node is on; none on other networks, and where the node does not tell.
    pub async fn signet_challenge(&self) -> Result<Option<ScriptBuf>, ChainFault> {
        let told = self.info().await?.signet_challenge;
        let script = told.map(|hex| ScriptBuf::from_hex(&hex)).transpose();
        script.map_err(|_| ChainFault::Unavailable("getblockchaininfo: the signet's challenge is no hex".to_owned()))
    }

    async fn info(&self) -> Result<ChainInfo, ChainFault> {
        Ok(self.rpc.call("getblockchaininfo", json!([]), SMALL).await?)
    }

    /// A call whose answer is something consensus-encoded, in hex.
    async fn decoded<T: Decodable>(
        &self,
        method: &'static str,
        params: serde_json::Value,
        limit: usize,
    ) -> Result<T, Fault> {
        let hex: String = self.rpc.call(method, params, limit).await?;
        let bytes = Vec::<u8>::from_hex(&hex).map_err(|error| Fault::garbled(method, &error))?;
        bitcoin::consensus::deserialize(&bytes).map_err(|error| Fault::garbled(method, &error))
    }

    /// Whether the node has a transaction in its mempool, or knows it otherwise.
    async fn knows(&self, txid: Txid) -> Result<bool, ChainFault> {
        match self
            .decoded::<Transaction>("getrawtransaction", json!([txid]), BLOCK)
            .await
        {
            Ok(transaction) => Ok(transaction.compute_txid() == txid),
            Err(Fault::Refused { code: UNKNOWN, .. }) => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }
}

impl Chain for Bitcoind {
    type Blocks = Self;
    type Scripts = Infallible;

    fn way(&self) -> Way<'_, Self, Infallible> {
        Way::Blocks(self)
    }

    async fn best(&self) -> Result<(u32, BlockHash), ChainFault> {
        let info = self.info().await?;
        Ok((info.blocks, info.bestblockhash))
    }

    async fn hash_at(&self, height: u32) -> Result<BlockHash, ChainFault> {
        match self.rpc.call("getblockhash", json!([height]), SMALL).await {
            Err(Fault::Refused { code: OUT_OF_RANGE, .. }) => Err(ChainFault::Beyond(height)),
            answer => Ok(answer?),
        }
    }

    async fn broadcast(&self, transaction: &Transaction) -> Result<Txid, ChainFault> {
        let txid = transaction.compute_txid();
        let sent = self
            .rpc
            .call::<Txid>("sendrawtransaction", json!([serialize_hex(transaction)]), SMALL)
            .await;
        match sent {
            Ok(answered) if answered == txid => Ok(txid),
            Ok(_) => Err(other_than_asked("sendrawtransaction")),
            Err(Fault::Refused {
                code: MINED_ALREADY, ..
            }) => Ok(txid),
            // A transaction that is there already, or whose inputs it has itself spent, is refused in several words.
            Err(Fault::Refused { code, message }) if REFUSALS.contains(&code) => {
                if self.knows(txid).await? {
                    Ok(txid)
                } else {
                    Err(ChainFault::Refused(message))
                }
            }
            Err(fault) => Err(fault.into()),
        }
    }

    async fn estimate(&self, target_blocks: u16) -> Result<Option<u64>, ChainFault> {
        let target = target_blocks.clamp(1, 1008);
        let estimate: Estimate = self.rpc.call("estimatesmartfee", json!([target]), SMALL).await?;
        Ok(estimate.feerate.and_then(rate))
    }

    async fn minimum_rate(&self) -> Result<u64, ChainFault> {
        let info: MempoolInfo = self.rpc.call("getmempoolinfo", json!([]), SMALL).await?;
        rate(info.mempoolminfee.max(info.minrelaytxfee))
            .ok_or_else(|| ChainFault::Unavailable("getmempoolinfo: no sensible minimum fee".to_owned()))
    }
}

impl Blocks for Bitcoind {
    async fn lowest_block(&self) -> Result<u32, ChainFault> {
        Ok(self.info().await?.pruneheight)
    }

    async fn header(&self, hash: BlockHash) -> Result<Header, ChainFault> {
        match self
            .decoded::<Header>("getblockheader", json!([hash, false]), SMALL)
            .await
        {
            Err(Fault::Refused { code: UNKNOWN, .. }) => Err(ChainFault::Missing(hash)),
            Ok(header) if header.block_hash() != hash => Err(other_than_asked("getblockheader")),
            answer => Ok(answer?),
        }
    }

    async fn block(&self, hash: BlockHash) -> Result<Block, ChainFault> {
        match self.decoded::<Block>("getblock", json!([hash, 0]), BLOCK).await {
            Err(Fault::Refused {
                code: UNKNOWN | MISC, ..
            }) => Err(ChainFault::Missing(hash)),
            Ok(block) if block.block_hash() != hash || !block.check_merkle_root() => Err(other_than_asked("getblock")),
            answer => Ok(answer?),
        }
    }

    async fn mempool(&self) -> Result<Vec<Txid>, ChainFault> {
        Ok(self.rpc.call("getrawmempool", json!([]), MEMPOOL).await?)
    }

    async fn mempool_transaction(&self, txid: Txid) -> Result<Option<Transaction>, ChainFault> {
        match self
            .decoded::<Transaction>("getrawtransaction", json!([txid]), BLOCK)
            .await
        {
            Err(Fault::Refused { code: UNKNOWN, .. }) => Ok(None),
            Ok(transaction) if transaction.compute_txid() != txid => Err(other_than_asked("getrawtransaction")),
            answer => Ok(Some(answer?)),
        }
    }
}
