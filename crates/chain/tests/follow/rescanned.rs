use twofold_cosigner::port::{
    conformance::sample::put,
    record::Rescan,
    store::{Store, Write},
};
use twofold_intent::Keychain;
use twofold_testkit::Regtest;

use crate::{
    house::{House, pay},
    purse::{GAP, Purse},
};

fn asked(purse: &Purse, next: u32, last: u32) -> Rescan {
    Rescan {
        wallet: purse.id,
        next,
        last,
        missing_below: None,
    }
}

/// What a device that hands out addresses past the gap makes the server do.
async fn watch_up_to(house: &House, purse: &Purse, index: u32) {
    let scripts = (GAP..index)
        .map(|index| purse.script(Keychain::External, index))
        .collect();
    let last = house.height().await;
    put(
        &house.store,
        [Write::AddScripts(scripts), Write::PutRescan(asked(purse, 102, last))],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_that_are_watched_late_have_their_old_payments_and_spends_found() {
    let node = Regtest::start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    let (paid, coin) = pay(&node, &purse, 50, 300_000);
    node.mine(12).unwrap();
    let spend = purse.spend(&[coin], &[node.miner_address().unwrap().script_pubkey()], 500);
    node.broadcast(&spend).unwrap();
    node.mine(3).unwrap();
    let (waiting, _) = pay(&node, &purse, 51, 40_000);
    house.catch_up().await;
    assert!(house.told(&purse).await.is_empty());

    watch_up_to(&house, &purse, 80).await;
    // One step does not read it all, and a restart in the middle goes on.
    assert!(house.step().await.unwrap().more);
    let rest = house.store.rescan(purse.id).await.unwrap().unwrap();
    assert!(rest.next > 102, "{rest:?}");
    let mut house = house.restart();
    house.catch_up().await;
    assert_eq!(house.store.rescan(purse.id).await.unwrap(), None);
    let mut told = house.told(&purse).await;
    told.sort_unstable();
    let mut expected = [
        (paid, Some(103), false),
        (spend.compute_txid(), Some(115), false),
        (waiting, None, false),
    ];
    expected.sort_unstable();
    assert_eq!(told, expected);
    house.proofs_hold(&purse).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rescan_finds_what_came_while_its_scripts_were_added_and_what_waits() {
    let node = Regtest::start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    let (mined, _) = pay(&node, &purse, 50, 300_000);
    node.mine(1).unwrap();
    let (waiting, _) = pay(&node, &purse, 51, 40_000);
    house.catch_up().await;
    // Asked for at the tip before: the block was being read just then.
    let scripts = (GAP..60).map(|index| purse.script(Keychain::External, index)).collect();
    let rescan = Write::PutRescan(asked(&purse, 102, 102));
    put(&house.store, [Write::AddScripts(scripts), rescan]).await;
    house.catch_up().await;
    let told = house.told(&purse).await;
    assert!(
        told.contains(&(mined, Some(103), false)) && told.contains(&(waiting, None, false)),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rescan_leaves_other_wallets_alone() {
    let node = Regtest::start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    let other = Purse::new(2);
    house.make(&other).await;
    pay(&node, &purse, 0, 50_000);
    pay(&node, &other, 0, 50_000);
    node.mine(1).unwrap();
    house.catch_up().await;
    let before = (house.rows(&purse).await, house.rows(&other).await);
    watch_up_to(&house, &purse, 30).await;
    house.catch_up().await;
    assert_eq!((house.rows(&purse).await, house.rows(&other).await), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_pruned_node_a_rescan_says_from_where_on_it_is_whole() {
    let node = Regtest::options().prune().start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    let (lost, _) = pay(&node, &purse, 50, 300_000);
    node.mine(500).unwrap();
    let (found, _) = pay(&node, &purse, 51, 300_000);
    node.mine(1).unwrap();
    house.catch_up().await;
    node.prune(250).unwrap();
    watch_up_to(&house, &purse, 80).await;
    house.catch_up().await;
    let rescan = house.store.rescan(purse.id).await.unwrap().unwrap();
    assert!(rescan.next > rescan.last);
    let lowest = rescan.missing_below.unwrap();
    assert!((104..=251).contains(&lowest), "{rescan:?}");
    let told = house.told(&purse).await;
    assert_eq!(told, [(found, Some(603), false)], "{lost} can't be read any more");

    // A server that was away for longer than the node keeps blocks says so and stops.
    let mut away = House::new(&node).await;
    let block = house.store.blocks(102, 1).await.unwrap().pop().unwrap();
    put(&away.store, [Write::PutBlock(block)]).await;
    let fault = away.step().await.unwrap_err().to_string();
    assert!(fault.contains("has pruned block 103"), "{fault}");
}
