//! Two servers on one database.

use futures::future::join;
use tokio::time::{Duration, timeout};
use twofold_cosigner::port::{
    conformance::sample::{audit, charge, device, outpoint, populate, put, transaction, user, wallet, wallet_id},
    record::UserId,
    store::{Batch, Store, StoreFault, Write},
};

use super::{Fresh, RUNTIME, run, settings};
use crate::PostgresStore;

fn second(fresh: &Fresh) -> PostgresStore {
    run(PostgresStore::open(&settings(&fresh.server))).unwrap()
}

fn expecting(versions: &[(u8, u64)], writes: Vec<Write>) -> Batch {
    Batch {
        expect: versions.iter().map(|(n, version)| (wallet_id(*n), *version)).collect(),
        writes,
    }
}

#[test]
fn s07_of_two_servers_on_one_version_one_wins_and_the_other_changes_nothing() {
    let fresh = Fresh::new();
    run(populate(&*fresh));
    let other = second(&fresh);
    for version in 1..=40 {
        // What each would spend fits the limit; both together would not.
        let spend = |who: u64| {
            expecting(
                &[(1, version)],
                vec![
                    Write::PutCharge(charge(1, u8::try_from(version).unwrap(), version * 2 + who)),
                    Write::Audit(audit(1, version)),
                    Write::RaiseCounter("won", version * 2 + who),
                ],
            )
        };
        let (one, two) = run(async {
            let (one, two) = (fresh.store.clone(), other.clone());
            let (first, second) = (spend(0), spend(1));
            let one = RUNTIME.spawn(async move { one.commit(first).await });
            let two = RUNTIME.spawn(async move { two.commit(second).await });
            let (one, two) = join(one, two).await;
            (one.unwrap(), two.unwrap())
        });
        let won = match (&one, &two) {
            (Ok(()), Err(StoreFault::Conflict(id))) if *id == wallet_id(1) => 0,
            (Err(StoreFault::Conflict(id)), Ok(())) if *id == wallet_id(1) => 1,
            both => panic!("version {version}: {both:?}"),
        };
        assert_eq!(run(other.counter("won")).unwrap(), version * 2 + won);
        let charged = run(fresh.charges(wallet_id(1), vec![outpoint(u8::try_from(version).unwrap())])).unwrap();
        assert_eq!(charged.first().map(|group| group.amount), Some(version * 2 + won));
        // What one has acknowledged, the other reads at once.
        assert_eq!(run(other.wallet(wallet_id(1))).unwrap().unwrap().version, version + 1);
    }
}

#[test]
fn s07_where_there_is_room_for_one_device_two_servers_let_in_one() {
    let fresh = Fresh::new();
    run(populate(&*fresh));
    let (other, user) = (second(&fresh), UserId([1; 16]));
    for round in 1..=20 {
        let join_as = |n: u8| {
            let room = Write::RoomForDevice {
                user,
                most: round,
                since: 0,
                lately: u32::MAX,
            };
            expecting(&[], vec![room, Write::AddDevice(device(n, 1))])
        };
        let n = 100 + 2 * u8::try_from(round).unwrap();
        let (one, two) = run(async {
            let (one, two) = (fresh.store.clone(), other.clone());
            let (first, second) = (join_as(n), join_as(n + 1));
            let one = RUNTIME.spawn(async move { one.commit(first).await });
            let two = RUNTIME.spawn(async move { two.commit(second).await });
            let (one, two) = join(one, two).await;
            (one.unwrap(), two.unwrap())
        });
        assert!(one.is_ok() != two.is_ok(), "round {round}: {one:?} {two:?}");
        assert_eq!(run(other.device_count(user)).unwrap(), round);
    }
}

#[test]
fn s07_batches_that_hold_two_wallets_crosswise_end_with_one_winner() {
    let fresh = Fresh::new();
    run(populate(&*fresh));
    let other = second(&fresh);
    for version in 1..=15 {
        let (one, two) = run(async {
            let (one, two) = (fresh.store.clone(), other.clone());
            let forth = expecting(&[(1, version), (2, version)], vec![Write::Audit(audit(1, version))]);
            let back = expecting(&[(2, version), (1, version)], vec![Write::Audit(audit(1, version))]);
            let one = RUNTIME.spawn(async move { one.commit(forth).await });
            let two = RUNTIME.spawn(async move { two.commit(back).await });
            let (one, two) = timeout(Duration::from_secs(60), join(one, two)).await.unwrap();
            (one.unwrap(), two.unwrap())
        });
        assert!(
            matches!(
                (&one, &two),
                (Ok(()), Err(StoreFault::Conflict(_))) | (Err(StoreFault::Conflict(_)), Ok(()))
            ),
            "version {version}: {one:?}, {two:?}"
        );
    }
}

#[test]
fn two_servers_that_count_at_once_count_each_once() {
    let fresh = Fresh::new();
    run(put(&*fresh, [Write::AddUser(user(1)), Write::AddWallet(wallet(1, 1))]));
    let stores = [fresh.store.clone(), second(&fresh)];
    let counting = (0..20_u8).map(|n| {
        let store = stores[usize::from(n % 2)].clone();
        RUNTIME.spawn(async move {
            let writes = vec![
                Write::AddWallet(wallet(100 + n, 1)),
                Write::PutTransaction(transaction(1, n)),
            ];
            let expect = Vec::new();
            store.commit(Batch { expect, writes }).await
        })
    });
    let counting: Vec<_> = counting.collect();
    for (n, counted) in counting.into_iter().enumerate() {
        run(counted)
            .unwrap()
            .unwrap_or_else(|fault| panic!("batch {n}: {fault}"));
    }
    assert_eq!(run(fresh.wallets_of(user(1).id, None, 100)).unwrap().len(), 21);
    let cursors = run(fresh.transactions(wallet_id(1), 0, 100)).unwrap();
    let cursors: Vec<u64> = cursors.iter().map(|transaction| transaction.cursor).collect();
    assert_eq!(cursors, (1..=20).collect::<Vec<_>>());
}
