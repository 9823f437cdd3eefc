//! A process that writes is killed, over and over; what it acknowledged must be there, and the rest whole or absent.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod child;
#[cfg(feature = "failpoints")]
mod sealing;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use child::{DIRECTORY, KILL_AT, WALLETS, charged, outpoint_of, reply_of};
use futures::executor::block_on;
use tempfile::TempDir;
use twofold_cosigner::port::{
    conformance::sample::{audit, wallet_id},
    store::Store,
};
use twofold_store::SqliteStore;
use twofold_threshold::id::DeviceId;

/// Numbers from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Starts the writing process, which is this test binary again.
fn start(directory: &Path, kill_at: Option<&str>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child::writes_until_killed", "--exact", "--ignored", "--nocapture"]);
    command
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(kill_at) = kill_at {
        command.env(KILL_AT, kill_at);
    }
    command.spawn().unwrap()
}

/// Reads acknowledgements until the process is dead; after `enough` of them, waits `grace` and kills it.
fn acknowledged(mut child: Child, enough: u64, grace: Duration) -> BTreeMap<u8, u64> {
    let mut newest = BTreeMap::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let mut count = 0;
    let mut note = |line: String| {
        if let Some((wallet, seq)) = line.strip_prefix("done ").and_then(|rest| rest.split_once(' ')) {
            newest.insert(wallet.parse().unwrap(), seq.parse().unwrap());
            return 1;
        }
        0
    };
    while count < enough {
        let Some(line) = lines.next() else { break };
        count += note(line);
    }
    thread::sleep(grace);
    // It may have been killed by a failpoint already.
    let _ = child.kill();
    lines.for_each(|line| {
        note(line);
    });
    assert!(!child.wait().unwrap().success(), "it ends only by being killed");
    newest
}

/// Checks that wallets hold what was acknowledged, and nothing by halves.
///
/// A write that was stored and not acknowledged is there for good: the next process goes on from it.
fn check(directory: &Path, newest: &mut BTreeMap<u8, u64>, told: &str) {
    let store = SqliteStore::open(directory).unwrap();
    block_on(async {
        for n in 0..WALLETS {
            let known = newest.get(&n).copied().unwrap_or(0);
            let Some(wallet) = store.wallet(wallet_id(n)).await.unwrap() else {
                assert_eq!(known, 0, "{told}: wallet {n} is lost");
                continue;
            };
            let last = wallet.version - 1;
            assert!(
                last == known || last == known + 1,
                "{told}: wallet {n} has {last}, acknowledged was {known}"
            );
            newest.insert(n, last);
            let chain = store.audit(wallet_id(n), 1, u32::MAX).await.unwrap();
            assert_eq!(
                chain,
                (1..=last).map(|seq| audit(n, seq)).collect::<Vec<_>>(),
                "{told}: wallet {n}"
            );
            assert_eq!(wallet.state, last.to_be_bytes(), "{told}: wallet {n}");
            let charges = store.charges(wallet_id(n), vec![outpoint_of(n)]).await.unwrap();
            assert_eq!(
                charges.first().map(|group| group.amount),
                (last > 0).then_some(charged(last)),
                "{told}: {n}"
            );
            for seq in 1..=last + 1 {
                let reply = reply_of(n, seq);
                let found = store.replay(DeviceId([n; 32]), reply.nonce).await.unwrap();
                assert_eq!(found, (seq <= last).then_some(reply), "{told}: wallet {n}, reply {seq}");
            }
        }
    });
}

#[test]
fn s01_every_acknowledged_write_survives_kill_9_at_any_moment() {
    let mut all = 0;
    for seed in 0..100 {
        let mut dice = Dice(seed);
        let directory = TempDir::new().unwrap();
        let mut newest = BTreeMap::new();
        for round in 0..=dice.below(2) {
            let child = start(directory.path(), None);
            let (enough, grace) = (dice.below(60), Duration::from_micros(dice.below(3000)));
            newest.extend(acknowledged(child, enough, grace));
            check(directory.path(), &mut newest, &format!("seed {seed}, round {round}"));
        }
        all += newest.values().sum::<u64>();
    }
    assert!(all > 1000, "only {all} writes were acknowledged in all");
}

#[test]
#[cfg(feature = "failpoints")]
fn s01_every_acknowledged_write_survives_kill_9_at_every_failpoint() {
    let places = [
        "store-begun",
        "store-applied",
        "store-before-commit",
        "store-committed",
        "store-answered",
    ];
    for place in places {
        for seed in 0..20 {
            let mut dice = Dice(seed);
            let directory = TempDir::new().unwrap();
            let kill_at = format!("{place}:{}", 1 + dice.below(40));
            let child = start(directory.path(), Some(&kill_at));
            let mut newest = acknowledged(child, u64::MAX, Duration::ZERO);
            check(directory.path(), &mut newest, &kill_at);
        }
    }
}
