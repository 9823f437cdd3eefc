//! Wallets and their own rows: versions, shares, ceremonies, audit, charges, signatures given out.

#![expect(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "these are tests, and their names say what they are about"
)]

use twofold_threshold::id::{CeremonyId, EpochId, KeyKind, WalletId};

use super::sample::{
    audit, block, ceremony, chains, charge, commit, issued, outpoint, populate, put, share, user, wallet, wallet_id,
};
use crate::port::{
    anchor::Mark,
    record::{Ceremony, Chains, Share, UserId, Wallet},
    store::{Batch, OpenCeremonies, Store, StoreFault, Write},
};

async fn commit_expecting<S: Store>(store: &S, version: u64, writes: Vec<Write>) -> Result<(), StoreFault> {
    store
        .commit(Batch {
            expect: vec![(wallet_id(1), version)],
            writes,
        })
        .await
}

async fn waiting<S: Store>(store: &S, n: u8) -> Vec<u8> {
    store
        .issued(wallet_id(n))
        .await
        .unwrap()
        .iter()
        .map(|issued| issued.txid[0])
        .collect()
}

pub async fn a_wallet_reads_back_whole<S: Store>(store: &S) {
    put(store, [Write::AddUser(user(1))]).await;
    let bare = Wallet {
        public: None,
        ..wallet(2, 1)
    };
    put(store, [Write::AddWallet(wallet(1, 1)), Write::AddWallet(bare.clone())]).await;
    assert_eq!(store.wallet(wallet_id(1)).await.unwrap(), Some(wallet(1, 1)));
    assert_eq!(store.wallet(wallet_id(2)).await.unwrap(), Some(bare));
    let again = commit(store, [Write::AddWallet(wallet(1, 1))]).await;
    assert!(matches!(again, Err(StoreFault::Exists(_))), "{again:?}");
}

pub async fn chains_are_put_and_replaced<S: Store>(store: &S) {
    put(
        store,
        [
            Write::AddUser(user(1)),
            Write::AddWallet(wallet(1, 1)),
            Write::AddWallet(wallet(2, 1)),
            Write::PutChains(chains(1)),
        ],
    )
    .await;
    assert_eq!(store.chains(wallet_id(1)).await.unwrap(), Some(chains(1)));
    assert_eq!(store.chains(wallet_id(2)).await.unwrap(), None);
    let longer = Chains {
        device_list: vec![vec![1; 40]],
        package: vec![vec![9; 2000], vec![8; 3]],
        ..chains(1)
    };
    let bare = Chains {
        device_list: Vec::new(),
        package: Vec::new(),
        ..chains(2)
    };
    put(
        store,
        [Write::PutChains(longer.clone()), Write::PutChains(bare.clone())],
    )
    .await;
    assert_eq!(store.chains(wallet_id(1)).await.unwrap(), Some(longer));
    assert_eq!(store.chains(wallet_id(2)).await.unwrap(), Some(bare));
    assert_eq!(store.wallet(wallet_id(1)).await.unwrap(), Some(wallet(1, 1)));
}

pub async fn an_update_replaces_all_but_the_version<S: Store>(store: &S) {
    populate(store).await;
    let changed = Wallet {
        name: "spending".to_owned(),
        version: 77,
        state: vec![8; 12],
        public: Some(vec![4; 9]),
        ..wallet(1, 1)
    };
    commit_expecting(store, 1, vec![Write::UpdateWallet(changed.clone())])
        .await
        .unwrap();
    assert_eq!(
        store.wallet(wallet_id(1)).await.unwrap(),
        Some(Wallet { version: 2, ..changed })
    );
    assert_eq!(store.wallet(wallet_id(2)).await.unwrap(), Some(wallet(2, 1)));
}

