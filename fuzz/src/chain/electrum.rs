//! What an Electrum server answers, over a real connection to the real link; and what the follower makes of it by script.
//!
//! The script is a line for each answer, as the `result` of the call; one that starts with `!` is the whole line that is sent
//! instead, one that starts with `-` is an error in these words. Greeting and pings are answered honestly, but for the best
//! block where that is what is asked for.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::constants::genesis_block;
use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::{Amount, Network, Transaction, Txid};
use tokio::time::{sleep, timeout};
use twofold_chain::electrum::{Config, Electrum, Pace, Trust};
use twofold_cosigner::follow::{FollowFault, Follower};
use twofold_cosigner::port::chain::{Chain, Scripts};
use twofold_cosigner::port::store::Store;

use super::{STEPS, WATCHED, end, in_line, linked, next_block, say, watching};
use crate::{Seed, seed};

/// Where these cases begin among those of the target.
pub(super) const FIRST: usize = 10;

pub(super) const STAGES: [&str; 14] = [
    "server: unavailable",
    "server: best",
    "server: hash",
    "server: headers",
    "server: history",
    "server: transaction",
    "server: no transaction",
    "server: branch",
    "server: sent",
    "server: estimate",
    "server: minimum",
    "server: false header",
    "server: false proof",
    "server: proved",
];

/// Longer than any honest answer takes on a busy machine. Nothing waits for so long but a server that says nothing.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whether the best block comes from the script as well, for as long as that is.
static SCRIPTED_BEST: AtomicBool = AtomicBool::new(false);

static SERVER: LazyLock<SocketAddr> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(&stream));
        }
    });
    address
});

