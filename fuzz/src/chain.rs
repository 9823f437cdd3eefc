//! What a node answers, over a real connection to the real adapter, or an Electrum server (`electrum`); and what the follower
//! makes of it.
//!
//! The first byte chooses what is asked. The rest is the node's script: a line for each answer, as the `result` of the
//! call; one that starts with `!` is the whole body of the HTTP reply instead, one that starts with `-` is an error.

mod electrum;

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::constants::genesis_block;
use bitcoin::hashes::Hash as _;
use bitcoin::{Amount, Block, BlockHash, Network, Transaction, TxOut, Txid};
use tokio::runtime::{Builder, Runtime};
use twofold_chain::bitcoind::{Bitcoind, Config, Credentials};
use twofold_cosigner::follow::{FollowFault, Follower};
use twofold_cosigner::port::chain::{Blocks, Chain, ChainFault};
use twofold_cosigner::port::conformance::sample;
use twofold_cosigner::port::record::{Script, Wallet};
use twofold_cosigner::port::store::{Batch, Store, Write as Row};
use twofold_cosigner::testing::MemoryStore;
use twofold_threshold::id::WalletId;

use crate::parties::HONEST;
use crate::{Seed, Target, choice, seed};

pub(crate) const TARGET: Target = Target {
    name: "chain",
    run,
    stages: &[
        "nothing",
        "unavailable",
        "beyond",
        "missing",
        "refused",
        "best",
        "hash",
        "header",
        "block",
        "mempool",
        "no transaction",
        "transaction",
        "sent",
        "estimate",
        "no estimate",
        "minimum",
        "followed: node",
        "followed: no work",
        "followed: another chain",
        "followed",
        electrum::STAGES[0],
        electrum::STAGES[1],
        electrum::STAGES[2],
        electrum::STAGES[3],
        electrum::STAGES[4],
        electrum::STAGES[5],
        electrum::STAGES[6],
        electrum::STAGES[7],
        electrum::STAGES[8],
        electrum::STAGES[9],
        electrum::STAGES[10],
        electrum::STAGES[11],
        electrum::STAGES[12],
        electrum::STAGES[13],
    ],
    seeds,
};

/// What the node will say, line by line.
static SCRIPT: Mutex<VecDeque<Vec<u8>>> = Mutex::new(VecDeque::new());
/// One run at a time: the node has one script.
static TURN: Mutex<()> = Mutex::new(());
/// Longer than any honest answer takes here; a call that is to be repeated costs this much.
const DEADLINE: Duration = Duration::from_millis(60);
/// Steps of the follower in one run.
const STEPS: usize = 12;
/// An output key that the store watches.
const WATCHED: [u8; 32] = [7; 32];

static NODE: LazyLock<SocketAddr> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    address
});

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));