pub async fn a_batch_raises_the_version_it_expects<S: Store>(store: &S) {
    populate(store).await;
    for version in 1..=3 {
        commit_expecting(store, version, vec![Write::Audit(audit(1, version))])
            .await
            .unwrap();
        assert_eq!(store.wallet(wallet_id(1)).await.unwrap().unwrap().version, version + 1);
    }
    let both = Batch {
        expect: vec![(wallet_id(1), 4), (wallet_id(2), 1)],
        writes: Vec::new(),
    };
    store.commit(both).await.unwrap();
    assert_eq!(store.wallet(wallet_id(1)).await.unwrap().unwrap().version, 5);
    assert_eq!(store.wallet(wallet_id(2)).await.unwrap().unwrap().version, 2);
}

pub async fn a_batch_that_expects_another_version_changes_nothing<S: Store>(store: &S) {
    populate(store).await;
    for version in [0, 2, 1 << 40] {
        let result = commit_expecting(store, version, vec![Write::Audit(audit(1, 1))]).await;
        assert!(
            matches!(result, Err(StoreFault::Conflict(id)) if id == wallet_id(1)),
            "{result:?}"
        );
    }
    let unknown = Batch {
        expect: vec![(wallet_id(9), 1)],
        writes: vec![Write::Audit(audit(1, 1))],
    };
    assert!(matches!(store.commit(unknown).await, Err(StoreFault::Conflict(id)) if id == wallet_id(9)));
    let second = Batch {
        expect: vec![(wallet_id(1), 1), (wallet_id(2), 9)],
        writes: vec![Write::Audit(audit(1, 1))],
    };
    assert!(matches!(store.commit(second).await, Err(StoreFault::Conflict(id)) if id == wallet_id(2)));
    assert_eq!(store.wallet(wallet_id(1)).await.unwrap(), Some(wallet(1, 1)));
    assert!(store.audit(wallet_id(1), 1, 9).await.unwrap().is_empty());
}

pub async fn an_update_without_an_expected_version_is_a_conflict<S: Store>(store: &S) {
    populate(store).await;
    let result = commit(
        store,
        [Write::UpdateWallet(Wallet {
            name: String::new(),
            ..wallet(1, 1)
        })],
    )
    .await;
    assert!(
        matches!(result, Err(StoreFault::Conflict(id)) if id == wallet_id(1)),
        "{result:?}"
    );
    assert_eq!(store.wallet(wallet_id(1)).await.unwrap(), Some(wallet(1, 1)));
}

pub async fn a_batch_that_fails_at_its_end_changes_nothing<S: Store>(store: &S) {
    populate(store).await;
    put(store, [Write::Audit(audit(1, 1))]).await;
    let result = commit_expecting(
        store,
        1,
        vec![
            Write::UpdateWallet(Wallet {
                name: String::new(),
                ..wallet(1, 1)
            }),
            Write::AddShare(share(1, 0)),
            Write::PutCharge(charge(1, 1, 5)),
            Write::PutIssued(issued(1, 1, &[1], 5)),
            Write::RaiseCounter("time", 5),
            Write::Audit(audit(1, 1)),
        ],
    )
    .await;
    assert!(matches!(result, Err(StoreFault::Exists(_))), "{result:?}");
    assert_eq!(store.wallet(wallet_id(1)).await.unwrap(), Some(wallet(1, 1)));
    assert_eq!(store.share(wallet_id(1), KeyKind::Taproot, 0).await.unwrap(), None);
    assert!(store.charges(wallet_id(1), vec![outpoint(1)]).await.unwrap().is_empty());
    assert!(waiting(store, 1).await.is_empty());
    assert_eq!(store.counter("time").await.unwrap(), 0);
}

