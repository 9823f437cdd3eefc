use std::{sync::Barrier, thread};

use futures::{FutureExt, executor::block_on, future::join_all};
use twofold_cosigner::port::{
    conformance::sample::{audit, populate, put, user, wallet, wallet_id},
    store::{Batch, Store, StoreFault, Write},
};

use super::Fresh;

#[test]
fn each_acknowledged_batch_of_many_wallets_at_once_is_there() {
    let fresh = Fresh::new();
    block_on(async {
        put(&*fresh, [Write::AddUser(user(1))]).await;
        put(&*fresh, (0..16).map(|n| Write::AddWallet(wallet(n, 1)))).await;
    });
    let start = Barrier::new(16);
    thread::scope(|scope| {
        for n in 0..16 {
            let (store, start) = (&fresh.store, &start);
            scope.spawn(move || {
                start.wait();
                for seq in 1..=50 {
                    let batch = Batch {
                        expect: vec![(wallet_id(n), seq)],
                        writes: vec![Write::Audit(audit(n, seq))],
                    };
                    block_on(store.commit(batch)).unwrap();
                    // What was acknowledged is read at once, by any reader.
                    assert_eq!(block_on(store.audit(wallet_id(n), seq, 1)).unwrap(), [audit(n, seq)]);
                }
            });
        }
    });
    for n in 0..16 {
        assert_eq!(block_on(fresh.audit(wallet_id(n), 1, 100)).unwrap().len(), 50);
        assert_eq!(block_on(fresh.wallet(wallet_id(n))).unwrap().unwrap().version, 51);
    }
}

#[test]
fn of_many_batches_on_one_version_one_wins_and_the_others_change_nothing() {
    let fresh = Fresh::new();
    block_on(populate(&*fresh));
    for version in 1..=20 {
        let results = block_on(join_all((0..30).map(|n| {
            let writes = vec![
                Write::RaiseCounter("won", version * 100 + n),
                Write::Audit(audit(1, version * 100 + n)),
            ];
            fresh.commit(Batch {
                expect: vec![(wallet_id(1), version)],
                writes,
            })
        })));
        let won: Vec<_> = (0..30).filter(|n| results[*n].is_ok()).collect();
        let [winner] = won[..] else {
            panic!("{} batches won", won.len())
        };
        for (n, result) in results.iter().enumerate().filter(|(n, _)| *n != winner) {
            assert!(matches!(result, Err(StoreFault::Conflict(_))), "batch {n}: {result:?}");
        }
        let expected = version * 100 + u64::try_from(winner).unwrap();
        assert_eq!(block_on(fresh.counter("won")).unwrap(), expected);
        assert_eq!(
            block_on(fresh.audit(wallet_id(1), version * 100, 100)).unwrap(),
            [audit(1, expected)]
        );
    }
}

#[test]
fn a_batch_that_fails_takes_none_of_its_group_along() {
    let fresh = Fresh::new();
    block_on(populate(&*fresh));
    let results = block_on(join_all((0..60).map(|n| {
        // Every third one repeats a number that is there already, after a write that must not stay.
        let seq = if n % 3 == 2 { 1 } else { n + 1 };
        let writes = vec![
            Write::AddUser(user(10 + u8::try_from(n).unwrap())),
            Write::Audit(audit(1, seq)),
        ];
        fresh.commit(Batch {
            expect: Vec::new(),
            writes,
        })
    })));
    for (n, result) in results.iter().enumerate() {
        let n = u8::try_from(n).unwrap();
        let found = block_on(fresh.user("invitation", &format!("{:02x}", 10 + n))).unwrap();
        if n % 3 == 2 {
            assert!(matches!(result, Err(StoreFault::Exists(_))), "batch {n}: {result:?}");
            assert_eq!(found, None, "batch {n}");
        } else {
            assert!(result.is_ok(), "batch {n}: {result:?}");
            assert!(found.is_some(), "batch {n}");
        }
    }
}

#[test]
fn a_full_queue_is_refused_at_once_and_the_rest_is_written() {
    let fresh = Fresh::new();
    // Somebody's shell holds the database, so that nothing leaves the queue.
    let shell = super::raw(fresh.directory.path());
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut waiting = Vec::new();
    let mut refused = None;
    for n in 0..5000 {
        let writes = vec![Write::RaiseCounter("n", n)];
        let mut commit = Box::pin(fresh.commit(Batch {
            expect: Vec::new(),
            writes,
        }));
        match commit.as_mut().now_or_never() {
            None => waiting.push(commit),
            Some(result) => {
                refused = Some(result);
                break;
            }
        }
    }
    assert!(matches!(refused, Some(Err(StoreFault::Unavailable(_)))), "{refused:?}");
    shell.execute_batch("ROLLBACK").unwrap();
    assert!(waiting.len() >= 1024);
    for result in block_on(join_all(waiting)) {
        result.unwrap();
    }
}