fn serve(mut stream: TcpStream) {
    let mut read = Vec::new();
    let mut piece = [0; 16 * 1024];
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        read.extend_from_slice(&piece[..length]);
        let Some(id) = asked(&read) else {
            continue;
        };
        read.clear();
        let line = say();
        let body = match line.as_deref() {
            Some([b'!', body @ ..]) => body.to_vec(),
            Some([b'-', code @ ..]) => {
                let error = [br#"{"code":-"#, code, br#","message":"no"}"#].concat();
                [br#"{"result":null,"error":"#, error.as_slice(), br#","id":"#, &id, b"}"].concat()
            }
            Some(result) => [br#"{"result":"#, result, br#","error":null,"id":"#, &id, b"}"].concat(),
            None => [
                br#"{"error":{"code":-32601,"message":"the script is over"},"id":"#,
                id.as_slice(),
                b"}",
            ]
            .concat(),
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        if stream.write_all(&[head.as_bytes(), &body].concat()).is_err() {
            return;
        }
    }
}

/// What is to be said next.
fn say() -> Option<Vec<u8>> {
    SCRIPT.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

/// The id of a request that is there whole.
fn asked(read: &[u8]) -> Option<Vec<u8>> {
    let end = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
    let length: usize = head
        .split("content-length: ")
        .nth(1)?
        .lines()
        .next()?
        .trim()
        .parse()
        .ok()?;
    let body = read.get(end..end + length)?;
    let at = body.windows(5).position(|five| five == b"\"id\":")? + 5;
    Some(body[at..].iter().copied().take_while(u8::is_ascii_digit).collect())
}

fn run(input: &[u8]) -> &'static str {
    let Some((call, script)) = choice(input) else {
        return "nothing";
    };
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let lines: VecDeque<Vec<u8>> = script.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let first = lines.front().cloned().unwrap_or_default();
    *SCRIPT.lock().unwrap_or_else(PoisonError::into_inner) = lines;
    let end = match (call % 20).checked_sub(electrum::FIRST) {
        Some(call) => RUNTIME.block_on(electrum::ask(call, &first)),
        None => RUNTIME.block_on(ask(call, &first)),
    };
    drop(turn);
    end
}

fn node() -> Bitcoind {
    let config = Config {
        deadline: DEADLINE,
        ..Config::new(
            format!("http://{}", *NODE),
            Credentials::UserPassword {
                user: "fuzz".into(),
                password: "fuzz".into(),
            },
        )
    };
    Bitcoind::new(config).expect("an address")
}

/// The first line as something in hex.
fn in_line<T: bitcoin::consensus::Decodable>(line: &[u8]) -> Option<T> {
    deserialize_hex(std::str::from_utf8(line).ok()?.trim().trim_matches('"')).ok()
}

async fn ask(call: usize, first: &[u8]) -> &'static str {
    let node = node();
    // What is asked for is what the answer holds, so that an answer can be the right one.
    let block = in_line::<Block>(first);
    let header = in_line::<bitcoin::block::Header>(first);
    let hash = block
        .map(|block| block.header)
        .or(header)
        .map_or(BlockHash::all_zeros(), |header| header.block_hash());
    let transaction = in_line::<Transaction>(first);
    let txid = transaction
        .as_ref()
        .map_or(Txid::all_zeros(), Transaction::compute_txid);
    match call % 20 {
        0 => end(node.best().await, |_| "best"),
        1 => end(node.hash_at(5).await, |_| "hash"),
        2 => end(node.header(hash).await, |found| {
            assert_eq!(found.block_hash(), hash);
            "header"
        }),
        3 => end(node.block(hash).await, |found| {
            assert!(found.block_hash() == hash && found.check_merkle_root());
            "block"
        }),
        4 => end(node.mempool().await, |_| "mempool"),
        5 => end(node.mempool_transaction(txid).await, |found| match found {
            Some(found) => {
                assert_eq!(found.compute_txid(), txid);
                "transaction"
            }
            None => "no transaction",
        }),
        6 => {
            let sent = genesis_block(Network::Regtest).txdata.remove(0);
            end(node.broadcast(&sent).await, |txid| {
                assert_eq!(txid, sent.compute_txid());
                "sent"
            })
        }
        7 => end(node.estimate(6).await, |rate| match rate {
            Some(rate) => {
                assert!(rate <= Amount::MAX.to_sat());
                "estimate"
            }
            None => "no estimate",
        }),
        8 => end(node.minimum_rate().await, |_| "minimum"),
        _ => follow(&node).await,
    }
}

fn end<T>(answer: Result<T, ChainFault>, taken: impl FnOnce(T) -> &'static str) -> &'static str {
    match answer {
        Ok(answer) => taken(answer),
        Err(ChainFault::Beyond(_)) => "beyond",
        Err(ChainFault::Missing(_)) => "missing",
        Err(ChainFault::Refused(why)) => {
            assert!(!why.chars().any(char::is_control) && why.chars().count() <= 300);
            "refused"
        }
        Err(_) => "unavailable",
    }
}

/// A store with a wallet whose one script is watched.
async fn watching() -> (MemoryStore, WalletId) {
    let store = MemoryStore::new();
    let wallet = Wallet {
        public: Some(HONEST.made.public.to_bytes()),
        ..sample::wallet(1, 1)
    };
    let id = wallet.id;
    let script = Script {
        output_key: WATCHED,
        wallet: id,
        keychain: 0,
        index: 0,
    };
    let rows = Batch {
        expect: Vec::new(),
        writes: vec![
            Row::AddUser(sample::user(1)),
            Row::AddWallet(wallet),
            Row::AddScripts(vec![script]),
        ],
    };
    store.commit(rows).await.expect("commits");
    (store, id)
}

/// Follows the node, and holds what is stored against the blocks it came from.
async fn follow(node: &Bitcoind) -> &'static str {
    let (store, _) = watching().await;
    let mut follower = Follower::new(twofold_cosigner::Config::new(Network::Regtest));
    let mut read = "followed: node";
    for _ in 0..STEPS {
        match follower.step(&store, node, 1_800_000_000).await {
            Ok(progress) => {
                let tip = store.tip().await.expect("reads");
                assert!(
                    tip.is_none_or(|tip| tip.height == progress.height),
                    "the tip is another"
                );
                read = "followed";
            }
            Err(FollowFault::Chain(_) | FollowFault::Pruned { .. }) => break,
            Err(FollowFault::NoWork(_)) => return "followed: no work",
            Err(FollowFault::AnotherChain { .. }) => return "followed: another chain",
            Err(fault) => panic!("the store is in memory: {fault}"),
        }
    }
    linked(&store).await;
    read
}

/// The stored blocks follow each other.
async fn linked(store: &MemoryStore) {
    let blocks = store.blocks(0, 1_000).await.expect("reads");
    for pair in blocks.windows(2) {
        let header: bitcoin::block::Header = bitcoin::consensus::deserialize(&pair[1].header).expect("a header");
        assert_eq!(pair[0].height + 1, pair[1].height);
        assert_eq!(header.prev_blockhash.to_byte_array(), pair[0].hash);
    }
}

/// A block after another one, paying what is watched.
fn next_block(after: BlockHash) -> Block {
    let genesis = genesis_block(Network::Regtest);
    let mut coinbase = genesis.txdata[0].clone();
    let script_pubkey = [&[0x51, 32], WATCHED.as_slice()].concat().into();
    coinbase.output = vec![TxOut {
        value: Amount::from_sat(5_000),
        script_pubkey,
    }];
    let mut block = Block {
        header: genesis.header,
        txdata: vec![coinbase],
    };
    block.header.prev_blockhash = after;
    block.header.merkle_root = block.compute_merkle_root().expect("a transaction");
    block.header.time += 600;
    while !block.header.target().is_met_by(block.block_hash()) {
        block.header.nonce += 1;
    }
    block
}

fn seeds() -> Vec<Seed> {
    let genesis = genesis_block(Network::Regtest);
    let next = next_block(genesis.block_hash());
    let info = |height: u32, hash: BlockHash| {
        format!(r#"{{"chain":"regtest","blocks":{height},"bestblockhash":"{hash}","pruneheight":0}}"#)
    };
    let quoted = |text: &dyn std::fmt::Display| format!("\"{text}\"");
    let (zero, one) = (genesis.block_hash(), next.block_hash());
    let in_hex = |block: &Block| quoted(&serialize_hex(block));
    let txid = next.txdata[0].compute_txid();
    let transaction = quoted(&serialize_hex(&next.txdata[0]));
    let lazy = Block {
        header: bitcoin::block::Header {
            bits: bitcoin::CompactTarget::from_consensus(0x1d00_ffff),
            ..next.header
        },
        txdata: next.txdata.clone(),
    };
    let other = next_block(BlockHash::all_zeros());
    // Begins with the genesis block, reads the next one, looks at the mempool and at what was asked for.
    let chain = |second: &Block| {
        [
            info(1, second.block_hash()),
            info(1, second.block_hash()),
            quoted(&zero),
            in_hex(&genesis),
            info(1, second.block_hash()),
            quoted(&second.block_hash()),
            in_hex(second),
        ]
        .join("\n")
    };
    let mempool = [
        chain(&next),
        info(1, one),
        format!("[\"{txid}\"]"),
        transaction.clone(),
        info(1, one),
    ]
    .join("\n");
    let cases: [(&str, usize, String); 24] = [
        ("best", 0, info(1, one)),
        ("best-garbled", 0, r#"{"blocks":-5}"#.into()),
        ("raw", 0, "![[[[".into()),
        ("another-id", 0, r#"!{"id":99,"result":{}}"#.into()),
        ("hash", 1, quoted(&one)),
        ("hash-beyond", 1, "-8".into()),
        ("header", 2, quoted(&serialize_hex(&next.header))),
        ("header-unknown", 2, "-5".into()),
        ("block", 3, in_hex(&next)),
        ("block-cut", 3, quoted(&&serialize_hex(&next)[..200])),
        ("mempool", 4, format!("[\"{txid}\"]")),
        ("transaction", 5, transaction),
        ("no-transaction", 5, "-5".into()),
        ("sent", 6, quoted(&genesis.txdata[0].compute_txid())),
        ("mined-already", 6, "-27".into()),
        ("refused", 6, "-26\n-5".into()),
        ("estimate", 7, r#"{"feerate":0.00012,"blocks":6}"#.into()),
        ("no-estimate", 7, r#"{"errors":["none"],"blocks":6}"#.into()),
        ("wild-estimate", 7, r#"{"feerate":1e300}"#.into()),
        (
            "minimum",
            8,
            r#"{"mempoolminfee":0.00001,"minrelaytxfee":0.000001}"#.into(),
        ),
        ("follow", 9, mempool),
        ("follow-nobody", 9, "-1".into()),
        ("follow-no-work", 9, chain(&lazy)),
        (
            "follow-another-chain",
            9,
            format!("{}\n{}\n{}", chain(&other), quoted(&one), quoted(&one)),
        ),
    ];
    let mut seeds = vec![("nothing".into(), Vec::new())];
    seeds.extend(
        cases
            .into_iter()
            .map(|(name, case, text)| seed(name, case, text.as_bytes())),
    );
    seeds.extend(electrum::seeds());
    seeds
}
