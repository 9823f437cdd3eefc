//! A real bitcoind with a chain of its own, for one test.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bitcoin::{Address, Amount, BlockHash, Network, Transaction, Txid};
use bitcoincore_rpc::jsonrpc::minreq_http::Builder;
use bitcoincore_rpc::{Client, RpcApi, jsonrpc};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::DescriptorWallet;
use crate::daemon::{Daemon, free_port};
use crate::node_process::start_node;

#[cfg(test)]
mod tests;

/// No call of a test takes longer, mining hundreds of blocks included.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Coinbases mature after 100 blocks: with these the miner has two to spend.
const FIRST_BLOCKS: u64 = 102;
/// Blocks asked for in one call.
const MINED_AT_ONCE: u64 = 200;
/// The Core wallet that mines and pays.
const MINER: &str = "miner";
const START_TRIES: usize = 5;

/// How the node is started. [`Regtest::start`] takes the defaults: no transaction index, no pruning.
#[derive(Debug, Default, Clone)]
pub struct Options {
    txindex: bool,
    prune: bool,
    peers: bool,
    extra: Vec<String>,
}

impl Options {
    /// Keeps an index of all transactions (`-txindex`).
    #[must_use]
    pub fn txindex(mut self) -> Self {
        self.txindex = true;
        self
    }

    /// A node that forgets old blocks when told by [`Regtest::prune`], in files small enough to be forgotten.
    #[must_use]
    pub fn prune(mut self) -> Self {
        self.prune = true;
        self
    }

    /// A node that takes peers, such as an Electrum server.
    #[must_use]
    pub fn peers(mut self) -> Self {
        self.peers = true;
        self
    }

    /// Any other argument, such as `-minrelaytxfee=0.0001`.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.extra.push(argument.to_owned());
        self
    }

    /// Starts the node with a miner that has mature coins.
    pub fn start(self) -> Result<Regtest> {
        Regtest::with(self)
    }
}

/// What [`Regtest::reorg`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reorg {
    /// Blocks no longer in the chain, lowest first.
    pub gone: Vec<BlockHash>,
    /// Blocks in their place, one more, lowest first.
    pub new: Vec<BlockHash>,
}

/// A bitcoind of this test's own, on a port picked by the system, in a temporary folder. Dropped, it is killed and
/// its folder removed; a test that is killed takes it along.
#[derive(Debug)]
pub struct Regtest {
    // The node goes before its folder.
    process: Mutex<Option<Daemon>>,
    port: u16,
    peers: Option<u16>,
    options: Options,
    folder: TempDir,
}

impl Regtest {
    /// A node with the usual options and a miner that has mature coins.
    pub fn start() -> Result<Self> {
        Self::with(Options::default())
    }

    /// Options to choose from.
    #[must_use]
    pub fn options() -> Options {
        Options::default()
    }

