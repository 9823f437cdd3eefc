use twofold_chain::Source;
use twofold_cosigner::port::conformance::sample::put;
use twofold_testkit::Regtest;

use crate::{
    house::{House, pay},
    purse::Purse,
};

/// Node calls for a day in the life of a server with so many wallets, the first of which is paid.
async fn calls(node: &Regtest, wallets: u16) -> Vec<u64> {
    let mut house = House::new(node).await;
    let purses: Vec<_> = (1..=wallets).map(Purse::new).collect();
    for some in purses.chunks(100) {
        put(&house.store, some.iter().flat_map(|purse| purse.made(0))).await;
    }
    let mut calls = Vec::new();
    for round in 0..3 {
        house.catch_up().await;
        let Source::Node(asked) = house.chain.first() else {
            panic!("it is a node");
        };
        calls.push(asked.requests());
        if round == 0 {
            house.catch_up().await;
        }
    }
    assert!(!house.rows(&purses[0]).await.is_empty());
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_is_asked_as_often_for_a_thousand_wallets_as_for_one() {
    let node = Regtest::start().unwrap();
    let purse = Purse::new(1);
    for index in 0..3 {
        pay(&node, &purse, index, 50_000);
        node.mine(1).unwrap();
    }
    pay(&node, &purse, 4, 50_000);
    pay(&node, &Purse::new(1000), 4, 50_000);
    let (one, thousand) = (calls(&node, 1).await, calls(&node, 1000).await);
    assert_eq!(one, thousand);
}
