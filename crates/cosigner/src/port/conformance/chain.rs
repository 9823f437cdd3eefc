//! What the block follower writes and reads.

#![expect(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "these are tests, and their names say what they are about"
)]

use super::sample::{block, coin, mined, outpoint, populate, put, script, transaction, wallet_id};
use crate::port::{
    record::{Coin, Rescan, Script, WalletTransaction},
    store::{Store, Write},
};

/// A wallet's transactions after a cursor: first byte of the id, cursor, height, gone.
async fn listed<S: Store>(store: &S, n: u8, after: u64) -> Vec<(u8, u64, Option<u32>, bool)> {
    let transactions = store.transactions(wallet_id(n), after, 100).await.unwrap();
    transactions
        .iter()
        .map(|each| {
            (
                each.txid[0],
                each.cursor,
                each.block.as_ref().map(|block| block.height),
                each.gone,
            )
        })
        .collect()
}

pub async fn scripts_are_found_by_output_key<S: Store>(store: &S) {
    populate(store).await;
    let (first, second) = (script(1, 0, 3), script(2, 1, 7));
    put(
        store,
        [Write::AddScripts(vec![first.clone(), second.clone(), script(1, 0, 4)])],
    )
    .await;
    put(
        store,
        [Write::AddScripts(vec![Script {
            index: 9,
            ..first.clone()
        }])],
    )
    .await;
    let found = store
        .scripts(vec![[0xee; 32], second.output_key, first.output_key])
        .await
        .unwrap();
    assert_eq!(found, [second, first]);
    assert!(store.scripts(Vec::new()).await.unwrap().is_empty());
}

pub async fn scripts_of_all_wallets_page_in_order_of_their_keys<S: Store>(store: &S) {
    populate(store).await;
    let mut scripts: Vec<Script> = (0..7).map(|index| script(1, 0, index)).collect();
    scripts.extend((0..4).map(|index| script(2, 1, index)));
    put(store, [Write::AddScripts(scripts.clone())]).await;
    scripts.sort_unstable_by_key(|script| script.output_key);
    let mut paged = Vec::new();
    while paged.len() < scripts.len() {
        let after = paged.last().map(|script: &Script| script.output_key);
        let page = store.all_scripts(after, 4).await.unwrap();
        assert!(!page.is_empty() && page.len() <= 4);
        paged.extend(page);
    }
    assert_eq!(paged, scripts);
    let last = scripts.last().map(|script| script.output_key);
    assert!(store.all_scripts(last, 4).await.unwrap().is_empty());
}

pub async fn watched_and_used_count_from_the_highest_index<S: Store>(store: &S) {
    populate(store).await;
    put(
        store,
        [
            Write::AddScripts((0..20).map(|index| script(1, 0, index)).collect()),
            Write::AddScripts((0..5).map(|index| script(1, 1, index)).collect()),
            Write::AddScripts((0..50).map(|index| script(2, 0, index)).collect()),
            Write::AddCoin(coin(1, 1, 0, 4)),
            Write::AddCoin(coin(1, 2, 0, 2)),
        ],
    )
    .await;
    assert_eq!(store.watched(wallet_id(1)).await.unwrap(), [20, 5]);
    assert_eq!(store.used(wallet_id(1)).await.unwrap(), [5, 0]);
    assert_eq!(store.watched(wallet_id(2)).await.unwrap(), [50, 0]);
    assert_eq!(store.used(wallet_id(2)).await.unwrap(), [0, 0]);
}

pub async fn a_coin_stays_as_it_was_first_put<S: Store>(store: &S) {
    populate(store).await;
    put(
        store,
        [Write::AddCoin(coin(1, 1, 0, 4)), Write::AddCoin(coin(2, 2, 1, 0))],
    )
    .await;
    put(
        store,
        [Write::AddCoin(Coin {
            value: 1,
            ..coin(1, 1, 0, 4)
        })],
    )
    .await;
    let found = store.coins(vec![outpoint(2), outpoint(3), outpoint(1)]).await.unwrap();
    assert_eq!(found, [coin(2, 2, 1, 0), coin(1, 1, 0, 4)]);
}