    fn with(options: Options) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("twofold-node").tempdir()?;
        // Knots turns away what it takes for spam, and a payment that the miner gave lock time 21 is among it: its wallet
        // picks one now and then. In the file, and not among the arguments, what Core does not know it passes over.
        fs::write(folder.path().join("bitcoin.conf"), "rejectparasites=0\n")?;
        let mut tries = 0;
        let (process, port, peers) = loop {
            let port = free_port()?;
            let peers = options.peers.then(free_port).transpose()?;
            match start_node(&arguments(folder.path(), port, peers, &options)) {
                Ok(process) => break (process, port, peers),
                Err(why) if tries == START_TRIES => return Err(why),
                Err(_) => tries += 1,
            }
        };
        let node = Self {
            process: Mutex::new(Some(process)),
            port,
            peers,
            options,
            folder,
        };
        node.rpc()?.call::<Value>("createwallet", &[json!(MINER)])?;
        node.mine(FIRST_BLOCKS)?;
        Ok(node)
    }

    /// The node's RPC address, without credentials.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port of its RPC; the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it takes peers, if it does.
    #[must_use]
    pub fn peers(&self) -> Option<SocketAddr> {
        Some((Ipv4Addr::LOCALHOST, self.peers?).into())
    }

    /// Where the node writes its RPC credentials, anew at each start.
    #[must_use]
    pub fn cookie_file(&self) -> PathBuf {
        self.folder.path().join("regtest/.cookie")
    }

    /// A client with the credentials of this moment and a deadline on every call.
    pub fn rpc(&self) -> Result<Client> {
        self.client(&self.url())
    }

    pub(crate) fn wallet_rpc(&self, wallet: &str) -> Result<Client> {
        self.client(&format!("{}/wallet/{wallet}", self.url()))
    }

    fn client(&self, url: &str) -> Result<Client> {
        let cookie = fs::read_to_string(self.cookie_file()).context("the node is not running")?;
        let transport = Builder::new()
            .timeout(ANSWER_WITHIN)
            .url(url)?
            .cookie_auth(cookie)
            .build();
        Ok(Client::from_jsonrpc(jsonrpc::Client::with_transport(transport)))
    }

    /// Mines blocks with all that waits in the mempool, to the miner.
    pub fn mine(&self, blocks: u64) -> Result<Vec<BlockHash>> {
        self.mine_to(blocks, &self.miner_address()?)
    }

    /// Mines blocks with all that waits in the mempool, to an address.
    pub fn mine_to(&self, blocks: u64, address: &Address) -> Result<Vec<BlockHash>> {
        let (rpc, address) = (self.rpc()?, address.to_string());
        let mut mined = Vec::new();
        // In calls that a busy machine answers in time.
        while (mined.len() as u64) < blocks {
            let next = (blocks - mined.len() as u64).min(MINED_AT_ONCE);
            mined.extend(rpc.call::<Vec<BlockHash>>("generatetoaddress", &[json!(next), json!(address)])?);
        }
        Ok(mined)
    }

    /// Mines blocks that leave the mempool as it is.
    pub fn mine_empty(&self, blocks: u64) -> Result<Vec<BlockHash>> {
        self.mine_of(blocks, &[])
    }

    /// Mines one block of exactly these transactions, in this order; they need not be in the mempool.
    pub fn mine_only(&self, transactions: &[Transaction]) -> Result<BlockHash> {
        let raw: Vec<_> = transactions
            .iter()
            .map(bitcoin::consensus::encode::serialize_hex)
            .collect();
        self.mine_of(1, &raw)?.pop().context("no block was mined")
    }

    fn mine_of(&self, blocks: u64, transactions: &[String]) -> Result<Vec<BlockHash>> {
        let (rpc, address) = (self.rpc()?, self.miner_address()?.to_string());
        (0..blocks)
            .map(|_| {
                let mined: Value = rpc.call("generateblock", &[json!(address), json!(transactions)])?;
                Ok(mined["hash"].as_str().context("generateblock gave no hash")?.parse()?)
            })
            .collect()
    }

    /// Pays an address from the miner. The transaction waits in the mempool until the next block.
    pub fn fund(&self, address: &Address, amount: Amount) -> Result<Txid> {
        let arguments = [json!(address.to_string()), json!(amount.to_btc())];
        let txid: Txid = self.wallet_rpc(MINER)?.call("sendtoaddress", &arguments)?;
        // The wallet keeps what its own node turned away, and says nothing.
        ensure!(self.mempool()?.contains(&txid), "the node refused the miner's {txid}");
        Ok(txid)
    }

    /// A fresh address of the miner.
    pub fn miner_address(&self) -> Result<Address> {
        let address: String = self
            .wallet_rpc(MINER)?
            .call("getnewaddress", &[json!(""), json!("bech32m")])?;
        Ok(address.parse::<Address<_>>()?.require_network(Network::Regtest)?)
    }

    /// Height of the best block.
    pub fn height(&self) -> Result<u64> {
        Ok(self.rpc()?.call("getblockcount", &[])?)
    }

    /// Hash of the block at a height of the best chain.
    pub fn block_hash(&self, height: u64) -> Result<BlockHash> {
        Ok(self.rpc()?.call("getblockhash", &[json!(height)])?)
    }

    /// Hash of the best block.
    pub fn tip(&self) -> Result<BlockHash> {
        Ok(self.rpc()?.call("getbestblockhash", &[])?)
    }

    /// Transactions waiting for a block.
    pub fn mempool(&self) -> Result<Vec<Txid>> {
        Ok(self.rpc()?.call("getrawmempool", &[])?)
    }

    /// Hands a transaction to the node, as a stranger would.
    pub fn broadcast(&self, transaction: &Transaction) -> Result<Txid> {
        let raw = bitcoin::consensus::encode::serialize_hex(transaction);
        Ok(self.rpc()?.call("sendrawtransaction", &[json!(raw)])?)
    }

    /// Makes a block and all above it invalid for this node. Their transactions wait in the mempool again.
    pub fn invalidate(&self, block: &BlockHash) -> Result<()> {
        Ok(self.rpc()?.call("invalidateblock", &[json!(block)])?)
    }

    /// Takes an [`Self::invalidate`] back: the longer chain wins again.
    pub fn reconsider(&self, block: &BlockHash) -> Result<()> {
        Ok(self.rpc()?.call("reconsiderblock", &[json!(block)])?)
    }

    /// Replaces the top blocks by one more of others. What they held is mined again.
    pub fn reorg(&self, depth: u64) -> Result<Reorg> {
        self.replace_top(depth, Self::mine)
    }

    /// Replaces the top blocks by one more of empty ones. What they held waits in the mempool again.
    pub fn reorg_empty(&self, depth: u64) -> Result<Reorg> {
        self.replace_top(depth, Self::mine_empty)
    }

    fn replace_top(&self, depth: u64, mine: fn(&Self, u64) -> Result<Vec<BlockHash>>) -> Result<Reorg> {
        let height = self.height()?;
        ensure!(
            (1..=height).contains(&depth),
            "a chain of {height} blocks cannot lose {depth}"
        );
        let gone = (height - depth + 1..=height)
            .map(|at| self.block_hash(at))
            .collect::<Result<Vec<_>>>()?;
        self.invalidate(&gone[0])?;
        let new = mine(self, depth + 1)?;
        Ok(Reorg { gone, new })
    }

    /// Has the node follow a descriptor without keys, to see what the rest of the world sees of it. Takes
    /// `tr([fp]xpub/<0;1>/*)` with or without a checksum and looks for past payments from the first block.
    pub fn core_wallet(&self, descriptor: &str) -> Result<DescriptorWallet<'_>> {
        DescriptorWallet::import(self, descriptor)
    }

    /// Forgets the blocks up to a height, on a node started with [`Options::prune`]. Returns the height reached, which
    /// is lower: whole files go, and the last 288 blocks stay.
    pub fn prune(&self, height: u64) -> Result<u64> {
        Ok(self.rpc()?.call("pruneblockchain", &[json!(height)])?)
    }

    /// Stops the node as an operator would and starts it again, on the same port, with its chain and mempool and with
    /// new credentials.
    pub fn restart(&self) -> Result<()> {
        self.stop()?;
        self.resume()
    }

    /// Stops the node as an operator would. [`Self::resume`] starts it again.
    pub fn stop(&self) -> Result<()> {
        self.process().take().context("the node is not running")?.stop()
    }

    /// Ends the node with `kill -9`. [`Self::resume`] starts it again.
    pub fn kill(&self) -> Result<()> {
        self.process().take().context("the node is not running")?.kill();
        Ok(())
    }

    /// Starts the node again after [`Self::stop`] or [`Self::kill`].
    pub fn resume(&self) -> Result<()> {
        let mut process = self.process();
        if process.is_some() {
            bail!("the node is running");
        }
        *process = Some(start_node(&arguments(
            self.folder.path(),
            self.port,
            self.peers,
            &self.options,
        ))?);
        drop(process);
        let wallets: Vec<String> = self.rpc()?.call("listwallets", &[])?;
        if !wallets.iter().any(|name| name == MINER) {
            self.rpc()?.call::<Value>("loadwallet", &[json!(MINER)])?;
        }
        Ok(())
    }

    /// Freezes the node: it takes connections and answers nothing, until it is thawed.
    pub fn freeze(&self) -> Result<()> {
        self.process().as_ref().context("the node is not running")?.freeze(true)
    }

    /// Lets a frozen node go on.
    pub fn thaw(&self) -> Result<()> {
        self.process()
            .as_ref()
            .context("the node is not running")?
            .freeze(false)
    }

    /// The node's process id, while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.process().as_ref().map(Daemon::id)
    }

    fn process(&self) -> MutexGuard<'_, Option<Daemon>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn arguments(folder: &Path, port: u16, peers: Option<u16>, options: &Options) -> Vec<String> {
    let mut arguments = vec![
        "-regtest".to_owned(),
        format!("-datadir={}", folder.display()),
        "-server".to_owned(),
        "-rpcbind=127.0.0.1".to_owned(),
        "-rpcallowip=127.0.0.1".to_owned(),
        format!("-rpcport={port}"),
        // No peers, no lookups: the chain is this node's alone.
        "-connect=0".to_owned(),
        "-dnsseed=0".to_owned(),
        "-fallbackfee=0.0001".to_owned(),
        "-keypool=10".to_owned(),
        "-nodebuglogfile".to_owned(),
        format!("-txindex={}", u8::from(options.txindex)),
    ];
    match peers {
        Some(port) => arguments.extend(["-listen=1".to_owned(), format!("-bind=127.0.0.1:{port}")]),
        None => arguments.push("-listen=0".to_owned()),
    }
    if options.prune {
        arguments.extend(["-prune=1".to_owned(), "-fastprune".to_owned()]);
    }
    arguments.extend(options.extra.iter().cloned());
    arguments
}
