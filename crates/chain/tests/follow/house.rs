//! A node, a database, and a follower between them.

use std::time::Duration;

use bitcoin::{
    Address, Amount, Network, OutPoint, Transaction, Txid,
    hashes::{Hash, sha256d},
};
use tempfile::TempDir;
use twofold_chain::{
    Bitcoind, Electrum, Source, Sources,
    bitcoind::{Config as NodeConfig, Credentials},
    electrum::{Config as ServerConfig, Trust},
};
use twofold_cosigner::{
    Config,
    follow::{FollowFault, Follower, Progress},
    port::{
        conformance::sample::{put, user},
        record::WalletTransaction,
        store::{Store, Write},
    },
};
use twofold_intent::Keychain;
use twofold_store::SqliteStore;
use twofold_testkit::{Electrs, Regtest};

use crate::purse::{Held, Purse};

/// The clock: follower's tests need no other time than now.
pub(crate) const NOW: u64 = 1_900_000_000;

pub(crate) struct House {
    pub(crate) store: SqliteStore,
    pub(crate) chain: Sources,
    follower: Follower,
    directory: TempDir,
}

/// What is told of a transaction: height, and whether it is gone.
pub(crate) type Told = (Txid, Option<u32>, bool);

impl House {
    /// An empty one that has user 1.
    pub(crate) async fn new(node: &Regtest) -> Self {
        Self::over(client(node)).await
    }

    /// An empty one over any source.
    pub(crate) async fn over(chain: Sources) -> Self {
        let directory = TempDir::new().unwrap();
        let store = SqliteStore::open(directory.path()).unwrap();
        put(&store, [Write::AddUser(user(1))]).await;
        Self {
            store,
            chain,
            follower: Follower::new(Config::new(Network::Regtest)),
            directory,
        }
    }

    /// One that has read the chain and then made wallet 1.
    pub(crate) async fn with_purse(node: &Regtest) -> (Self, Purse) {
        let mut house = Self::new(node).await;
        house.catch_up().await;
        let purse = Purse::new(1);
        house.make(&purse).await;
        (house, purse)
    }

    pub(crate) async fn make(&self, purse: &Purse) {
        self.make_at(purse, self.height().await).await;
    }

    pub(crate) async fn make_at(&self, purse: &Purse, birthday: u32) {
        put(&self.store, purse.made(birthday)).await;
    }

    /// Starts again over the same database.
    pub(crate) fn restart(self) -> Self {
        let Self {
            store,
            chain,
            directory,
            ..
        } = self;
        drop(store);
        Self {
            store: SqliteStore::open(directory.path()).unwrap(),
            chain,
            follower: Follower::new(Config::new(Network::Regtest)),
            directory,
        }
    }

    pub(crate) async fn step(&mut self) -> Result<Progress, FollowFault> {
        self.follower.step(&self.store, &self.chain, NOW).await
    }

    /// Steps until nothing is left to do.
    pub(crate) async fn catch_up(&mut self) -> Progress {
        for _ in 0..5000 {
            let progress = self.step().await.unwrap();
            if !progress.more {
                return progress;
            }
        }
        panic!("the follower never comes to rest");
    }

    /// Steps until this is told of a purse, in any order.
    pub(crate) async fn until_told(&mut self, purse: &Purse, mut expected: Vec<Told>) {
        expected.sort_unstable();
        let began = tokio::time::Instant::now();
        loop {
            let _ = self.step().await;
            let mut told = self.told(purse).await;
            told.sort_unstable();
            if told == expected {
                return;
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "told {told:?}, and not {expected:?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn height(&self) -> u32 {
        self.store.tip().await.unwrap().unwrap().height
    }

    pub(crate) async fn rows(&self, purse: &Purse) -> Vec<WalletTransaction> {
        self.store.transactions(purse.id, 0, 1000).await.unwrap()
    }

    /// The wallet's transactions, the last to change last.
    pub(crate) async fn told(&self, purse: &Purse) -> Vec<Told> {
        let rows = self.rows(purse).await;
        let tell = |row: WalletTransaction| {
            (
                Txid::from_byte_array(row.txid),
                row.block.map(|block| block.height),
                row.gone,
            )
        };
        rows.into_iter().map(tell).collect()
    }

    /// Checks that every mined transaction proves itself against the stored header of its block.
    pub(crate) async fn proofs_hold(&self, purse: &Purse) {
        for row in self.rows(purse).await {
            let Some(mined) = row.block else { continue };
            let block = self.store.blocks(mined.height, 1).await.unwrap().pop().unwrap();
            assert_eq!((block.height, block.hash), (mined.height, mined.hash));
            let header: bitcoin::block::Header = bitcoin::consensus::deserialize(&block.header).unwrap();
            let root = (0..)
                .zip(&mined.branch)
                .fold(row.txid, |node, (depth, sibling): (u32, _)| {
                    let (left, right) = if mined.position >> depth & 1 == 0 {
                        (&node, sibling)
                    } else {
                        (sibling, &node)
                    };
                    sha256d::Hash::hash(&[left.as_slice(), right].concat()).to_byte_array()
                });
            assert_eq!(root, header.merkle_root.to_byte_array());
        }
    }
}

pub(crate) fn node(node: &Regtest) -> Source {
    let credentials = Credentials::Cookie(node.cookie_file());
    let config = NodeConfig {
        deadline: Duration::from_secs(20),
        ..NodeConfig::new(node.url(), credentials)
    };
    Source::Node(Bitcoind::new(config).unwrap())
}

pub(crate) fn client(of: &Regtest) -> Sources {
    Sources::new(node(of), None)
}

pub(crate) fn server(server: &Electrs) -> Source {
    let address = format!("tcp://{}", server.address()).parse().unwrap();
    Source::Server(Electrum::new(ServerConfig::new(address, Trust::Web)).unwrap())
}

/// Pays an external address of a purse from the miner.
pub(crate) fn pay(node: &Regtest, purse: &Purse, index: u32, sat: u64) -> (Txid, Held) {
    let address = purse.address(index);
    let txid = node.fund(&address, Amount::from_sat(sat)).unwrap();
    (
        txid,
        held(&mempool_transaction(node, txid), &address, (Keychain::External, index)),
    )
}

/// The output of a transaction that pays an address.
pub(crate) fn held(transaction: &Transaction, address: &Address, child: (Keychain, u32)) -> Held {
    let outputs = (0..).zip(&transaction.output);
    let mut ours = outputs.filter(|(_, output)| output.script_pubkey == address.script_pubkey());
    let (vout, output) = ours.next().unwrap();
    Held {
        outpoint: OutPoint::new(transaction.compute_txid(), vout),
        value: output.value,
        child,
    }
}

pub(crate) fn mempool_transaction(node: &Regtest, txid: Txid) -> Transaction {
    use twofold_testkit::bitcoincore_rpc::RpcApi;
    node.rpc().unwrap().get_raw_transaction(&txid, None).unwrap()
}
