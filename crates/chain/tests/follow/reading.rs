use bitcoin::hashes::Hash;
use twofold_cosigner::{
    follow::FollowFault,
    port::{
        conformance::sample::put,
        record::Issued,
        store::{Store, Write},
    },
};
use twofold_intent::Keychain;
use twofold_testkit::Regtest;

use crate::{
    house::{House, held, pay},
    purse::{GAP, stored},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_seen_waiting_then_mined_with_its_proof() {
    let node = Regtest::start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    assert_eq!(house.height().await, 102);
    let (txid, coin) = pay(&node, &purse, 3, 70_000);
    house.catch_up().await;
    assert_eq!(house.told(&purse).await, [(txid, None, false)]);
    let coins = house.store.coins(vec![stored(coin.outpoint)]).await.unwrap();
    assert_eq!((coins[0].value, coins[0].keychain, coins[0].index), (70_000, 0, 3));
    assert_eq!(house.store.used(purse.id).await.unwrap(), [4, 0]);

    // Its block has others too.
    for _ in 0..4 {
        node.fund(&node.miner_address().unwrap(), bitcoin::Amount::from_sat(10_000))
            .unwrap();
    }
    node.mine(1).unwrap();
    house.catch_up().await;
    assert_eq!(house.told(&purse).await, [(txid, Some(103), false)]);
    house.proofs_hold(&purse).await;
    assert!(!house.rows(&purse).await[0].block.as_ref().unwrap().branch.is_empty());
    assert!(!house.step().await.unwrap().more, "nothing is left to do");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spend_with_change_is_seen_and_settles_what_was_signed() {
    let node = Regtest::start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    let (_, coin) = pay(&node, &purse, 0, 500_000);
    node.mine(1).unwrap();
    house.catch_up().await;

    let spend = purse.spend(
        &[coin],
        &[
            node.miner_address().unwrap().script_pubkey(),
            purse.change(0).script_pubkey(),
        ],
        500,
    );
    let conflict = purse.spend(&[coin], &[node.miner_address().unwrap().script_pubkey()], 700);
    for (at, transaction) in [(1, &spend), (2, &conflict)] {
        let issued = Issued {
            wallet: purse.id,
            txid: transaction.compute_txid().to_byte_array(),
            outpoints: vec![stored(coin.outpoint)],
            at,
        };
        put(&house.store, [Write::PutIssued(issued)]).await;
    }
    node.broadcast(&spend).unwrap();
    house.catch_up().await;
    assert_eq!(house.told(&purse).await[1], (spend.compute_txid(), None, false));
    assert_eq!(house.store.used(purse.id).await.unwrap(), [1, 1]);
    assert_eq!(
        house.store.issued(purse.id).await.unwrap().len(),
        2,
        "until the chain has it"
    );
    let block = node.mine(1).unwrap();
    house.catch_up().await;
    assert!(house.store.issued(purse.id).await.unwrap().is_empty());
    let change = held(&spend, &purse.change(0), (Keychain::Internal, 0));
    assert_eq!(
        house.store.coins(vec![stored(change.outpoint)]).await.unwrap()[0].keychain,
        1
    );

    // The block goes, and its transaction waits again.
    node.invalidate(&block[0]).unwrap();
    node.mine_empty(2).unwrap();
    house.catch_up().await;
    assert_eq!(house.store.issued(purse.id).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_within_one_block_move_the_gap_on_as_far_as_they_reach() {
    let node = Regtest::start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    // Each is watched only because of the one before it; the last is past the gap.
    let reachable = [GAP - 1, 2 * GAP - 1, 3 * GAP - 1];
    let paid: Vec<_> = reachable
        .into_iter()
        .rev()
        .map(|index| pay(&node, &purse, index, 20_000).0)
        .collect();
    pay(&node, &purse, 4 * GAP, 20_000);
    node.mine(1).unwrap();
    house.catch_up().await;
    let mut told: Vec<_> = house.told(&purse).await.into_iter().map(|(txid, ..)| txid).collect();
    told.sort_unstable();
    let mut expected = paid;
    expected.sort_unstable();
    assert_eq!(told, expected);
    assert_eq!(house.store.watched(purse.id).await.unwrap(), [4 * GAP, GAP]);
}

#[tokio::test(flavor = "multi_thread")]
async fn f26_a_restart_goes_on_where_it_was_and_the_history_is_the_same() {
    let node = Regtest::start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    let (first, _) = pay(&node, &purse, 0, 50_000);
    node.mine(1).unwrap();
    let (second, _) = pay(&node, &purse, 1, 60_000);
    house.catch_up().await;
    let before = house.rows(&purse).await;
    let mut house = house.restart();
    assert_eq!(house.rows(&purse).await, before);
    house.catch_up().await;
    assert_eq!(
        house.rows(&purse).await,
        before,
        "reading the mempool again changes nothing"
    );

    // What came while it was away.
    let house_away = house.restart();
    let (third, _) = pay(&node, &purse, 2, 70_000);
    node.mine(3).unwrap();
    let mut house = house_away;
    house.catch_up().await;
    let mut told = house.told(&purse).await;
    told.sort_unstable_by_key(|(txid, ..)| *txid);
    let mut expected = [
        (first, Some(103), false),
        (second, Some(104), false),
        (third, Some(104), false),
    ];
    expected.sort_unstable_by_key(|(txid, ..)| *txid);
    assert_eq!(told, expected);
    house.proofs_hold(&purse).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_on_a_long_chain_begins_near_its_tip() {
    let node = Regtest::start().unwrap();
    node.mine(1000).unwrap();
    let mut house = House::new(&node).await;
    house.catch_up().await;
    let blocks = house.store.blocks(0, 100).await.unwrap();
    assert_eq!((blocks[0].height, blocks.len()), (1096, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_chain_is_refused_and_nothing_is_forgotten() {
    let (node, other) = (Regtest::start().unwrap(), Regtest::start().unwrap());
    // The first block is the same everywhere, so this database must not hold it.
    node.mine(1000).unwrap();
    other.mine(1003).unwrap();
    let mut house = House::new(&node).await;
    house.catch_up().await;
    house.chain = crate::house::client(&other);
    let fault = house.step().await.unwrap_err();
    assert!(matches!(fault, FollowFault::AnotherChain { .. }), "{fault}");
    assert_eq!(house.height().await, 1102);
}
