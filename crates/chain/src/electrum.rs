//! A server that speaks the Electrum protocol (1.4), for an operator without a node.
//!
//! It has no blocks to give: it is asked by script, and what it says of a script's past is proved by whoever asks,
//! against headers. The link to it is kept by a task of its own.

mod address;
mod link;
mod script_hash;
#[cfg(test)]
mod tests;
mod trust;

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bitcoin::{
    BlockHash, Script, Transaction, Txid,
    block::Header,
    consensus::encode::{deserialize, deserialize_hex, serialize_hex},
    hashes::{Hash, HashEngine, sha256},
    hex::FromHex,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use twofold_cosigner::port::chain::{Chain, ChainFault, Entry, Scripts, Way};

pub use address::{Address, BadAddress};
pub use link::{Circuit, LinkState, Pace};
pub use trust::Trust;

use crate::{
    fault::{Fault, other_than_asked},
    rate::rate,
};
use link::{LONGEST, Link, Status};
use script_hash::ScriptHash;

/// Answers of most calls.
const SMALL: usize = 64 << 10;
/// Scripts that a transaction pays, asked for until one has an answer.
const PAID: usize = 3;
/// Headers asked for at once: a difficulty period, as servers give at most.
const HEADERS: u32 = 2_016;
/// A page of headers in hex.
const HEADERS_LIMIT: usize = 512 << 10;

/// How a server is reached.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it is.
    pub address: Address,
    /// Which certificates count.
    pub trust: Trust,
    /// How long a call may take in all.
    pub deadline: Duration,
    /// How patient the link is.
    pub pace: Pace,
}

impl Config {
    /// With the deadline and pace that suit most servers: 20 seconds.
    #[must_use]
    pub fn new(address: Address, trust: Trust) -> Self {
        Self {
            address,
            trust,
            deadline: Duration::from_secs(20),
            pace: Pace::default(),
        }
    }
}