fn serve(stream: &TcpStream) {
    let mut to = stream;
    for call in BufReader::new(stream).lines().map_while(Result::ok) {
        let id: String = call
            .split("\"id\":")
            .nth(1)
            .unwrap_or_default()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        let asks = |method: &str| call.contains(method);
        let line = if asks("\"server.version\"") {
            Some(br#"["fuzz","1.4"]"#.to_vec())
        } else if asks("\"server.ping\"") {
            Some(b"null".to_vec())
        } else if asks("\"blockchain.headers.subscribe\"") {
            let scripted = SCRIPTED_BEST.load(Ordering::SeqCst).then(say).flatten();
            scripted.or_else(|| Some(tip(0, &genesis_block(Network::Regtest).header).into_bytes()))
        } else {
            say()
        };
        let answer = match line.as_deref() {
            Some([b'!', whole @ ..]) => whole.to_vec(),
            Some([b'-', words @ ..]) => {
                let words = String::from_utf8_lossy(words).replace(['"', '\\'], "'");
                format!(r#"{{"id":{id},"error":{{"code":1,"message":"{words}"}}}}"#).into_bytes()
            }
            Some(result) => [format!(r#"{{"id":{id},"result":"#).as_bytes(), result, b"}"].concat(),
            None => format!(r#"{{"id":{id},"error":"the script is over"}}"#).into_bytes(),
        };
        if to.write_all(&[&answer, b"\n".as_slice()].concat()).is_err() {
            return;
        }
    }
}

fn server() -> Electrum {
    let pace = Pace {
        connect: PATIENCE,
        heartbeat: PATIENCE,
        restore: PATIENCE,
        first_pause: Duration::from_millis(2),
        last_pause: Duration::from_millis(10),
        patience: PATIENCE,
    };
    let config = Config {
        deadline: PATIENCE,
        pace,
        ..Config::new(format!("tcp://{}", *SERVER).parse().expect("an address"), Trust::Web)
    };
    Electrum::new(config).expect("no certificates")
}

pub(super) async fn ask(call: usize, first: &[u8]) -> &'static str {
    SCRIPTED_BEST.store([0, 9].contains(&call), Ordering::SeqCst);
    let server = server();
    let transaction = in_line::<Transaction>(first);
    let txid = transaction
        .as_ref()
        .map_or(Txid::all_zeros(), Transaction::compute_txid);
    let taken = match call {
        0 => end(server.best().await, |_| "server: best"),
        1 => end(server.hash_at(5).await, |_| "server: hash"),
        2 => end(server.headers(0).await, |_| "server: headers"),
        3 => end(server.history(WATCHED).await, |told| {
            assert!(told.iter().all(|entry| entry.height != Some(0)));
            "server: history"
        }),
        4 => end(server.transaction(txid).await, |found| match found {
            Some(found) => {
                assert_eq!(found.compute_txid(), txid);
                "server: transaction"
            }
            None => "server: no transaction",
        }),
        5 => end(server.branch(txid, 1).await, |_| "server: branch"),
        6 => {
            let sent = genesis_block(Network::Regtest).txdata.remove(0);
            end(server.broadcast(&sent).await, |txid| {
                assert_eq!(txid, sent.compute_txid());
                "server: sent"
            })
        }
        7 => end(server.estimate(6).await, |rate| {
            assert!(rate.is_none_or(|rate| rate <= Amount::MAX.to_sat()));
            "server: estimate"
        }),
        8 => end(server.minimum_rate().await, |_| "server: minimum"),
        _ => follow(&server).await,
    };
    if taken == "unavailable" {
        "server: unavailable"
    } else {
        taken
    }
}

/// Follows the server by script, and holds what is stored against what it rests on.
async fn follow(server: &Electrum) -> &'static str {
    let (store, wallet) = watching().await;
    let mut follower = Follower::new(twofold_cosigner::Config::new(Network::Regtest));
    let mut read = "unavailable";
    for _ in 0..STEPS {
        match follower.step(&store, server, 1_800_000_000).await {
            Ok(_) | Err(FollowFault::NoHeaders(_) | FollowFault::TooManyScripts) => {}
            Err(FollowFault::Header { .. } | FollowFault::LessWork { .. } | FollowFault::AnotherChain { .. }) => {
                read = "server: false header";
                break;
            }
            Err(FollowFault::FalseProof { .. }) => {
                read = "server: false proof";
                break;
            }
            Err(FollowFault::Chain(_)) => break,
            Err(fault) => panic!("the store is in memory: {fault}"),
        }
        let stored = store.transactions(wallet, 0, 10).await.expect("reads");
        if stored.iter().any(|row| row.block.is_some()) {
            read = "server: proved";
            break;
        }
        if timeout(PATIENCE, all_watched(server)).await.is_err() {
            break;
        }
    }
    linked(&store).await;
    read
}

/// The link has scripts watched beside all else.
async fn all_watched(server: &Electrum) {
    while server.state().restored < server.state().scripts {
        sleep(Duration::from_millis(1)).await;
    }
}

fn tip(height: u32, header: &bitcoin::block::Header) -> String {
    format!(r#"{{"height":{height},"hex":"{}"}}"#, serialize_hex(header))
}

pub(super) fn seeds() -> Vec<Seed> {
    let genesis = genesis_block(Network::Regtest);
    let next = next_block(genesis.block_hash());
    let other = next_block(bitcoin::BlockHash::all_zeros());
    let coinbase = &next.txdata[0];
    let txid = coinbase.compute_txid();
    let history = format!(r#"[{{"tx_hash":"{txid}","height":1}}]"#);
    let status = sha256::Hash::hash(format!("{txid}:1:").as_bytes());
    let raw = format!("\"{}\"", serialize_hex(coinbase));
    let headers = |second: &bitcoin::Block| {
        let hex = serialize_hex(&genesis.header) + &serialize_hex(&second.header);
        format!(r#"{{"count":2,"hex":"{hex}","max":2016}}"#)
    };
    let branch = |place: u32| format!(r#"{{"block_height":1,"merkle":[],"pos":{place}}}"#);
    // The best block, headers to it, a script that has changed, and what happened to it.
    let followed = |second: &bitcoin::Block, place: u32| {
        [
            tip(1, &second.header),
            headers(second),
            format!("\"{status}\""),
            history.clone(),
            raw.clone(),
            branch(place),
        ]
        .join("\n")
    };
    let cases: [(&str, usize, String); 22] = [
        ("server-best", 0, tip(1, &next.header)),
        ("server-best-garbled", 0, r#"{"height":-1,"hex":"00"}"#.into()),
        ("server-raw", 8, "![[[[".into()),
        ("server-another-id", 8, r#"!{"id":99,"result":0.1}"#.into()),
        (
            "server-a-stranger-changed",
            8,
            format!(r#"!{{"method":"blockchain.scripthash.subscribe","params":["{status}",null]}}"#),
        ),
        ("server-hash", 1, format!("\"{}\"", serialize_hex(&next.header))),
        ("server-hash-beyond", 1, "-height out of range".into()),
        ("server-headers", 2, headers(&next)),
        ("server-headers-miscounted", 2, headers(&next).replace("2,", "3,")),
        ("server-history", 3, history.clone()),
        ("server-history-heights", 3, history.replace(":1}", ":-1}")),
        ("server-transaction", 4, raw.clone()),
        (
            "server-no-transaction",
            4,
            "-No such mempool or blockchain transaction".into(),
        ),
        ("server-branch", 5, branch(0)),
        ("server-branch-elsewhere", 5, branch(0).replace(":1,", ":2,")),
        ("server-sent", 6, format!("\"{}\"", genesis.txdata[0].compute_txid())),
        ("server-refused", 6, "-txn-mempool-conflict\n[]\n0.00001".into()),
        ("server-estimate", 7, "0.00012".into()),
        ("server-minimum", 8, "0.00001".into()),
        ("server-follow", 9, followed(&next, 0)),
        ("server-follow-false-header", 9, followed(&other, 0)),
        ("server-follow-false-proof", 9, followed(&next, 1)),
    ];
    cases
        .into_iter()
        .map(|(name, case, text)| seed(name, FIRST + case, text.as_bytes()))
        .collect()
}
