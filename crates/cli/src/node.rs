//! A Bitcoin node's JSON-RPC, for the hour when there is no server: find coins, estimate a fee, send.
//!
//! Nothing that the node says is signed for: an amount that is not true makes a signature that no node takes (BIP-341).
//! A node that hides coins leaves them where they are. It learns the wallet's addresses.
//!
//! The server's client of a node (`chain`) is another on purpose: it stands behind the cosigner's port, keeps connections and
//! asks again for days. Here each question is asked once, one of them for half an hour, while a person waits, on a machine
//! that should not carry the server's mind.

use std::{net::IpAddr, path::Path, time::Duration};

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bitcoin::{Amount, FeeRate, Network, OutPoint, ScriptBuf, Transaction, Txid, consensus::encode::serialize_hex};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Method, Request, Uri, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use twofold_api::request::misleads;
use zeroize::Zeroizing;

use crate::exit::Wrong;

/// Most time for a plain call.
const SOON: Duration = Duration::from_secs(30);
/// Most time for a search of the whole coin database; minutes on a slow disk.
const SEARCH: Duration = Duration::from_secs(30 * 60);
/// Most bytes of an answer.
const ANSWER: usize = 64 * 1024 * 1024;
/// "Already in the chain": whoever sends twice has sent.
const ALREADY_MINED: i64 = -27;

/// No answer, or none of use. The exit code is the network's.
#[derive(Debug, thiserror::Error)]
#[error("the node at {url}: {why}")]
pub(crate) struct NodeFault {
    url: String,
    why: String,
}

/// One node.
pub(crate) struct Node {
    uri: Uri,
    host: String,
    port: u16,
    authorization: Zeroizing<String>,
}

#[derive(Deserialize)]
struct Reply<T> {
    result: Option<T>,
    error: Option<ErrorObject>,
}

#[derive(Deserialize)]
struct ErrorObject {
    code: i64,
    message: String,
}

#[derive(Deserialize)]
struct ChainInfo {
    chain: String,
    blocks: u32,
    initialblockdownload: bool,
}

#[derive(Deserialize)]
struct Estimate {
    /// Bitcoin per 1000 virtual bytes.
    feerate: Option<f64>,
}

#[derive(Deserialize)]
struct Scan {
    success: bool,
    unspents: Vec<Unspent>,
}

#[derive(Deserialize)]
struct Unspent {
    txid: Txid,
    vout: u32,
    #[serde(rename = "scriptPubKey")]
    script: ScriptBuf,
    amount: f64,
    #[serde(default)]
    coinbase: bool,
    height: u32,
}

/// A coin as the node has it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) outpoint: OutPoint,
    pub(crate) script: ScriptBuf,
    pub(crate) value: Amount,
    /// Mined, and not old enough to be spent.
    pub(crate) immature: bool,
}

