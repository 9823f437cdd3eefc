use twofold_cosigner::port::{record::WalletTransaction, store::Store};
use twofold_testkit::Regtest;

use crate::house::{House, pay};

#[tokio::test(flavor = "multi_thread")]
async fn c06_after_a_reorganization_of_one_to_six_blocks_the_index_is_as_if_read_anew() {
    let node = Regtest::start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    // Coins old enough to outlast every reorganization.
    let mut coins = Vec::new();
    for _ in 0..3 {
        coins.extend((0..9).map(|_| pay(&node, &purse, 0, 40_000).1));
        node.mine(4).unwrap();
    }
    let mut send = || {
        let spend = purse.spend(&[coins.pop().unwrap()], &[purse.address(1).script_pubkey()], 500);
        node.broadcast(&spend).unwrap()
    };
    for depth in 1..=6 {
        // A transaction in each block that will go, and one below.
        let kept = send();
        node.mine(1).unwrap();
        let mut moved = Vec::new();
        for _ in 0..depth {
            moved.push(send());
            node.mine(1).unwrap();
        }
        house.catch_up().await;
        let height = |told: &[(_, Option<u32>, bool)], txid| {
            told.iter()
                .find(|(other, ..)| *other == txid)
                .map(|(_, height, gone)| (*height, *gone))
                .unwrap()
        };
        let tip = house.height().await;
        let before = house.told(&purse).await;
        assert_eq!(
            height(&before, moved[0]).0,
            Some(tip + 1 - u32::try_from(depth).unwrap())
        );

        // The blocks go, and their transactions wait again.
        node.reorg_empty(depth).unwrap();
        house.catch_up().await;
        assert_eq!(house.height().await, tip + 1);
        let waiting = house.told(&purse).await;
        assert_eq!(height(&waiting, kept), height(&before, kept), "depth {depth}");
        for txid in &moved {
            assert_eq!(height(&waiting, *txid), (None, false), "depth {depth}");
        }
        // Whoever asks by the last cursor is told of each again.
        let cursor = house.rows(&purse).await.last().unwrap().cursor;
        node.mine(1).unwrap();
        house.catch_up().await;
        let changed = house.store.transactions(purse.id, cursor, 100).await.unwrap();
        assert_eq!(changed.len(), moved.len(), "depth {depth}");
        house.proofs_hold(&purse).await;

        let mut anew = House::new(&node).await;
        anew.make_at(&purse, 0).await;
        anew.catch_up().await;
        assert_eq!(
            sorted(anew.rows(&purse).await),
            sorted(house.rows(&purse).await),
            "depth {depth}"
        );
    }
}

/// Without what depends on when something was seen.
fn sorted(mut rows: Vec<WalletTransaction>) -> Vec<WalletTransaction> {
    for row in &mut rows {
        (row.cursor, row.seen) = (0, 0);
    }
    rows.sort_unstable_by_key(|row| row.txid);
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn c06_a_payment_that_the_new_chain_spends_otherwise_is_gone() {
    let node = Regtest::start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    let (_, coin) = pay(&node, &purse, 0, 500_000);
    node.mine(1).unwrap();
    let spend = purse.spend(&[coin], &[purse.address(1).script_pubkey()], 500);
    let other = purse.spend(&[coin], &[purse.address(2).script_pubkey()], 900);
    let block = node.mine_only(std::slice::from_ref(&spend)).unwrap();
    house.catch_up().await;
    assert_eq!(
        house.told(&purse).await.last().unwrap(),
        &(spend.compute_txid(), Some(104), false)
    );
    node.invalidate(&block).unwrap();
    node.mine_only(std::slice::from_ref(&other)).unwrap();
    node.mine(1).unwrap();
    house.catch_up().await;
    let told = house.told(&purse).await;
    assert!(told.contains(&(spend.compute_txid(), None, true)), "{told:?}");
    assert!(told.contains(&(other.compute_txid(), Some(104), false)), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_behind_on_the_same_chain_is_waited_for() {
    let node = Regtest::start().unwrap();
    let (mut house, purse) = House::with_purse(&node).await;
    let (txid, _) = pay(&node, &purse, 0, 30_000);
    let block = node.mine(1).unwrap()[0];
    house.catch_up().await;
    node.invalidate(&block).unwrap();
    let progress = house.catch_up().await;
    assert_eq!((progress.height, progress.best), (103, 102));
    assert_eq!(
        house.told(&purse).await,
        [(txid, Some(103), false)],
        "nothing is taken back for it"
    );
    node.reconsider(&block).unwrap();
    assert_eq!(house.catch_up().await.best, 103);
}
