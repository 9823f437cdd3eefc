//! A peer that is no node, or lies.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use bitcoin::{BlockHash, Txid, hashes::Hash};
use twofold_cosigner::port::chain::{Blocks, Chain, ChainFault};

use super::{client, password};

/// Answers each request on a connection with what `answer` makes of its id, then hangs up.
fn peer(answer: impl Fn(u64) -> Vec<u8> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), Arc::clone(&answer));
            thread::spawn(move || {
                let id = read_id(&mut stream);
                let _ = stream.write_all(&answer(id));
            });
        }
    });
    address
}

fn read_id(stream: &mut TcpStream) -> u64 {
    let mut read = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&read);
        if let (Some(at), true) = (text.find("\"id\":"), text.ends_with('}')) {
            let digits = text[at + 5..].chars().take_while(char::is_ascii_digit);
            return digits.collect::<String>().parse().unwrap();
        }
        match stream.read(&mut piece).unwrap() {
            0 => return 0,
            length => read.extend_from_slice(&piece[..length]),
        }
    }
}

fn http(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn result(id: u64, result: &str) -> Vec<u8> {
    http("200 OK", &format!(r#"{{"jsonrpc":"2.0","result":{result},"id":{id}}}"#))
}

/// What a good node answers to `getblockchaininfo`.
const INFO: &str = r#"{"chain":"regtest","blocks":5,"bestblockhash":"0000000000000000000000000000000000000000000000000000000000000001"}"#;

#[tokio::test]
async fn c04_garbage_is_an_error_and_not_a_panic() {
    type Answer = fn(u64) -> Vec<u8>;
    let cases: [(&str, Answer); 13] = [
        ("nothing", |_| Vec::new()),
        ("no HTTP", |_| b"SSH-2.0-OpenSSH_9.2p1\r\n".to_vec()),
        ("zero bytes", |_| vec![0; 100_000]),
        ("a giant line", |_| vec![b'a'; 3_000_000]),
        ("a giant header", |_| {
            [b"HTTP/1.1 200 OK\r\nX: ", &vec![b'a'; 3_000_000][..]].concat()
        }),
        ("a giant body", |_| http("200 OK", &"a".repeat(3_000_000))),
        ("a promise of much", |_| {
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n[".to_vec()
        }),
        ("a page", |_| http("200 OK", "<html>hello</html>")),
        ("an empty body", |_| http("500 Internal Server Error", "")),
        ("deep nesting", |_| http("200 OK", &"[".repeat(50_000))),
        ("another id", |id| result(id + 1, INFO)),
        ("no id", |_| http("200 OK", &format!(r#"{{"result":{INFO}}}"#))),
        ("another shape", |id| {
            result(id, r#"{"blocks":-5,"bestblockhash":"zz"}"#)
        }),
    ];
    for (name, answer) in cases {
        let chain = client(peer(answer), password(), 500);
        let answer = tokio::time::timeout(Duration::from_secs(5), chain.best())
            .await
            .unwrap();
        assert!(matches!(answer, Err(ChainFault::Unavailable(_))), "{name}: {answer:?}");
    }
    let honest = client(peer(|id| result(id, INFO)), password(), 2000);
    assert_eq!(honest.best().await.map(|(height, _)| height), Ok(5));
}

#[tokio::test]
async fn another_block_than_was_asked_for_is_not_taken() {
    let genesis = bitcoin::constants::genesis_block(bitcoin::Network::Regtest);
    let header = bitcoin::consensus::encode::serialize_hex(&genesis.header);
    let block = bitcoin::consensus::encode::serialize_hex(&genesis);
    let other = BlockHash::from_byte_array([1; 32]);
    let chain = client(peer(move |id| result(id, &format!("\"{header}\""))), password(), 2000);
    assert!(matches!(chain.header(other).await, Err(ChainFault::Unavailable(_))));
    assert!(chain.header(genesis.block_hash()).await.is_ok());

    // The right header over other transactions.
    let swapped = block.clone().replace("5468652054696d6573", "5468652054696d6574");
    assert_ne!(swapped, block);
    let chain = client(peer(move |id| result(id, &format!("\"{swapped}\""))), password(), 2000);
    assert!(matches!(
        chain.block(genesis.block_hash()).await,
        Err(ChainFault::Unavailable(_))
    ));
    let chain = client(peer(move |id| result(id, &format!("\"{block}\""))), password(), 2000);
    assert!(chain.block(genesis.block_hash()).await.is_ok());

    let cut = client(peer(|id| result(id, "\"0200\"")), password(), 2000);
    assert!(matches!(
        cut.mempool_transaction(Txid::all_zeros()).await,
        Err(ChainFault::Unavailable(_))
    ));
}

#[tokio::test]
async fn c07_a_nonsensical_estimate_is_none_and_a_wild_one_is_passed_on_for_clamping() {
    for (said, expected) in [
        (r#"{"errors":["Insufficient data"],"blocks":0}"#, None),
        (r#"{"feerate":-1,"blocks":6}"#, None),
        (r#"{"feerate":-0.00001,"blocks":6}"#, None),
        (r#"{"feerate":1e300,"blocks":6}"#, None),
        (r#"{"feerate":null,"blocks":6}"#, None),
        (r#"{"feerate":0,"blocks":6}"#, Some(0)),
        (r#"{"feerate":0.00001234,"blocks":6}"#, Some(1234)),
        (r#"{"feerate":1000,"blocks":6}"#, Some(100_000_000_000)),
    ] {
        let chain = client(peer(move |id| result(id, said)), password(), 2000);
        assert_eq!(chain.estimate(6).await.unwrap(), expected, "{said}");
    }
}

#[tokio::test]
async fn c03_one_caller_who_waits_holds_up_no_other() {
    let first = Arc::new(Mutex::new(true));
    let hash = "00".repeat(32);
    let address = peer(move |id| {
        if std::mem::take(&mut *first.lock().unwrap()) {
            thread::sleep(Duration::from_secs(3));
        }
        result(id, &format!("\"{hash}\""))
    });
    let chain = Arc::new(client(address, password(), 10_000));
    let slow = tokio::spawn({
        let chain = Arc::clone(&chain);
        async move { chain.hash_at(1).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    tokio::time::timeout(Duration::from_secs(1), chain.hash_at(2))
        .await
        .unwrap()
        .unwrap();
    assert!(!slow.is_finished());
    slow.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_busy_node_is_asked_again_and_a_forbidding_one_is_not() {
    let busy = Arc::new(Mutex::new(2));
    let address = peer(move |id| {
        let mut busy = busy.lock().unwrap();
        if *busy > 0 {
            *busy -= 1;
            return http("503 Service Unavailable", "Work queue depth exceeded");
        }
        result(
            id,
            r#"["0000000000000000000000000000000000000000000000000000000000000001"]"#,
        )
    });
    let chain = client(address, password(), 5000);
    assert_eq!(chain.mempool().await.unwrap().len(), 1);
    assert_eq!(chain.requests(), 3);

    let chain = client(peer(|_| http("403 Forbidden", "")), password(), 5000);
    assert!(chain.mempool().await.is_err());
    assert_eq!(chain.requests(), 1);
}

#[tokio::test]
async fn a_nodes_refusal_is_one_tidy_line() {
    let said = r#"{"code":-26,"message":"min relay fee\nnot met 1 < 2"}"#;
    let answer = move |id| {
        http(
            "500 Internal Server Error",
            &format!(r#"{{"result":null,"error":{said},"id":{id}}}"#),
        )
    };
    let chain = client(peer(answer), password(), 2000);
    let answer = chain.best().await;
    let expected = "error -26: min relay fee not met 1 < 2";
    assert_eq!(answer, Err(ChainFault::Unavailable(expected.to_owned())));
}
