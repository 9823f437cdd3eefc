//! The process that gets killed: writes to several wallets at once, and says what was acknowledged.

use std::{io::Write as _, path::Path, thread};

use futures::executor::block_on;
use twofold_cosigner::port::{
    conformance::sample::{audit, charge, replay, user, wallet, wallet_id},
    record::{ChargeGroup, Replay, Wallet},
    store::{Batch, Store, Write},
};
use twofold_store::SqliteStore;

pub(crate) const DIRECTORY: &str = "TWOFOLD_CRASH_DIRECTORY";
pub(crate) const KILL_AT: &str = "TWOFOLD_CRASH_KILL_AT";
pub(crate) const WALLETS: u8 = 6;

/// What a wallet is charged after so many spends.
pub(crate) fn charged(seq: u64) -> u64 {
    seq * 1000
}

pub(crate) fn outpoint_of(n: u8) -> [u8; 36] {
    [n; 36]
}

pub(crate) fn reply_of(n: u8, seq: u64) -> Replay {
    let mut nonce = [n; 16];
    nonce[..8].copy_from_slice(&seq.to_be_bytes());
    Replay {
        nonce,
        ..replay(n, 0, 1_900_000_000)
    }
}

/// Everything that one signature writes.
fn spend(n: u8, seq: u64) -> Batch {
    let state = seq.to_be_bytes().to_vec();
    let writes = vec![
        Write::UpdateWallet(Wallet { state, ..wallet(n, n) }),
        Write::Audit(audit(n, seq)),
        Write::PutCharge(ChargeGroup {
            amount: charged(seq),
            ..charge(n, n, 0)
        }),
        Write::AddReplay(reply_of(n, seq)),
    ];
    Batch {
        expect: vec![(wallet_id(n), seq)],
        writes,
    }
}

fn write_for_ever(store: &SqliteStore, n: u8) {
    let first = block_on(store.wallet(wallet_id(n)))
        .unwrap()
        .map(|wallet| wallet.version);
    if first.is_none() {
        let state = 0_u64.to_be_bytes().to_vec();
        let writes = vec![
            Write::AddUser(user(n)),
            Write::AddWallet(Wallet { state, ..wallet(n, n) }),
        ];
        block_on(store.commit(Batch {
            expect: Vec::new(),
            writes,
        }))
        .unwrap();
    }
    for seq in first.unwrap_or(1).. {
        block_on(store.commit(spend(n, seq))).unwrap();
        // One write, so that no line is torn.
        std::io::stdout()
            .write_all(format!("done {n} {seq}\n").as_bytes())
            .unwrap();
    }
}

#[cfg(feature = "failpoints")]
fn kill_at(place: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};

    let (name, count) = place.split_once(':').unwrap();
    let left = AtomicU64::new(count.parse().unwrap());
    fail::cfg_callback(name, move || {
        if left.fetch_sub(1, Ordering::SeqCst) == 1 {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
            // The signal may take a moment, and nothing may be written past this place meanwhile.
            loop {
                thread::park();
            }
        }
    })
    .unwrap();
}

#[cfg(not(feature = "failpoints"))]
fn kill_at(_place: &str) {
    unreachable!("only asked for with failpoints");
}

#[test]
#[ignore = "writes until it is killed by the tests that start it"]
fn writes_until_killed() {
    let directory = std::env::var(DIRECTORY).unwrap();
    if let Ok(place) = std::env::var(KILL_AT) {
        kill_at(&place);
    }
    let store = SqliteStore::open(Path::new(&directory)).unwrap();
    thread::scope(|scope| {
        for n in 0..WALLETS {
            let store = &store;
            scope.spawn(move || write_for_ever(store, n));
        }
    });
}
