//! The same, learned from electrs.

use std::time::Duration;

use bitcoin::hashes::Hash;
use tokio::time::{Instant, sleep};
use twofold_chain::{Source, Sources, electrum::Circuit};
use twofold_cosigner::{
    follow::FollowFault,
    port::{
        chain::{Chain, ChainFault},
        record::WalletTransaction,
        store::Store,
    },
};
use twofold_testkit::{Electrs, Regtest};

use crate::{
    house::{House, client, node as source, pay, server},
    purse::{GAP, Purse},
};

/// A node with an electrs on it; none where there is no electrs.
fn stage() -> Option<(Regtest, Electrs)> {
    if !Electrs::is_here() {
        return None;
    }
    let node = Regtest::options().peers().start().unwrap();
    let server = Electrs::start(&node).unwrap();
    Some((node, server))
}

/// Without what depends on when something was seen.
async fn sorted(house: &House, purse: &Purse) -> Vec<WalletTransaction> {
    let mut rows = house.rows(purse).await;
    for row in &mut rows {
        (row.cursor, row.seen) = (0, 0);
    }
    rows.sort_unstable_by_key(|row| row.txid);
    rows
}

/// Lets a house come to where its node is.
async fn level(house: &mut House, node: &Regtest, server: &Electrs) {
    server.catch_up(node).unwrap();
    let began = Instant::now();
    loop {
        let rests = house.step().await.is_ok_and(|progress| !progress.more);
        let tip = house.store.tip().await.unwrap();
        if rests && tip.is_some_and(|tip| tip.hash == node.tip().unwrap().to_byte_array()) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it does not come to the tip");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c06_c08_what_is_learned_by_script_is_what_is_learned_by_block() {
    let Some((node, electrs)) = stage() else { return };
    let mut blocks = House::over(client(&node)).await;
    let mut scripts = House::over(Sources::new(server(&electrs), None)).await;
    let purse = Purse::new(1);
    blocks.catch_up().await;
    level(&mut scripts, &node, &electrs).await;
    for house in [&blocks, &scripts] {
        house.make(&purse).await;
    }
    // Paid twice in a block, also past the gap as it is before; spent with change; replaced; waiting.
    let (_, first) = pay(&node, &purse, GAP - 1, 500_000);
    pay(&node, &purse, 2 * GAP - 1, 40_000);
    node.mine(1).unwrap();
    let to = [
        node.miner_address().unwrap().script_pubkey(),
        purse.change(0).script_pubkey(),
    ];
    let (slow, fast) = (purse.spend(&[first], &to, 500), purse.spend(&[first], &to, 5_000));
    node.broadcast(&slow).unwrap();
    blocks.catch_up().await;
    level(&mut scripts, &node, &electrs).await;
    let waiting = blocks.told(&purse).await;
    assert_eq!(waiting.len(), 3);
    scripts.until_told(&purse, waiting).await;
    node.broadcast(&fast).unwrap();
    let (_, second) = pay(&node, &purse, 1, 90_000);
    blocks.catch_up().await;
    let replaced = blocks.told(&purse).await;
    assert!(replaced.contains(&(slow.compute_txid(), None, true)), "{replaced:?}");
    electrs.catch_up(&node).unwrap();
    scripts.until_told(&purse, replaced).await;

    for depth in 1..=6 {
        node.mine(1).unwrap();
        let spend = purse.spend(&[second], &[purse.address(2).script_pubkey()], 300 + depth);
        if depth == 1 {
            node.broadcast(&spend).unwrap();
        }
        for _ in 0..depth {
            pay(&node, &purse, 3, 10_000 + depth);
            node.mine(1).unwrap();
        }
        blocks.catch_up().await;
        scripts.until_told_after(&electrs, &node, &blocks, &purse).await;
        if depth % 2 == 0 {
            node.reorg_empty(depth).unwrap();
        } else {
            node.reorg(depth).unwrap();
        }
        blocks.catch_up().await;
        scripts.until_told_after(&electrs, &node, &blocks, &purse).await;
        level(&mut scripts, &node, &electrs).await;
        assert_eq!(
            sorted(&scripts, &purse).await,
            sorted(&blocks, &purse).await,
            "depth {depth}"
        );
        scripts.proofs_hold(&purse).await;
    }
    let (by_block, by_script) = (&blocks.store, &scripts.store);
    assert_eq!(
        by_script.used(purse.id).await.unwrap(),
        by_block.used(purse.id).await.unwrap()
    );
    assert_eq!(
        by_script.watched(purse.id).await.unwrap(),
        by_block.watched(purse.id).await.unwrap()
    );
}

impl House {
    /// Steps until the same is told as by another house.
    async fn until_told_after(&mut self, electrs: &Electrs, node: &Regtest, other: &House, purse: &Purse) {
        electrs.catch_up(node).unwrap();
        self.until_told(purse, other.told(purse).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c09_a_spend_that_was_dropped_is_sent_again_through_electrs() {
    if !Electrs::is_here() {
        return;
    }
    let node = Regtest::options()
        .peers()
        .argument("-persistmempool=0")
        .start()
        .unwrap();
    let electrs = Electrs::start(&node).unwrap();
    let mut house = House::over(Sources::new(server(&electrs), None)).await;
    level(&mut house, &node, &electrs).await;
    let purse = Purse::new(1);
    house.make(&purse).await;
    let (paid, coin) = pay(&node, &purse, 0, 500_000);
    node.mine(1).unwrap();
    let spend = purse.spend(&[coin], &[purse.address(1).script_pubkey()], 500);
    let txid = spend.compute_txid();
    node.broadcast(&spend).unwrap();
    electrs.catch_up(&node).unwrap();
    let told = vec![(paid, Some(103), false), (txid, None, false)];
    house.until_told(&purse, told.clone()).await;
    // Node and server forget it; electrs ends with its node, and is started again after it.
    electrs.kill();
    node.restart().unwrap();
    assert!(!node.mempool().unwrap().contains(&txid));
    electrs.resume().unwrap();
    let began = Instant::now();
    while !node.mempool().unwrap().contains(&txid) {
        let _ = house.step().await;
        assert!(began.elapsed() < Duration::from_secs(60), "it is not sent again");
        sleep(Duration::from_millis(20)).await;
    }
    electrs.catch_up(&node).unwrap();
    house.until_told(&purse, told).await;
    // One that is known already is sent.
    assert_eq!(house.chain.broadcast(&spend).await, Ok(txid));
    node.mine(1).unwrap();
    electrs.catch_up(&node).unwrap();
    assert_eq!(house.chain.broadcast(&spend).await, Ok(txid), "mined meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn c13_electrs_is_back_within_five_seconds_with_a_thousand_scripts_and_what_was_missed() {
    let Some((node, electrs)) = stage() else { return };
    let mut house = House::over(Sources::new(server(&electrs), None)).await;
    level(&mut house, &node, &electrs).await;
    let purses: Vec<_> = (1..=25).map(Purse::new).collect();
    for purse in &purses {
        house.make(purse).await;
    }
    level(&mut house, &node, &electrs).await;
    let state = |house: &House| match house.chain.first() {
        Source::Server(server) => server.state(),
        Source::Node(_) => panic!("it is a server"),
    };
    let restored = |house: &House| {
        let state = state(house);
        state.circuit == Circuit::Closed && state.scripts == 1_000 && state.restored == 1_000
    };
    while !restored(&house) {
        let _ = house.step().await;
        sleep(Duration::from_millis(5)).await;
    }
    electrs.kill();
    let (missed, _) = pay(&node, &purses[24], 3, 70_000);
    node.mine(1).unwrap();
    electrs.resume().unwrap();
    let back = Instant::now();
    while !restored(&house) {
        assert!(
            back.elapsed() < Duration::from_secs(30),
            "not back: {:?}",
            state(&house)
        );
        sleep(Duration::from_millis(5)).await;
    }
    let back = back.elapsed();
    assert!(back < Duration::from_secs(5), "back after {back:?}");
    electrs.catch_up(&node).unwrap();
    house.until_told(&purses[24], vec![(missed, Some(103), false)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c05_two_sources_that_follow_different_chains_are_an_error_that_says_so() {
    let Some((node, electrs)) = stage() else { return };
    let other = Regtest::start().unwrap();
    // As high, and another.
    let agreeing = Sources::new(server(&electrs), Some(source(&node)));
    assert_eq!(agreeing.best().await.unwrap().0, 102);
    let sources = Sources::new(server(&electrs), Some(source(&other)));
    let fault = sources.best().await.unwrap_err();
    assert!(matches!(fault, ChainFault::Disagreement(_)), "{fault}");
    let mut house = House::over(sources).await;
    let fault = house.step().await.unwrap_err();
    assert!(
        matches!(fault, FollowFault::Chain(ChainFault::Disagreement(_))),
        "{fault}"
    );
    assert_eq!(house.store.tip().await.unwrap(), None, "neither is believed");
    // Far ahead: the first keeps blocks back, or the second is lost.
    let ahead = Sources::new(source(&node), Some(server(&electrs)));
    assert!(ahead.best().await.is_ok());
    electrs.kill();
    node.mine(1).unwrap();
    let fault = ahead.best().await.unwrap_err();
    assert!(fault.to_string().contains("the second source"), "{fault}");
}