impl Node {
    /// The node at `http://host:port`, with the first line of a file as user and password. Both, and the wallet's
    /// addresses, travel in the clear: to another machine only where that was asked for.
    pub(crate) fn new(url: &str, auth: &Path, in_clear: bool) -> Result<Self> {
        let wrong = || Wrong(format!("{url:?} is no node's address: write http://HOST:PORT"));
        let uri = url.parse::<Uri>().with_context(wrong)?;
        let plain = uri.scheme_str() == Some("http") && matches!(uri.path(), "" | "/") && uri.query().is_none();
        let (Some(host), Some(port), true) = (uri.host(), uri.port_u16(), plain) else {
            bail!(wrong());
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if !in_clear && !is_here(&host) {
            bail!(Wrong(format!(
                "{host} is not this machine, and the node's password and the wallet's addresses would go there for anyone \
                 on the way to read: make a tunnel (ssh -L), or give --node-in-clear"
            )));
        }
        let pair = Zeroizing::new(crate::file::read(auth, 4096)?);
        let pair = pair.lines().next().unwrap_or_default();
        if !pair.contains(':') {
            bail!(Wrong(format!(
                "the first line of {} should be user:password, as in a node's cookie file",
                auth.display()
            )));
        }
        let authorization = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(pair)));
        Ok(Self {
            uri,
            host,
            port,
            authorization,
        })
    }

    fn fault(&self, why: &dyn std::fmt::Display) -> NodeFault {
        let clean: String = why.to_string().chars().filter(|c| !misleads(*c)).take(300).collect();
        NodeFault {
            url: format!("http://{}:{}", self.host, self.port),
            why: clean,
        }
    }

    /// Refuses a node of another network, or one that is still catching up.
    pub(crate) async fn check(&self, network: Network) -> Result<()> {
        let info: ChainInfo = self.call("getblockchaininfo", json!([]), SOON).await?;
        let wanted = network.to_core_arg();
        if info.chain != wanted {
            bail!(Wrong(format!(
                "that node is on {:?} and this wallet on {wanted:?}; name another node",
                info.chain
            )));
        }
        if info.initialblockdownload && info.blocks > 0 && network != Network::Regtest {
            bail!(self.fault(&format!(
                "it is still catching up (block {}); wait until it is done, or it may miss coins",
                info.blocks
            )));
        }
        Ok(())
    }

    /// Every coin that pays to the scripts of these descriptors, up to an index. It reads confirmed coins only.
    pub(crate) async fn coins(&self, descriptors: &[String], range: u32) -> Result<Vec<Found>> {
        let info: ChainInfo = self.call("getblockchaininfo", json!([]), SOON).await?;
        let objects: Vec<Value> = descriptors
            .iter()
            .map(|descriptor| json!({ "desc": descriptor, "range": range }))
            .collect();
        let scan: Scan = self.call("scantxoutset", json!(["start", objects]), SEARCH).await?;
        if !scan.success {
            bail!(self.fault(&"its search for coins did not finish; run the command again"));
        }
        let found = scan.unspents.into_iter().map(|coin| {
            Ok(Found {
                outpoint: OutPoint::new(coin.txid, coin.vout),
                script: coin.script,
                value: Amount::from_btc(coin.amount).map_err(|fault| self.fault(&fault))?,
                immature: coin.coinbase && info.blocks.saturating_add(1) < coin.height.saturating_add(100),
            })
        });
        found.collect()
    }

    /// What the node thinks a transaction must pay to be mined within six blocks.
    pub(crate) async fn fee_rate(&self) -> Result<FeeRate> {
        let estimate: Estimate = self.call("estimatesmartfee", json!([6]), SOON).await?;
        let rate = estimate.feerate.and_then(|rate| Amount::from_btc(rate).ok());
        let rate = rate.with_context(|| Wrong("the node has no fee estimate; name a rate with --fee-rate".into()))?;
        let rate = FeeRate::from_sat_per_kwu(rate.to_sat().div_ceil(4));
        Ok(rate.clamp(twofold_client::fees::LEAST, twofold_client::fees::MOST))
    }

    /// Sends a transaction; one that is there already is sent.
    pub(crate) async fn send(&self, transaction: &Transaction) -> Result<()> {
        let params = json!([serialize_hex(transaction)]);
        match self.ask::<Value>("sendrawtransaction", params, SOON).await? {
            Ok(_) => Ok(()),
            Err(refusal) if refusal.code == ALREADY_MINED => Ok(()),
            Err(refusal) => bail!(self.fault(&refusal.message)),
        }
    }

    async fn call<T: DeserializeOwned>(&self, method: &str, params: Value, within: Duration) -> Result<T> {
        match self.ask(method, params, within).await? {
            Ok(result) => Ok(result),
            Err(refusal) => bail!(self.fault(&format!("{method}: {}", refusal.message))),
        }
    }

    /// The node's answer, or its refusal.
    async fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
        within: Duration,
    ) -> Result<Result<T, ErrorObject>> {
        let body = json!({ "jsonrpc": "1.0", "id": 0, "method": method, "params": params }).to_string();
        let answer = timeout(within, self.post(body))
            .await
            .map_err(|_| self.fault(&format!("no answer within {} seconds", within.as_secs())))??;
        let reply: Reply<T> = serde_json::from_slice(&answer)
            .map_err(|fault| self.fault(&format!("its answer makes no sense: {fault}")))?;
        match (reply.result, reply.error) {
            (_, Some(refusal)) => Ok(Err(refusal)),
            (Some(result), None) => Ok(Ok(result)),
            (None, None) => bail!(self.fault(&"neither result nor error")),
        }
    }

    async fn post(&self, body: String) -> Result<Bytes, NodeFault> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|fault| self.fault(&fault))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|fault| self.fault(&fault))?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(Method::POST)
            .uri("/")
            .header(
                header::HOST,
                self.uri.authority().map_or("", |authority| authority.as_str()),
            )
            .header(header::AUTHORIZATION, self.authorization.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|fault| self.fault(&fault))?;
        let answer = sender.send_request(request).await.map_err(|fault| self.fault(&fault))?;
        if answer.status() == hyper::StatusCode::UNAUTHORIZED {
            return Err(self.fault(&"it refuses the user and password; is that its cookie file?"));
        }
        let body = Limited::new(answer.into_body(), ANSWER).collect().await;
        Ok(body.map_err(|fault| self.fault(&fault))?.to_bytes())
    }
}

/// Whether a host is this machine, by its name alone: nothing is looked up.
fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::Node;

    #[test]
    fn a_node_elsewhere_is_sent_nothing_in_the_clear_unless_that_was_asked_for() {
        let place = tempfile::tempdir().expect("a folder");
        let auth = place.path().join("cookie");
        std::fs::write(&auth, "__cookie__:abc\n").expect("writes");
        for here in ["http://127.0.0.1:8332", "http://[::1]:8332", "http://localhost:8332"] {
            assert!(Node::new(here, &auth, false).is_ok(), "{here}");
        }
        for elsewhere in [
            "http://192.168.1.7:8332",
            "http://node.example:8332",
            "http://localhost.example:8332",
            "http://127.0.0.1.example:8332",
            "http://0.0.0.0:8332",
            "http://127.0.0.1@node.example:8332",
        ] {
            let refusal = Node::new(elsewhere, &auth, false).err().expect(elsewhere);
            assert!(refusal.to_string().contains("--node-in-clear"), "{refusal}");
            assert!(Node::new(elsewhere, &auth, true).is_ok(), "{elsewhere}");
        }
    }

    #[test]
    fn an_address_that_is_no_nodes_and_a_file_without_a_password_are_refused() {
        let place = tempfile::tempdir().expect("a folder");
        let auth = place.path().join("cookie");
        std::fs::write(&auth, "__cookie__:abc\n").expect("writes");
        assert!(Node::new("http://127.0.0.1:8332", &auth, false).is_ok());
        for url in [
            "https://127.0.0.1:8332",
            "127.0.0.1:8332",
            "http://127.0.0.1",
            "http://127.0.0.1:1/wallet",
        ] {
            let refusal = Node::new(url, &auth, false).err().expect(url);
            assert!(refusal.to_string().contains("http://HOST:PORT"), "{refusal}");
        }
        std::fs::write(&auth, "no password\n").expect("writes");
        assert!(Node::new("http://127.0.0.1:8332", &auth, false).is_err());
    }
}