pub async fn wallets_list_in_the_order_they_were_made<S: Store>(store: &S) {
    put(store, [Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    for n in [200, 3, 120, 1] {
        put(
            store,
            [Write::AddWallet(wallet(n, 1)), Write::AddWallet(wallet(n + 1, 2))],
        )
        .await;
    }
    let ids = |wallets: Vec<Wallet>| wallets.iter().map(|wallet| wallet.id).collect::<Vec<WalletId>>();
    let (one, two) = (UserId([1; 16]), UserId([2; 16]));
    let first = ids(store.wallets_of(one, None, 100).await.unwrap());
    assert_eq!(first, [200, 3, 120, 1].map(wallet_id));
    let second = ids(store.wallets_of(two, None, 100).await.unwrap());
    assert_eq!(second, [201, 4, 121, 2].map(wallet_id));
    assert!(store.wallets_of(UserId([3; 16]), None, 100).await.unwrap().is_empty());
    let page = ids(store.wallets_of(one, Some(wallet_id(200)), 2).await.unwrap());
    assert_eq!(page, [3, 120].map(wallet_id));
    let rest = ids(store.wallets_of(one, Some(wallet_id(120)), 2).await.unwrap());
    assert_eq!(rest, [wallet_id(1)]);
    for nothing_behind in [1, 201, 77] {
        let behind = store.wallets_of(one, Some(wallet_id(nothing_behind)), 2).await.unwrap();
        assert!(behind.is_empty(), "{nothing_behind}");
    }
}

pub async fn wallets_are_counted_past_what_a_list_shows<S: Store>(store: &S) {
    put(store, [Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    put(store, (1..=120).map(|n| Write::AddWallet(wallet(n, 1)))).await;
    put(store, [Write::AddWallet(wallet(200, 2))]).await;
    assert_eq!(store.wallet_count(UserId([1; 16])).await.unwrap(), 120);
    assert_eq!(store.wallet_count(UserId([2; 16])).await.unwrap(), 1);
    assert_eq!(store.wallet_count(UserId([3; 16])).await.unwrap(), 0);
    assert_eq!(store.wallets_of(UserId([1; 16]), None, 100).await.unwrap().len(), 100);
}

pub async fn wallets_of_all_users_page_in_order_of_their_ids<S: Store>(store: &S) {
    put(store, [Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    put(store, [3, 1, 2].map(|n| Write::AddWallet(wallet(n, 1 + n % 2)))).await;
    let ids = |rows: Vec<Wallet>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    let first = store.wallets(None, None, 2).await.unwrap();
    assert_eq!(first.first(), Some(&wallet(1, 2)));
    assert_eq!(ids(first), [wallet_id(1), wallet_id(2)]);
    let rest = store.wallets(None, Some(wallet_id(2)), 2).await.unwrap();
    assert_eq!(ids(rest), [wallet_id(3)]);
    assert!(store.wallets(None, Some(wallet_id(3)), 2).await.unwrap().is_empty());
}

pub async fn wallets_of_one_user_page_past_what_their_list_shows<S: Store>(store: &S) {
    put(store, [Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    put(store, (1..=120).map(|n| Write::AddWallet(wallet(n, 1 + n % 2)))).await;
    let (odd, mut after, mut seen) = (UserId([2; 16]), None, Vec::new());
    loop {
        let page = store.wallets(Some(odd), after, 25).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.into_iter().map(|row| row.id));
    }
    let theirs: Vec<_> = (1..=119).step_by(2).map(wallet_id).collect();
    assert_eq!(seen, theirs);
    assert!(store.wallets(Some(UserId([3; 16])), None, 9).await.unwrap().is_empty());
}

pub async fn a_batch_with_a_mark_changes_nothing<S: Store>(store: &S) {
    let mark = Mark {
        wallet: wallet_id(1),
        epoch: EpochId {
            number: 2,
            transcript: [2; 32],
        },
        list: [3; 32],
        frozen: false,
    };
    let marked = commit(store, [Write::AddUser(user(1)), Write::Mark(mark)]).await;
    assert!(matches!(marked, Err(StoreFault::Damaged(_))), "{marked:?}");
    let sample = user(1);
    assert_eq!(store.user(&sample.issuer, &sample.subject).await.unwrap(), None);
}

pub async fn shares_of_two_epochs_are_there_together<S: Store>(store: &S) {
    populate(store).await;
    put(store, [Write::AddShare(share(1, 0)), Write::AddShare(share(1, 1))]).await;
    for epoch in [0, 1] {
        let found = store.share(wallet_id(1), KeyKind::Taproot, epoch).await.unwrap();
        assert_eq!(found, Some(share(1, epoch)));
        let again = commit(store, [Write::AddShare(share(1, epoch))]).await;
        assert!(matches!(again, Err(StoreFault::Exists(_))), "{again:?}");
    }
    let erase = Write::EraseShare {
        wallet: wallet_id(1),
        kind: KeyKind::Taproot,
        epoch: 0,
    };
    put(store, [erase.clone()]).await;
    assert_eq!(store.share(wallet_id(1), KeyKind::Taproot, 0).await.unwrap(), None);
    let newer = store.share(wallet_id(1), KeyKind::Taproot, 1).await.unwrap();
    assert_eq!(newer, Some(share(1, 1)));
    // One that is gone already is no fault.
    put(store, [erase]).await;
    assert_eq!(store.share(wallet_id(1), KeyKind::Taproot, 2).await.unwrap(), None);
    assert_eq!(store.share(wallet_id(2), KeyKind::Taproot, 0).await.unwrap(), None);
}

pub async fn a_share_is_sealed_anew_where_it_is_there<S: Store>(store: &S) {
    populate(store).await;
    put(store, [Write::AddShare(share(1, 0)), Write::AddShare(share(1, 1))]).await;
    let anew = Share {
        sealed: vec![9; 7],
        ..share(1, 1)
    };
    let missing = Share {
        epoch: 5,
        ..share(1, 1)
    };
    put(store, [Write::ResealShare(anew.clone()), Write::ResealShare(missing)]).await;
    assert_eq!(store.shares(wallet_id(1)).await.unwrap(), [share(1, 0), anew]);
    assert!(store.shares(wallet_id(2)).await.unwrap().is_empty());
}

pub async fn charges_page_in_order_of_their_outpoints<S: Store>(store: &S) {
    populate(store).await;
    let three = [3, 1, 2].map(|n| Write::PutCharge(charge(1, n, 10)));
    put(store, three).await;
    put(store, [Write::PutCharge(charge(2, 1, 10))]).await;
    let groups = |after| store.charge_groups(wallet_id(1), after, 2);
    assert_eq!(groups(None).await.unwrap(), [charge(1, 1, 10), charge(1, 2, 10)]);
    assert_eq!(groups(Some(outpoint(2))).await.unwrap(), [charge(1, 3, 10)]);
    assert!(groups(Some(outpoint(3))).await.unwrap().is_empty());
}

pub async fn ceremonies_page_in_order_of_their_ids<S: Store>(store: &S) {
    populate(store).await;
    put(
        store,
        [3, 1, 2].map(|n| Write::PutCeremony(ceremony(n, 10 + n, 1, 100))),
    )
    .await;
    let ids = |rows: Vec<Ceremony>| rows.into_iter().map(|row| row.id.0[0]).collect::<Vec<_>>();
    assert_eq!(ids(store.ceremonies(None, 2).await.unwrap()), [1, 2]);
    let last = CeremonyId(ceremony(2, 12, 1, 100).id.0);
    assert_eq!(ids(store.ceremonies(Some(last), 2).await.unwrap()), [3]);
}

pub async fn a_ceremony_replaces_that_of_its_wallet<S: Store>(store: &S) {
    populate(store).await;
    put(store, [Write::PutCeremony(ceremony(1, 9, 1, 100))]).await;
    put(
        store,
        [
            Write::PutCeremony(ceremony(2, 9, 1, 200)),
            Write::PutCeremony(ceremony(3, 8, 1, 50)),
        ],
    )
    .await;
    assert_eq!(store.ceremony(CeremonyId([1; 16])).await.unwrap(), None);
    assert_eq!(
        store.ceremony(CeremonyId([2; 16])).await.unwrap(),
        Some(ceremony(2, 9, 1, 200))
    );
    put(store, [Write::EndCeremony(CeremonyId([2; 16]))]).await;
    assert_eq!(store.ceremony(CeremonyId([2; 16])).await.unwrap(), None);
    assert!(store.ceremony(CeremonyId([3; 16])).await.unwrap().is_some());
}

pub async fn one_user_cannot_replace_the_ceremony_of_another<S: Store>(store: &S) {
    populate(store).await;
    put(store, [Write::PutCeremony(ceremony(1, 9, 1, 100))]).await;
    for taken in [ceremony(2, 9, 2, 200), ceremony(1, 8, 2, 200), ceremony(1, 8, 1, 200)] {
        let result = commit(store, [Write::PutCeremony(taken)]).await;
        assert!(matches!(result, Err(StoreFault::Exists(_))), "{result:?}");
    }
    assert_eq!(
        store.ceremony_of(wallet_id(9)).await.unwrap(),
        Some(ceremony(1, 9, 1, 100))
    );
    assert_eq!(store.ceremony_of(wallet_id(8)).await.unwrap(), None);
}

pub async fn open_ceremonies_are_counted_by_user_and_in_all<S: Store>(store: &S) {
    populate(store).await;
    put(
        store,
        [
            Write::PutCeremony(ceremony(1, 11, 1, 100)),
            Write::PutCeremony(ceremony(2, 12, 1, 200)),
            Write::PutCeremony(ceremony(3, 13, 2, 200)),
        ],
    )
    .await;
    for (now, expected) in [(100, (2, 3)), (101, (1, 2)), (201, (0, 0))] {
        let open = store.open_ceremonies(UserId([1; 16]), now).await.unwrap();
        assert_eq!(
            open,
            OpenCeremonies {
                user: expected.0,
                all: expected.1
            },
            "at {now}"
        );
    }
}

pub async fn the_audit_chain_reads_in_order_and_pages<S: Store>(store: &S) {
    populate(store).await;
    put(store, (1..=300).map(|seq| Write::Audit(audit(1, seq)))).await;
    put(store, [Write::Audit(audit(2, 1))]).await;
    let page = store.audit(wallet_id(1), 250, 10).await.unwrap();
    assert_eq!(page, (250..260).map(|seq| audit(1, seq)).collect::<Vec<_>>());
    assert_eq!(store.audit(wallet_id(1), 299, 10).await.unwrap().len(), 2);
    assert_eq!(store.audit(wallet_id(2), 1, 10).await.unwrap(), [audit(2, 1)]);
    let again = commit(store, [Write::Audit(audit(2, 1))]).await;
    assert!(matches!(again, Err(StoreFault::Exists(_))), "{again:?}");
}

pub async fn a_charge_is_put_and_raised<S: Store>(store: &S) {
    populate(store).await;
    put(
        store,
        [
            Write::PutCharge(charge(1, 1, 10)),
            Write::PutCharge(charge(1, 2, u64::MAX)),
        ],
    )
    .await;
    put(
        store,
        [Write::PutCharge(charge(1, 1, 30)), Write::PutCharge(charge(2, 1, 5))],
    )
    .await;
    let found = store
        .charges(wallet_id(1), vec![outpoint(1), outpoint(2), outpoint(3)])
        .await
        .unwrap();
    assert_eq!(found, [charge(1, 1, 30), charge(1, 2, u64::MAX)]);
    assert_eq!(
        store.charges(wallet_id(2), vec![outpoint(1)]).await.unwrap(),
        [charge(2, 1, 5)]
    );
}

pub async fn issued_transactions_wait_until_settled<S: Store>(store: &S) {
    populate(store).await;
    put(
        store,
        [
            Write::PutIssued(issued(1, 3, &[3], 30)),
            Write::PutIssued(issued(1, 1, &[1, 2], 10)),
            Write::PutIssued(issued(2, 1, &[1], 10)),
            Write::PutIssued(issued(1, 2, &[4, 5], 20)),
        ],
    )
    .await;
    assert_eq!(waiting(store, 1).await, [1, 2, 3]);
    assert_eq!(store.issued(wallet_id(1)).await.unwrap()[0], issued(1, 1, &[1, 2], 10));
    put(store, [Write::PutIssued(issued(1, 1, &[2], 25))]).await;
    assert_eq!(waiting(store, 1).await, [2, 1, 3]);
    let settle = Write::SettleIssued {
        wallet: wallet_id(1),
        txid: [1; 32],
        outpoints: vec![outpoint(1)],
        height: 5,
    };
    put(store, [settle]).await;
    assert_eq!(waiting(store, 1).await, [2, 3]);
    assert_eq!(waiting(store, 2).await, [1]);
    put(store, [Write::PutIssued(issued(1, 1, &[2], 40))]).await;
    assert_eq!(
        waiting(store, 1).await,
        [2, 3],
        "signing what is on the chain already makes nothing wait"
    );
}

pub async fn what_waits_is_counted_up_to_a_bound<S: Store>(store: &S) {
    populate(store).await;
    put(
        store,
        (1..=4).map(|n| Write::PutIssued(issued(1, n, &[n], u64::from(n)))),
    )
    .await;
    put(store, [Write::PutIssued(issued(2, 9, &[9], 1))]).await;
    // Once more for the same transaction is no other one.
    put(store, [Write::PutIssued(issued(1, 4, &[4], 50))]).await;
    assert_eq!(store.waiting(wallet_id(1), 100).await.unwrap(), 4);
    assert_eq!(store.waiting(wallet_id(1), 3).await.unwrap(), 3);
    assert_eq!(store.waiting(wallet_id(2), 100).await.unwrap(), 1);
    let settle = Write::SettleIssued {
        wallet: wallet_id(1),
        txid: [1; 32],
        outpoints: Vec::new(),
        height: 100,
    };
    put(store, [settle]).await;
    assert_eq!(store.waiting(wallet_id(1), 100).await.unwrap(), 3);
    for (txid, is_issued) in [(1, true), (2, true), (9, false), (77, false)] {
        let known = store.is_issued(wallet_id(1), [txid; 32]).await.unwrap();
        assert_eq!(known, is_issued, "{txid}");
    }
}

pub async fn a_conflict_on_chain_settles_what_it_conflicts_with<S: Store>(store: &S) {
    populate(store).await;
    put(
        store,
        [
            Write::PutIssued(issued(1, 1, &[1], 1)),
            Write::PutIssued(issued(1, 2, &[1, 2], 2)),
            Write::PutIssued(issued(1, 3, &[2], 3)),
            Write::PutIssued(issued(2, 4, &[1], 4)),
        ],
    )
    .await;
    let foreign = Write::SettleIssued {
        wallet: wallet_id(1),
        txid: [99; 32],
        outpoints: vec![outpoint(1)],
        height: 5,
    };
    put(store, [foreign]).await;
    assert_eq!(waiting(store, 1).await, [3], "conflict is not transitive");
    assert_eq!(waiting(store, 2).await, [4]);
}

pub async fn a_roll_back_makes_settled_signatures_wait_again<S: Store>(store: &S) {
    populate(store).await;
    put(
        store,
        (1..=3).map(|n| Write::PutIssued(issued(1, n, &[n], u64::from(n)))),
    )
    .await;
    for n in 1..=3 {
        let height = 100 + u32::from(n);
        put(
            store,
            [Write::SettleIssued {
                wallet: wallet_id(1),
                txid: [n; 32],
                outpoints: Vec::new(),
                height,
            }],
        )
        .await;
    }
    assert!(waiting(store, 1).await.is_empty());
    put(store, [Write::RollBackBlocks { above: 101 }]).await;
    assert_eq!(waiting(store, 1).await, [2, 3]);
}

pub async fn settled_signatures_are_forgotten_when_deep<S: Store>(store: &S) {
    populate(store).await;
    put(
        store,
        (1..=3).map(|n| Write::PutIssued(issued(1, n, &[n], u64::from(n)))),
    )
    .await;
    for (txid, height) in [(1, 1000), (2, 1001)] {
        let settle = Write::SettleIssued {
            wallet: wallet_id(1),
            txid: [txid; 32],
            outpoints: Vec::new(),
            height,
        };
        put(store, [settle]).await;
    }
    put(store, [Write::PutBlock(block(2000)), Write::Purge { now: 0 }]).await;
    put(store, [Write::RollBackBlocks { above: 0 }]).await;
    assert_eq!(waiting(store, 1).await, [2, 3]);
}