pub async fn transactions_come_in_the_order_they_changed<S: Store>(store: &S) {
    populate(store).await;
    put(store, [1, 2, 3].map(|n| Write::PutTransaction(transaction(1, n)))).await;
    put(store, [Write::PutTransaction(transaction(2, 1))]).await;
    put(store, [Write::PutTransaction(mined(1, 1, 100))]).await;
    assert_eq!(
        listed(store, 1, 0).await,
        [(2, 2, None, false), (3, 3, None, false), (1, 4, Some(100), false)]
    );
    assert_eq!(listed(store, 1, 3).await, [(1, 4, Some(100), false)]);
    assert_eq!(listed(store, 2, 0).await, [(1, 1, None, false)]);
    for (wallet, newest) in [(1, 4), (2, 1), (3, 0)] {
        assert_eq!(store.newest_change(wallet_id(wallet)).await.unwrap(), newest);
    }
    let first = store.transactions(wallet_id(1), 0, 1).await.unwrap();
    assert_eq!(
        first,
        [WalletTransaction {
            cursor: 2,
            ..transaction(1, 2)
        }]
    );
    let whole = store.transaction(wallet_id(1), [1; 32]).await.unwrap();
    assert_eq!(
        whole,
        Some(WalletTransaction {
            cursor: 4,
            ..mined(1, 1, 100)
        })
    );
    assert_eq!(store.transaction(wallet_id(2), [2; 32]).await.unwrap(), None);
}

pub async fn a_transaction_that_says_nothing_new_changes_nothing<S: Store>(store: &S) {
    populate(store).await;
    put(
        store,
        [
            Write::PutTransaction(transaction(1, 1)),
            Write::PutTransaction(mined(1, 2, 100)),
        ],
    )
    .await;
    let later = WalletTransaction {
        seen: 1_800_000_000,
        ..transaction(1, 1)
    };
    put(
        store,
        [Write::PutTransaction(later), Write::PutTransaction(mined(1, 2, 100))],
    )
    .await;
    assert_eq!(
        listed(store, 1, 0).await,
        [(1, 1, None, false), (2, 2, Some(100), false)]
    );
    put(
        store,
        [Write::PutTransaction(WalletTransaction {
            seen: 1_800_000_000,
            ..mined(1, 1, 101)
        })],
    )
    .await;
    let whole = store.transaction(wallet_id(1), [1; 32]).await.unwrap().unwrap();
    assert_eq!(whole.seen, 1_700_000_000, "first seen stays");
}

pub async fn only_a_roll_back_unmines<S: Store>(store: &S) {
    populate(store).await;
    put(store, [Write::PutTransaction(mined(1, 1, 100))]).await;
    let gone = Write::MarkGone {
        wallet: wallet_id(1),
        txid: [1; 32],
    };
    put(store, [Write::PutTransaction(transaction(1, 1)), gone]).await;
    assert_eq!(listed(store, 1, 0).await, [(1, 1, Some(100), false)]);
}

pub async fn a_roll_back_unmines_what_was_above_and_forgets_the_blocks<S: Store>(store: &S) {
    populate(store).await;
    put(store, (98..=102).map(|height| Write::PutBlock(block(height)))).await;
    put(
        store,
        [(1, 99), (2, 100), (3, 101), (4, 102)].map(|(n, height)| Write::PutTransaction(mined(1, n, height))),
    )
    .await;
    put(
        store,
        [
            Write::PutTransaction(mined(2, 3, 101)),
            Write::PutTransaction(transaction(1, 5)),
        ],
    )
    .await;
    put(store, [Write::RollBackBlocks { above: 100 }]).await;
    assert_eq!(store.tip().await.unwrap(), Some(block(100)));
    assert_eq!(
        listed(store, 1, 0).await,
        [
            (1, 1, Some(99), false),
            (2, 2, Some(100), false),
            (5, 5, None, false),
            (3, 6, None, false),
            (4, 7, None, false)
        ]
    );
    assert_eq!(listed(store, 2, 0).await, [(3, 2, None, false)]);
    put(
        store,
        [Write::PutBlock(block(101)), Write::PutTransaction(mined(1, 4, 101))],
    )
    .await;
    assert_eq!(listed(store, 1, 6).await, [(4, 8, Some(101), false)]);
}

pub async fn an_unconfirmed_transaction_can_leave_and_come_back<S: Store>(store: &S) {
    populate(store).await;
    let gone = || Write::MarkGone {
        wallet: wallet_id(1),
        txid: [1; 32],
    };
    put(store, [gone()]).await;
    assert!(listed(store, 1, 0).await.is_empty());
    put(store, [Write::PutTransaction(transaction(1, 1))]).await;
    put(store, [gone(), gone()]).await;
    assert_eq!(listed(store, 1, 0).await, [(1, 2, None, true)]);
    put(store, [Write::PutTransaction(transaction(1, 1))]).await;
    assert_eq!(listed(store, 1, 0).await, [(1, 3, None, false)]);
}

