//! Two processes work on one wallet, and one of them is stopped (SIGSTOP) and woken up again, over and over.

#![expect(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write as _},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::Runtime;
use twofold_cosigner::port::{
    conformance::sample::{populate, wallet_id},
    record::AuditEntry,
    store::{Batch, Store, StoreFault, Write},
};
use twofold_store::{PostgresStore, Settings, Tls};
use twofold_testkit::Postgres;

const URL: &str = "TWOFOLD_STOPPED_URL";

fn settings(url: String) -> Settings {
    Settings {
        url,
        password: None,
        tls: Tls::Off,
        connections: 4,
    }
}

/// Reads the wallet and writes what follows from it, as a signature does; its number, where it was acknowledged.
async fn works(store: &PostgresStore, who: &str) -> Option<u64> {
    let wallet = store.wallet(wallet_id(1)).await.ok()??;
    let entry = AuditEntry {
        wallet: wallet_id(1),
        seq: wallet.version,
        entry: who.as_bytes().to_vec(),
        chain: [0; 32],
    };
    let batch = Batch {
        expect: vec![(wallet_id(1), wallet.version)],
        writes: vec![Write::Audit(entry)],
    };
    match store.commit(batch).await {
        Ok(()) => Some(wallet.version),
        Err(StoreFault::Conflict(_) | StoreFault::Unavailable(_)) => None,
        Err(fault) => panic!("{who}: {fault}"),
    }
}

#[test]
#[ignore = "the process that gets stopped"]
fn works_until_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    Runtime::new().unwrap().block_on(async {
        let store = PostgresStore::open(&settings(url)).await.unwrap();
        loop {
            if let Some(done) = works(&store, "child").await {
                // One write, so that no line is torn.
                std::io::stdout()
                    .write_all(format!("done {done}\n").as_bytes())
                    .unwrap();
            }
        }
    });
}

fn start(url: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["works_until_killed", "--exact", "--ignored", "--nocapture"]);
    command.env(URL, url).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn s08_a_server_that_was_stopped_and_wakes_up_writes_nothing_stale() {
    let server = Postgres::start().unwrap();
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(PostgresStore::open(&settings(server.url()))).unwrap();
    runtime.block_on(populate(&store));
    let mut child = start(&server.url());
    let signal = |signal| kill_process(Pid::from_child(&child), signal).unwrap();
    let mut acknowledged = BTreeMap::new();
    for round in 0..8 {
        // Let it get to some place or other in a write.
        std::thread::sleep(Duration::from_millis(300 + round * 7));
        signal(Signal::STOP);
        runtime.block_on(async {
            let mut done = 0;
            while done < 3 {
                if let Some(seq) = works(&store, "parent").await {
                    acknowledged.insert(seq, "parent".to_owned());
                    done += 1;
                }
            }
        });
        signal(Signal::CONT);
    }
    child.kill().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let before = acknowledged.len();
    for line in lines {
        let Some(seq) = line.strip_prefix("done ") else {
            continue;
        };
        let other = acknowledged.insert(seq.parse().unwrap(), "child".to_owned());
        assert_eq!(other, None, "both were told that they wrote {seq}");
    }
    child.wait().unwrap();
    assert!(acknowledged.len() > before, "the child has done nothing");
    let chain = runtime.block_on(store.audit(wallet_id(1), 1, 100_000)).unwrap();
    let written: Vec<u64> = chain.iter().map(|entry| entry.seq).collect();
    let all: Vec<u64> = (1..=u64::try_from(chain.len()).unwrap()).collect();
    assert_eq!(written, all);
    for entry in &chain {
        let who = String::from_utf8_lossy(&entry.entry).into_owned();
        // What was written last before the end may not have been acknowledged.
        if let Some(told) = acknowledged.get(&entry.seq) {
            assert_eq!(*told, who, "entry {}", entry.seq);
        }
    }
    assert!(
        acknowledged.keys().all(|seq| *seq <= chain.len() as u64),
        "an acknowledged write is lost"
    );
    let wallet = runtime.block_on(store.wallet(wallet_id(1))).unwrap().unwrap();
    assert_eq!(wallet.version, chain.len() as u64 + 1);
}
