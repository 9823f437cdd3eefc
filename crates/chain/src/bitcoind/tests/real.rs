//! A real bitcoind, and a wire to it that misbehaves.

use std::{net::Ipv4Addr, thread, time::Duration};

use bitcoin::{
    Amount, BlockHash, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness,
    absolute::LockTime, consensus::encode::deserialize_hex, hashes::Hash, transaction::Version,
};
use serde_json::{Value, json};
use twofold_cosigner::port::chain::{Blocks, Chain, ChainFault};
use twofold_testkit::{Regtest, Toxic, ToxicProxy, bitcoincore_rpc::RpcApi};

use super::{Bitcoind, Credentials, client};

fn direct(node: &Regtest) -> Bitcoind {
    let address = format!("127.0.0.1:{}", node.port());
    client(address, Credentials::Cookie(node.cookie_file()), 20_000)
}

fn through(node: &Regtest, deadline: u64) -> (ToxicProxy, Bitcoind) {
    let proxy = ToxicProxy::start((Ipv4Addr::LOCALHOST, node.port()).into()).unwrap();
    let client = client(proxy.address(), Credentials::Cookie(node.cookie_file()), deadline);
    (proxy, client)
}

/// A payment of the miner that nobody has sent yet.
fn unsent(node: &Regtest) -> Transaction {
    let outputs = json!([{ node.miner_address().unwrap().to_string(): 0.5 }]);
    let options = json!({ "add_to_wallet": false, "inputs": [], "lock_unspents": true });
    let arguments = [outputs, Value::Null, Value::Null, Value::Null, options];
    let made: Value = node.rpc().unwrap().call("send", &arguments).unwrap();
    deserialize_hex(made["hex"].as_str().unwrap()).unwrap()
}

/// A transaction that spends nothing there is.
fn baseless() -> Transaction {
    let input = TxIn {
        previous_output: OutPoint::new(Txid::from_byte_array([7; 32]), 0),
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::from_slice(&[[1; 64]]),
    };
    let output = TxOut {
        value: Amount::from_sat(10_000),
        script_pubkey: ScriptBuf::from_bytes([&[0x51, 0x20][..], &[2; 32]].concat()),
    };
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![input],
        output: vec![output],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_real_node_says_is_understood() {
    let node = Regtest::start().unwrap();
    let chain = direct(&node);
    assert_eq!(chain.network().await.unwrap(), Network::Regtest);
    let tip = node.tip().unwrap();
    assert_eq!(chain.best().await.unwrap(), (102, tip));
    assert_eq!(chain.hash_at(102).await.unwrap(), tip);
    assert_eq!(chain.hash_at(103).await, Err(ChainFault::Beyond(103)));
    assert_eq!(chain.header(tip).await.unwrap().block_hash(), tip);
    assert_eq!(chain.block(tip).await.unwrap().block_hash(), tip);
    let unknown = BlockHash::from_byte_array([9; 32]);
    assert_eq!(chain.header(unknown).await, Err(ChainFault::Missing(unknown)));
    assert_eq!(chain.block(unknown).await, Err(ChainFault::Missing(unknown)));
    assert_eq!(chain.lowest_block().await.unwrap(), 0);
    assert_eq!(
        chain.estimate(6).await.unwrap(),
        None,
        "a chain without payments has no rates"
    );
    assert!([100, 1000].contains(&chain.minimum_rate().await.unwrap()));

    assert!(chain.mempool().await.unwrap().is_empty());
    let txid = node.fund(&node.miner_address().unwrap(), Amount::ONE_BTC).unwrap();
    assert_eq!(chain.mempool().await.unwrap(), [txid]);
    let transaction = chain.mempool_transaction(txid).await.unwrap().unwrap();
    assert_eq!(transaction.compute_txid(), txid);
    let elsewhere = Txid::from_byte_array([9; 32]);
    assert_eq!(chain.mempool_transaction(elsewhere).await.unwrap(), None);
    assert!(chain.requests() >= 14);

    // Four callers at once keep out of each other's way.
    let calls = tokio::join!(chain.best(), chain.block(tip), chain.mempool(), chain.minimum_rate());
    assert!(calls.0.is_ok() && calls.1.is_ok() && calls.2.is_ok() && calls.3.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn c10_a_broadcast_succeeds_by_txid_however_often_it_is_sent() {
    let node = Regtest::start().unwrap();
    let (proxy, chain) = through(&node, 10_000);
    let payment = unsent(&node);
    let txid = payment.compute_txid();

    // The node takes it, and its answer is lost.
    proxy.set(Toxic::CutReplyAfter(0));
    let waiting = thread::scope(|scope| {
        scope.spawn(|| {
            while !node.mempool().unwrap().contains(&txid) {
                thread::sleep(Duration::from_millis(20));
            }
            proxy.set(Toxic::Pass);
        });
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(chain.broadcast(&payment)))
    });
    assert_eq!(waiting, Ok(txid));
    assert_eq!(chain.broadcast(&payment).await, Ok(txid), "in the mempool");
    node.mine(1).unwrap();
    assert_eq!(chain.broadcast(&payment).await, Ok(txid), "mined");

    let refused = chain.broadcast(&baseless()).await;
    assert!(
        matches!(&refused, Err(ChainFault::Refused(why)) if why.contains("missing")),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c03_a_node_that_is_silent_or_drips_is_given_up_at_the_deadline() {
    let node = Regtest::start().unwrap();
    let (proxy, chain) = through(&node, 600);
    chain.best().await.unwrap();
    for toxic in [
        Toxic::Stall,
        Toxic::Trickle(Duration::from_millis(50)),
        Toxic::Refuse,
        Toxic::CutReplyAfter(20),
    ] {
        proxy.set(toxic);
        let started = tokio::time::Instant::now();
        let answer = chain.best().await;
        assert!(
            matches!(answer, Err(ChainFault::Unavailable(_))),
            "{toxic:?}: {answer:?}"
        );
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{toxic:?}: {:?}",
            started.elapsed()
        );
        proxy.set(Toxic::Pass);
        chain.best().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f22_a_fault_that_passes_is_waited_out() {
    let node = Regtest::start().unwrap();
    let (proxy, chain) = through(&node, 20_000);
    chain.best().await.unwrap();
    proxy.set(Toxic::Refuse);
    let (answer, ()) = tokio::join!(chain.best(), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        proxy.set(Toxic::Pass);
    });
    assert_eq!(answer.unwrap().0, 102);

    // A restarted node has another cookie, and takes a while.
    let chain = direct(&node);
    chain.best().await.unwrap();
    node.restart().unwrap();
    assert_eq!(chain.best().await.unwrap().0, 102);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_named_at_once() {
    let node = Regtest::start().unwrap();
    let address = format!("127.0.0.1:{}", node.port());
    let answer = client(address, super::password(), 20_000).best().await;
    assert_eq!(
        answer,
        Err(ChainFault::Unavailable("it refuses the user and password".to_owned()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pruned_node_says_how_far_back_it_goes() {
    let node = Regtest::options().prune().start().unwrap();
    let chain = direct(&node);
    let early = node.block_hash(3).unwrap();
    node.mine(500).unwrap();
    node.prune(250).unwrap();
    let lowest = chain.lowest_block().await.unwrap();
    assert!((1..=251).contains(&lowest), "{lowest}");
    assert_eq!(chain.block(early).await, Err(ChainFault::Missing(early)));
    assert_eq!(chain.header(early).await.unwrap().block_hash(), early);
    let kept = chain.hash_at(lowest).await.unwrap();
    assert_eq!(chain.block(kept).await.unwrap().block_hash(), kept);
}
