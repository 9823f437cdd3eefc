//! What Bitcoin Core or Knots itself makes of a descriptor: the proof that a wallet is an ordinary one.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};
use bitcoin::{Address, Amount, Network, OutPoint, Txid};
use bitcoincore_rpc::{Client, RpcApi};
use serde_json::{Value, json};

use crate::Regtest;

/// How many addresses of each keychain the node watches.
const RANGE: u32 = 200;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A watch-only wallet of the node: descriptor in, addresses and coins out.
#[derive(Debug)]
pub struct DescriptorWallet<'node> {
    node: &'node Regtest,
    name: String,
    /// Receive and change, with checksums; one for a descriptor without two paths.
    keychains: Vec<String>,
}

impl<'node> DescriptorWallet<'node> {
    pub(crate) fn import(node: &'node Regtest, descriptor: &str) -> Result<Self> {
        let rpc = node.rpc()?;
        let bare = descriptor.split('#').next().unwrap_or_default();
        if bare.len() < descriptor.len() {
            // The node refuses a wrong checksum.
            rpc.call::<Value>("getdescriptorinfo", &[json!(descriptor)])?;
        }
        // Nodes before 29 import one path at a time.
        let paths = if bare.contains("<0;1>") {
            vec![bare.replace("<0;1>", "0"), bare.replace("<0;1>", "1")]
        } else {
            vec![bare.to_owned()]
        };
        let keychains = paths
            .iter()
            .map(|path| {
                let info: Value = rpc.call("getdescriptorinfo", &[json!(path)])?;
                ensure!(
                    info["hasprivatekeys"] == json!(false),
                    "a watched descriptor holds no private key"
                );
                Ok(info["descriptor"].as_str().context("no descriptor")?.to_owned())
            })
            .collect::<Result<Vec<_>>>()?;
        let name = format!("watch-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        // No private keys, and blank.
        rpc.call::<Value>("createwallet", &[json!(name), json!(true), json!(true)])?;
        let wallet = Self { node, name, keychains };
        let imports: Vec<_> = wallet
            .keychains
            .iter()
            .enumerate()
            .map(|(at, path)| request(path, at == 1))
            .collect();
        let imported: Vec<Value> = wallet.rpc()?.call("importdescriptors", &[json!(imports)])?;
        ensure!(
            imported.iter().all(|each| each["success"] == json!(true)),
            "the node refused: {imported:?}"
        );
        Ok(wallet)
    }

    fn rpc(&self) -> Result<Client> {
        self.node.wallet_rpc(&self.name)
    }

    /// The receive addresses from index 0.
    pub fn receive_addresses(&self, count: u32) -> Result<Vec<Address>> {
        self.addresses(0, count)
    }

    /// The change addresses from index 0.
    pub fn change_addresses(&self, count: u32) -> Result<Vec<Address>> {
        self.addresses(1, count)
    }

    fn addresses(&self, keychain: usize, count: u32) -> Result<Vec<Address>> {
        let path = self
            .keychains
            .get(keychain)
            .context("the descriptor has one path only")?;
        let Some(last) = count.checked_sub(1) else {
            return Ok(Vec::new());
        };
        let found: Vec<String> = self.rpc()?.call("deriveaddresses", &[json!(path), json!([0, last])])?;
        found
            .iter()
            .map(|address| Ok(address.parse::<Address<_>>()?.require_network(Network::Regtest)?))
            .collect()
    }

    /// Confirmed and waiting coins together.
    pub fn balance(&self) -> Result<Amount> {
        Ok(self.coins()?.into_iter().map(|(_, amount)| amount).sum())
    }

    /// Unspent coins, waiting ones included.
    pub fn coins(&self) -> Result<Vec<(OutPoint, Amount)>> {
        let rpc = self.rpc()?;
        // Wallets hear of transactions a moment after the mempool has them.
        rpc.call::<Value>("syncwithvalidationinterfacequeue", &[])?;
        let unspent: Vec<Value> = rpc.call("listunspent", &[json!(0)])?;
        unspent
            .iter()
            .map(|coin| {
                let txid: Txid = coin["txid"].as_str().context("a coin has a txid")?.parse()?;
                let vout = u32::try_from(coin["vout"].as_u64().context("a coin has an index")?)?;
                let amount = Amount::from_btc(coin["amount"].as_f64().context("a coin has an amount")?)?;
                Ok((OutPoint { txid, vout }, amount))
            })
            .collect()
    }
}

fn request(descriptor: &str, internal: bool) -> Value {
    if descriptor.contains('*') {
        json!({ "desc": descriptor, "active": true, "internal": internal, "range": [0, RANGE], "timestamp": 0 })
    } else {
        json!({ "desc": descriptor, "timestamp": 0 })
    }
}