pub async fn unconfirmed_transactions_of_all_wallets_page<S: Store>(store: &S) {
    populate(store).await;
    put(store, [5, 2, 9].map(|n| Write::PutTransaction(transaction(1, n)))).await;
    put(store, [2, 7].map(|n| Write::PutTransaction(transaction(2, n)))).await;
    put(
        store,
        [
            Write::PutTransaction(mined(2, 1, 100)),
            Write::PutTransaction(transaction(1, 4)),
        ],
    )
    .await;
    put(
        store,
        [Write::MarkGone {
            wallet: wallet_id(1),
            txid: [4; 32],
        }],
    )
    .await;
    let expected = [(2, 1), (2, 2), (5, 1), (7, 2), (9, 1)].map(|(txid, wallet)| ([txid; 32], wallet_id(wallet)));
    assert_eq!(store.unconfirmed(None, 100).await.unwrap(), expected);
    assert_eq!(store.unconfirmed(None, 2).await.unwrap(), expected[..2]);
    assert_eq!(store.unconfirmed(Some(expected[0]), 2).await.unwrap(), expected[1..3]);
    assert!(store.unconfirmed(Some(expected[4]), 2).await.unwrap().is_empty());
}

pub async fn the_tip_is_the_highest_block<S: Store>(store: &S) {
    put(store, [5, 7, 6].map(|height| Write::PutBlock(block(height)))).await;
    assert_eq!(store.tip().await.unwrap(), Some(block(7)));
    assert_eq!(store.blocks(6, 10).await.unwrap(), [block(6), block(7)]);
    assert_eq!(store.blocks(0, 2).await.unwrap(), [block(5), block(6)]);
    let mut other = block(7);
    other.hash = [1; 32];
    put(store, [Write::PutBlock(other.clone())]).await;
    assert_eq!(store.tip().await.unwrap(), Some(other));
}

pub async fn a_rescan_is_kept_until_it_ends<S: Store>(store: &S) {
    populate(store).await;
    let rescan = |n, next, last| Rescan {
        wallet: wallet_id(n),
        next,
        last,
        missing_below: None,
    };
    put(
        store,
        [Write::PutRescan(rescan(1, 50, 90)), Write::PutRescan(rescan(2, 10, 90))],
    )
    .await;
    assert_eq!(
        store.rescans(None, 9).await.unwrap(),
        [rescan(1, 50, 90), rescan(2, 10, 90)]
    );
    assert_eq!(store.rescans(None, 1).await.unwrap(), [rescan(1, 50, 90)]);
    let first = Some(wallet_id(1));
    assert_eq!(store.rescans(first, 9).await.unwrap(), [rescan(2, 10, 90)]);
    assert!(store.rescans(Some(wallet_id(2)), 9).await.unwrap().is_empty());
    let short = Rescan {
        missing_below: Some(40),
        ..rescan(2, 91, 90)
    };
    let moved = |from, to| Write::MoveRescan { from, to };
    put(
        store,
        [moved(rescan(2, 10, 90), Some(short)), moved(rescan(1, 50, 90), None)],
    )
    .await;
    assert!(store.rescans(None, 9).await.unwrap().is_empty());
    assert_eq!(store.rescan(wallet_id(1)).await.unwrap(), None);
    assert_eq!(
        store.rescan(wallet_id(2)).await.unwrap(),
        Some(short),
        "what could not be read stays known"
    );
}

pub async fn a_rescan_that_was_asked_for_anew_is_not_moved<S: Store>(store: &S) {
    populate(store).await;
    let rescan = |next, last| Rescan {
        wallet: wallet_id(1),
        next,
        last,
        missing_below: None,
    };
    for (read, to) in [(60, Some(rescan(61, 90))), (60, None), (50, None)] {
        put(store, [Write::PutRescan(rescan(50, 95))]).await;
        put(
            store,
            [Write::MoveRescan {
                from: rescan(read, 90),
                to,
            }],
        )
        .await;
        assert_eq!(store.rescans(None, 9).await.unwrap(), [rescan(50, 95)]);
    }
    let none = Write::MoveRescan {
        from: Rescan {
            wallet: wallet_id(2),
            ..rescan(50, 95)
        },
        to: Some(Rescan {
            wallet: wallet_id(2),
            ..rescan(51, 95)
        }),
    };
    put(store, [none]).await;
    assert_eq!(
        store.rescan(wallet_id(2)).await.unwrap(),
        None,
        "none is made by moving"
    );
}

pub async fn a_roll_back_ends_rescans_below_it<S: Store>(store: &S) {
    populate(store).await;
    let rescan = |next, last| Rescan {
        wallet: wallet_id(1),
        next,
        last,
        missing_below: None,
    };
    put(store, [Write::PutRescan(rescan(50, 90))]).await;
    put(store, [Write::RollBackBlocks { above: 95 }]).await;
    assert_eq!(store.rescans(None, 9).await.unwrap(), [rescan(50, 90)]);
    put(store, [Write::RollBackBlocks { above: 70 }]).await;
    assert_eq!(store.rescans(None, 9).await.unwrap(), [rescan(50, 70)]);
    put(store, [Write::RollBackBlocks { above: 40 }]).await;
    assert!(store.rescans(None, 9).await.unwrap().is_empty());
}
