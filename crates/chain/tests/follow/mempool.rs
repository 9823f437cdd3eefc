use bitcoin::Txid;
use serde_json::{Value, json};
use twofold_cosigner::port::store::Store;
use twofold_intent::Keychain;
use twofold_testkit::{Regtest, bitcoincore_rpc::RpcApi};

use crate::{
    house::{House, held, pay},
    purse::{GAP, Purse, stored},
};

#[tokio::test(flavor = "multi_thread")]
async fn c08_a_replaced_payment_is_gone_and_its_replacement_is_there() {
    let node = Regtest::start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    let (first, _) = pay(&node, &purse, 0, 80_000);
    house.catch_up().await;
    let bumped: Value = node.rpc().unwrap().call("bumpfee", &[json!(first)]).unwrap();
    let second: Txid = bumped["txid"].as_str().unwrap().parse().unwrap();
    house.catch_up().await;
    let told = house.told(&purse).await;
    assert!(
        told.contains(&(first, None, true)) && told.contains(&(second, None, false)),
        "{told:?}"
    );
    node.mine(1).unwrap();
    house.catch_up().await;
    let told = house.told(&purse).await;
    assert!(
        told.contains(&(first, None, true)) && told.contains(&(second, Some(103), false)),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c08_our_own_replacement_does_not_bring_the_replaced_one_back() {
    let node = Regtest::start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    let (_, coin) = pay(&node, &purse, 0, 500_000);
    node.mine(1).unwrap();
    let to = [node.miner_address().unwrap().script_pubkey()];
    let (slow, fast) = (purse.spend(&[coin], &to, 300), purse.spend(&[coin], &to, 3000));
    node.broadcast(&slow).unwrap();
    house.catch_up().await;
    node.broadcast(&fast).unwrap();
    house.catch_up().await;
    let told = house.told(&purse).await;
    assert!(told.contains(&(slow.compute_txid(), None, true)), "{told:?}");
    assert!(told.contains(&(fast.compute_txid(), None, false)), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn c09_a_spend_that_the_node_dropped_is_sent_again_and_a_foreign_payment_is_gone() {
    let node = Regtest::options().argument("-persistmempool=0").start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    let (_, coin) = pay(&node, &purse, 0, 500_000);
    node.mine(1).unwrap();
    let spend = purse.spend(&[coin], &[purse.address(1).script_pubkey()], 500);
    let txid = spend.compute_txid();
    // A payment to us that its sender, a stranger, does not send again.
    let other = Purse::new(2);
    let (_, lost) = pay(&node, &other, 0, 300_000);
    let foreign = other.spend(&[lost], &[purse.address(2).script_pubkey()], 500);
    for transaction in [&spend, &foreign] {
        node.broadcast(transaction).unwrap();
    }
    house.catch_up().await;
    node.restart().unwrap();
    assert!(!node.mempool().unwrap().contains(&txid));
    house.catch_up().await;
    assert!(node.mempool().unwrap().contains(&txid));
    let told = house.told(&purse).await;
    assert!(told.contains(&(txid, None, false)), "{told:?}");
    assert!(told.contains(&(foreign.compute_txid(), None, true)), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_waiting_transactions_is_seen_whole_whatever_order_it_comes_in() {
    let node = Regtest::start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    let (first, coin) = pay(&node, &purse, 0, 500_000);
    // Change, spent on, spent on to a stranger: only its parents say that it is ours.
    let second = purse.spend(&[coin], &[purse.change(0).script_pubkey()], 500);
    let third = purse.spend(
        &[held(&second, &purse.change(0), (Keychain::Internal, 0))],
        &[purse.change(1).script_pubkey()],
        500,
    );
    let fourth = purse.spend(
        &[held(&third, &purse.change(1), (Keychain::Internal, 1))],
        &[node.miner_address().unwrap().script_pubkey()],
        500,
    );
    for transaction in [&second, &third, &fourth] {
        node.broadcast(transaction).unwrap();
    }
    house.catch_up().await;
    let mut told: Vec<_> = house.told(&purse).await.into_iter().map(|(txid, ..)| txid).collect();
    told.sort_unstable();
    let mut expected = [
        first,
        second.compute_txid(),
        third.compute_txid(),
        fourth.compute_txid(),
    ];
    expected.sort_unstable();
    assert_eq!(told, expected);
    assert_eq!(house.store.used(purse.id).await.unwrap(), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_payment_past_the_gap_is_found_once_the_gap_moves_on() {
    let node = Regtest::start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    let (far, coin) = pay(&node, &purse, 2 * GAP - 1, 30_000);
    house.catch_up().await;
    assert!(house.told(&purse).await.is_empty());
    let (near, _) = pay(&node, &purse, GAP - 1, 30_000);
    house.catch_up().await;
    assert_eq!(house.told(&purse).await, [(near, None, false), (far, None, false)]);
    assert_eq!(house.store.coins(vec![stored(coin.outpoint)]).await.unwrap().len(), 1);
}
