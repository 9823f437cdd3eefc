//! A real bitcoind on a signet of the test's own, whose challenge anybody meets (`OP_TRUE`).

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use bitcoin::{Address, BlockHash};
use bitcoincore_rpc::jsonrpc::minreq_http::Builder;
use bitcoincore_rpc::{Client, RpcApi, jsonrpc};
use serde_json::json;
use tempfile::TempDir;

use crate::daemon::{Daemon, free_port};
use crate::node_process::start_node;
use crate::regtest::ANSWER_WITHIN;

const START_TRIES: usize = 5;
/// A block takes some five million hashes: a second or two.
const HASHES: u64 = 2_000_000_000;

/// A bitcoind on its own signet. Dropped, it is killed and its folder removed.
#[derive(Debug)]
pub struct Signet {
    _process: Daemon,
    port: u16,
    folder: TempDir,
}

impl Signet {
    /// The challenge, in hex: a script that is always true.
    pub const CHALLENGE: &str = "51";

    /// A node at the genesis block.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("twofold-signet").tempdir()?;
        let mut tries = 0;
        loop {
            let port = free_port()?;
            let arguments = [
                format!("-datadir={}", folder.path().display()),
                "-signet".into(),
                format!("-signetchallenge={}", Self::CHALLENGE),
                "-server=1".into(),
                "-listen=0".into(),
                "-dnsseed=0".into(),
                "-connect=0".into(),
                "-disablewallet=1".into(),
                // The genesis block is years old; the node need not wait for younger ones before it works.
                "-maxtipage=4000000000".into(),
                format!("-rpcport={port}"),
            ];
            match start_node(&arguments) {
                Ok(process) => {
                    return Ok(Self {
                        _process: process,
                        port,
                        folder,
                    });
                }
                Err(why) if tries == START_TRIES => return Err(why),
                Err(_) => tries += 1,
            }
        }
    }

    /// The node's RPC address, without credentials.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where the node writes its RPC credentials. A signet of one's own has a folder of its own.
    pub fn cookie_file(&self) -> Result<PathBuf> {
        let folders = fs::read_dir(self.folder.path())?.filter_map(Result::ok);
        folders
            .map(|folder| folder.path().join(".cookie"))
            .find(|cookie| cookie.is_file())
            .context("the node is not running")
    }

    /// A client with a deadline on every call.
    pub fn rpc(&self) -> Result<Client> {
        let transport = Builder::new()
            .timeout(ANSWER_WITHIN)
            .url(&self.url())?
            .cookie_auth(fs::read_to_string(self.cookie_file()?)?)
            .build();
        Ok(Client::from_jsonrpc(jsonrpc::Client::with_transport(transport)))
    }

    /// Mines blocks to an address, with the work that a signet's blocks take.
    pub fn mine_to(&self, blocks: u64, address: &Address) -> Result<Vec<BlockHash>> {
        Ok(self.rpc()?.call(
            "generatetoaddress",
            &[json!(blocks), json!(address.to_string()), json!(HASHES)],
        )?)
    }
}