/// A server that can't be asked as configured.
#[derive(Debug, thiserror::Error)]
#[error("the certificates to know the Electrum server by can't be used: {0}")]
pub struct BadTrust(#[from] rustls::Error);

/// A server. Needs a tokio runtime around its calls.
#[derive(Debug)]
pub struct Electrum {
    link: Link,
    /// The output keys of what is watched, by the names that the protocol gives their scripts.
    watched: Mutex<HashMap<ScriptHash, [u8; 32]>>,
}

/// A line of a script's history.
#[derive(Debug, Deserialize)]
struct ToldTransaction {
    tx_hash: Txid,
    height: i64,
}

/// `blockchain.transaction.get_merkle`.
#[derive(Debug, Deserialize)]
struct ToldBranch {
    block_height: u32,
    /// In the way of transaction ids.
    merkle: Vec<Txid>,
    pos: u32,
}

/// `blockchain.block.headers`.
#[derive(Debug, Deserialize)]
struct ToldHeaders {
    count: u32,
    hex: String,
}

impl Electrum {
    /// Prepares calls; the server is reached with the first one.
    pub fn new(config: Config) -> Result<Self, BadTrust> {
        Ok(Self {
            link: Link::new(config)?,
            watched: Mutex::default(),
        })
    }

    /// How the link to it is.
    #[must_use]
    pub fn state(&self) -> LinkState {
        self.link.state()
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<ScriptHash, [u8; 32]>> {
        // Entries are only added, each whole.
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a transaction is in the mempool or the chain. That the server can show it says little: it may remember what
    /// was replaced long ago.
    async fn knows(&self, transaction: &Transaction) -> Result<bool, ChainFault> {
        let txid = transaction.compute_txid();
        let mut paid: Vec<&Script> = transaction.output.iter().map(|output| &*output.script_pubkey).collect();
        paid.retain(|script| !script.is_op_return());
        // Our own change is among these, and its history is short.
        paid.sort_by_key(|script| !script.is_p2tr());
        let mut fault = None;
        for script in paid.into_iter().take(PAID) {
            match self.told_history(script.into()).await {
                Ok(history) => return Ok(history.iter().any(|told| told.tx_hash == txid)),
                Err(why) => fault = Some(why),
            }
        }
        fault.map_or(Ok(false), |fault| Err(fault.into()))
    }

    async fn told_history(&self, name: ScriptHash) -> Result<Vec<ToldTransaction>, Fault> {
        self.call("blockchain.scripthash.get_history", json!([name]), LONGEST)
            .await
    }

    /// A call that has an answer.
    async fn call<T: DeserializeOwned>(&self, method: &'static str, params: Value, limit: usize) -> Result<T, Fault> {
        let answer = self.link.call(method, params, limit).await?;
        answer.ok_or_else(|| Fault::garbled(method, "null"))
    }
}

impl Chain for Electrum {
    type Blocks = Infallible;
    type Scripts = Self;

    fn way(&self) -> Way<'_, Infallible, Self> {
        Way::Scripts(self)
    }

    async fn best(&self) -> Result<(u32, BlockHash), ChainFault> {
        let tip = self.link.tip().await?;
        Ok((tip.height, tip.header.block_hash()))
    }

    async fn hash_at(&self, height: u32) -> Result<BlockHash, ChainFault> {
        const METHOD: &str = "blockchain.block.header";
        match self.call::<String>(METHOD, json!([height]), SMALL).await {
            Err(Fault::Refused { .. }) if self.link.tip().await?.height < height => Err(ChainFault::Beyond(height)),
            answer => {
                let header: Header = deserialize_hex(&answer?).map_err(|error| Fault::garbled(METHOD, &error))?;
                Ok(header.block_hash())
            }
        }
    }

    async fn broadcast(&self, transaction: &Transaction) -> Result<Txid, ChainFault> {
        const METHOD: &str = "blockchain.transaction.broadcast";
        let txid = transaction.compute_txid();
        match self
            .call::<Txid>(METHOD, json!([serialize_hex(transaction)]), SMALL)
            .await
        {
            Ok(answered) if answered == txid => Ok(txid),
            Ok(_) => Err(other_than_asked(METHOD)),
            // One that is there already, mined perhaps and spent from, is refused in several words; and so is any while the
            // server can't reach its own node: then nothing was refused, and nothing may be taken for gone.
            Err(Fault::Refused { message, .. }) => {
                if self.knows(transaction).await? {
                    return Ok(txid);
                }
                self.minimum_rate().await?;
                Err(ChainFault::Refused(message))
            }
            Err(fault) => Err(fault.into()),
        }
    }

    async fn estimate(&self, target_blocks: u16) -> Result<Option<u64>, ChainFault> {
        let target = target_blocks.clamp(1, 1008);
        let told: f64 = self.call("blockchain.estimatefee", json!([target]), SMALL).await?;
        Ok(rate(told))
    }

    async fn minimum_rate(&self) -> Result<u64, ChainFault> {
        let told: f64 = self.call("blockchain.relayfee", json!([]), SMALL).await?;
        rate(told).ok_or_else(|| ChainFault::Unavailable("blockchain.relayfee: no sensible minimum fee".to_owned()))
    }
}

impl Scripts for Electrum {
    async fn headers(&self, from: u32) -> Result<Vec<Header>, ChainFault> {
        const METHOD: &str = "blockchain.block.headers";
        let told: ToldHeaders = self.call(METHOD, json!([from, HEADERS]), HEADERS_LIMIT).await?;
        let bytes = Vec::<u8>::from_hex(&told.hex).map_err(|error| Fault::garbled(METHOD, &error))?;
        let (headers, rest) = bytes.as_chunks::<80>();
        if !rest.is_empty() || u32::try_from(headers.len()) != Ok(told.count) || told.count > HEADERS {
            return Err(Fault::garbled(METHOD, "another number of headers").into());
        }
        let headers = headers.iter().map(|bytes| deserialize(bytes));
        let headers: Result<_, _> = headers.collect();
        Ok(headers.map_err(|error| Fault::garbled(METHOD, &error))?)
    }

    fn watch(&self, keys: &[[u8; 32]]) -> bool {
        let scripts: Vec<_> = keys.iter().map(|key| (name(key), *key)).collect();
        self.watched().extend(scripts.iter().copied());
        self.link.watch(scripts.into_iter().map(|(name, _)| name))
    }

    fn changed(&self) -> Vec<([u8; 32], bool)> {
        let changed = self.link.take_changed();
        let watched = self.watched();
        let key = |(name, used): (ScriptHash, bool)| Some((*watched.get(&name)?, used));
        changed.into_iter().filter_map(key).collect()
    }

    async fn history(&self, key: [u8; 32]) -> Result<Vec<Entry>, ChainFault> {
        let name = name(&key);
        let told = self.told_history(name).await?;
        // What it said to have changed must be what it tells now, or it tells again soon. It is asked to: its words may have
        // crossed, and then it would not.
        if self.link.status(name).is_some_and(|status| status != status_of(&told)) {
            self.link.doubt(name);
            return Err(ChainFault::Unavailable(
                "blockchain.scripthash.get_history: it tells another history than it announced".to_owned(),
            ));
        }
        let entry = |told: &ToldTransaction| Entry {
            txid: told.tx_hash,
            // 0 waits, and -1 waits for one that waits.
            height: u32::try_from(told.height).ok().filter(|height| *height > 0),
        };
        Ok(told.iter().map(entry).collect())
    }

    async fn transaction(&self, txid: Txid) -> Result<Option<Transaction>, ChainFault> {
        const METHOD: &str = "blockchain.transaction.get";
        match self.call::<String>(METHOD, json!([txid]), LONGEST).await {
            // Anything else that it says is trouble of its own.
            Err(Fault::Refused { message, .. }) if means_unknown(&message) => Ok(None),
            answer => {
                let transaction: Transaction =
                    deserialize_hex(&answer?).map_err(|error| Fault::garbled(METHOD, &error))?;
                if transaction.compute_txid() != txid {
                    return Err(other_than_asked(METHOD));
                }
                Ok(Some(transaction))
            }
        }
    }

    async fn branch(&self, txid: Txid, height: u32) -> Result<(u32, Vec<[u8; 32]>), ChainFault> {
        const METHOD: &str = "blockchain.transaction.get_merkle";
        let told: ToldBranch = self.call(METHOD, json!([txid, height]), SMALL).await?;
        if told.block_height != height {
            return Err(other_than_asked(METHOD));
        }
        let branch = told.merkle.iter().map(|sibling| sibling.to_byte_array()).collect();
        Ok((told.pos, branch))
    }
}

/// The protocol's name of an output key's script.
fn name(key: &[u8; 32]) -> ScriptHash {
    // OP_1 and a push of 32 bytes (BIP-341).
    let script = [[0x51, 0x20].as_slice(), key.as_slice()].concat();
    Script::from_bytes(&script).into()
}

/// Whether a server says that it has no such transaction. The protocol has no number for it; these are the words of
/// bitcoind, which most pass on, and of those that speak for themselves.
fn means_unknown(message: &str) -> bool {
    let message = message.to_lowercase();
    ["no such", "not found", "missing", "unknown transaction"]
        .iter()
        .any(|words| message.contains(words))
}

/// The status that belongs to a history.
fn status_of(history: &[ToldTransaction]) -> Status {
    if history.is_empty() {
        return None;
    }
    let mut engine = sha256::Hash::engine();
    for told in history {
        engine.input(format!("{}:{}:", told.tx_hash, told.height).as_bytes());
    }
    Some(sha256::Hash::from_engine(engine).to_byte_array())
}
