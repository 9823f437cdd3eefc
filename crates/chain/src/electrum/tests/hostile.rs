//! A server that is none, or lies.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::time::timeout;
use twofold_cosigner::port::chain::{Chain, ChainFault, Scripts};
use twofold_testkit::{Asked, FalseElectrum, Say};

use super::{client, hasty_client, keys, of, until};

fn raw(text: impl Into<String>) -> Vec<Say> {
    vec![Say::Bytes((text.into() + "\n").into_bytes())]
}

fn result(id: u64) -> Vec<u8> {
    format!("{{\"id\":{id},\"result\":0.00001}}\n").into_bytes()
}

#[tokio::test]
async fn c04_garbage_giant_lines_and_wrong_or_repeated_ids_end_the_connection_and_nothing_else() {
    type Answer = fn(&Asked) -> Vec<Say>;
    let cases: [(&str, Answer); 14] = [
        ("no JSON", |_| raw("SSH-2.0-OpenSSH_9.2p1")),
        ("zero bytes", |_| vec![Say::Bytes(vec![0; 1_000_000])]),
        ("a giant line", |_| vec![Say::Bytes(vec![b'a'; 20_000_000])]),
        ("a giant line of JSON", |_| {
            raw(format!("{{\"id\":1,\"result\":\"{}\"}}", "a".repeat(9_000_000)))
        }),
        ("an empty line", |_| raw("")),
        ("a list", |_| raw("[1,2,3]")),
        ("deep nesting", |asked| {
            raw(format!("{{\"id\":{},\"result\":{}", asked.id, "[".repeat(50_000)))
        }),
        ("no id", |_| raw("{\"result\":0.00001}")),
        ("another id", |asked| vec![Say::Bytes(result(asked.id + 1_000))]),
        ("a negative id", |_| raw("{\"id\":-1,\"result\":0.00001}")),
        ("an id twice in a message", |asked| {
            raw(format!("{{\"id\":{0},\"id\":{0},\"result\":1}}", asked.id))
        }),
        ("the id of a call that was answered", |asked| {
            vec![Say::Bytes(result(asked.id)), Say::Bytes(result(asked.id))]
        }),
        ("a notice of what nobody watches", |_| {
            raw(format!(
                "{{\"method\":\"blockchain.scripthash.subscribe\",\"params\":[\"{}\",null]}}",
                "00".repeat(32)
            ))
        }),
        ("a notice that is none", |_| {
            raw("{\"method\":\"blockchain.headers.subscribe\",\"params\":[{\"height\":1,\"hex\":\"00\"}]}")
        }),
    ];
    for (what, say) in cases {
        let server = FalseElectrum::start(of("blockchain.relayfee", say)).unwrap();
        let chain = client(server.address());
        let answer = timeout(Duration::from_secs(20), chain.minimum_rate()).await.unwrap();
        let answered = what == "the id of a call that was answered";
        assert!(
            answered || matches!(answer, Err(ChainFault::Unavailable(_))),
            "{what}: {answer:?}"
        );
        until(what, || server.connections() > 1).await;
        // Nothing of it sticks: an honest answer is one.
        let mut honest = chain.estimate(6).await;
        for _ in 0..50 {
            if honest.is_ok() {
                break;
            }
            honest = chain.estimate(6).await;
        }
        assert_eq!(honest, Ok(None), "{what}");
    }
}

#[tokio::test]
async fn c04_a_flood_of_notices_ends_the_connection() {
    let server = Arc::new(FalseElectrum::start(|_| None).unwrap());
    let chain = hasty_client(server.address());
    chain.watch(&keys(1));
    until("watched", || chain.state().restored == 1).await;
    let tip = json!([{ "height": 0, "hex": genesis() }]);
    // On a thread of its own: it waits for the reader.
    let flooding = Arc::clone(&server);
    let flood = tokio::task::spawn_blocking(move || {
        while flooding.connections() < 2 {
            flooding.announce("blockchain.headers.subscribe", &tip);
        }
    });
    timeout(Duration::from_secs(60), flood).await.unwrap().unwrap();
    let trouble = chain.state().trouble.unwrap();
    assert!(trouble.contains("notices"), "{trouble}");
}

pub(super) fn genesis() -> String {
    let block = bitcoin::constants::genesis_block(bitcoin::Network::Regtest);
    bitcoin::consensus::encode::serialize_hex(&block.header)
}

#[tokio::test]
async fn something_else_than_was_asked_for_is_not_taken() {
    use bitcoin::{Txid, consensus::encode::serialize_hex, constants::genesis_block, hashes::Hash};
    let coinbase = genesis_block(bitcoin::Network::Regtest).txdata[0].clone();
    let told = serialize_hex(&coinbase);
    let server = FalseElectrum::start(move |asked| {
        let result = match asked.method.as_str() {
            "blockchain.transaction.get" => json!(told),
            "blockchain.transaction.broadcast" => json!("11".repeat(32)),
            "blockchain.transaction.get_merkle" => json!({ "block_height": 7, "merkle": [], "pos": 0 }),
            "blockchain.block.headers" => json!({ "count": 2, "hex": genesis(), "max": 2016 }),
            "blockchain.block.header" => json!("00"),
            "blockchain.scripthash.get_history" => json!([{ "tx_hash": "zz", "height": 1 }]),
            _ => return None,
        };
        Some(vec![Say::Result(result)])
    })
    .unwrap();
    let chain = client(server.address());
    let other = Txid::from_byte_array([1; 32]);
    assert!(chain.transaction(other).await.is_err());
    assert_eq!(
        chain.transaction(coinbase.compute_txid()).await.unwrap().as_ref(),
        Some(&coinbase)
    );
    assert!(chain.broadcast(&coinbase).await.is_err());
    assert!(chain.branch(other, 8).await.is_err());
    assert!(chain.branch(other, 7).await.is_ok());
    assert!(chain.headers(0).await.is_err());
    assert!(chain.hash_at(0).await.is_err());
    assert!(chain.history([7; 32]).await.is_err());
}

#[tokio::test]
async fn c05_a_history_that_differs_from_what_was_announced_is_not_taken() {
    let [key] = keys(1).try_into().unwrap();
    let server = FalseElectrum::start(|asked| {
        let result = match asked.method.as_str() {
            "blockchain.scripthash.subscribe" => json!("11".repeat(32)),
            "blockchain.scripthash.get_history" => json!([]),
            _ => return None,
        };
        Some(vec![Say::Result(result)])
    })
    .unwrap();
    let chain = client(server.address());
    assert_eq!(chain.history(key).await, Ok(vec![]), "nothing was announced yet");
    chain.watch(&[key]);
    until("told", || chain.changed() == [(key, true)]).await;
    assert!(matches!(chain.history(key).await, Err(ChainFault::Unavailable(_))));
}

/// The line that answers a call.
fn reply(asked: &Asked, result: &serde_json::Value) -> String {
    format!("{}\n", json!({ "id": asked.id, "result": result }))
}

/// The line that tells a script's status unasked.
fn notice(asked: &Asked, status: &str) -> String {
    let method = "blockchain.scripthash.subscribe";
    format!("{}\n", json!({ "method": method, "params": [asked.params[0], status] }))
}

#[tokio::test]
async fn c01_what_comes_right_behind_the_answer_to_a_subscription_counts() {
    let [key] = keys(1).try_into().unwrap();
    let testnet = bitcoin::constants::genesis_block(bitcoin::Network::Testnet).header;
    let next = bitcoin::consensus::encode::serialize_hex(&testnet);
    let server = FalseElectrum::start(move |asked| {
        let lines = match asked.method.as_str() {
            "blockchain.scripthash.subscribe" => reply(asked, &json!(null)) + &notice(asked, &"33".repeat(32)),
            "blockchain.headers.subscribe" => {
                let params = json!([{ "height": 1, "hex": next }]);
                let told = json!({ "method": asked.method, "params": params });
                reply(asked, &json!({ "height": 0, "hex": genesis() })) + &format!("{told}\n")
            }
            _ => return None,
        };
        Some(vec![Say::Bytes(lines.into_bytes())])
    })
    .unwrap();
    let chain = client(server.address());
    assert_eq!(chain.best().await, Ok((1, testnet.block_hash())), "and not the first");
    chain.watch(&[key]);
    until("watched", || chain.state().restored == 1).await;
    assert_eq!(chain.changed(), [(key, true)], "it was paid");
}

#[tokio::test]
async fn c01_a_script_whose_words_crossed_is_asked_for_again() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let [key] = keys(1).try_into().unwrap();
    let txid = "22".repeat(32);
    let status = {
        use bitcoin::hashes::{Hash, sha256};
        sha256::Hash::hash(format!("{txid}:7:").as_bytes()).to_byte_array()
    };
    let told = json!([{ "tx_hash": txid, "height": 7 }]);
    let asked_before = AtomicBool::new(false);
    let server = FalseElectrum::start(move |asked| {
        let lines = match asked.method.as_str() {
            // The answer was put together before the payment came, and is sent after the notice of it.
            "blockchain.scripthash.subscribe" if !asked_before.swap(true, Ordering::Relaxed) => {
                notice(asked, &hex::encode(status)) + &reply(asked, &json!(null))
            }
            "blockchain.scripthash.subscribe" => reply(asked, &json!(hex::encode(status))),
            "blockchain.scripthash.get_history" => reply(asked, &told),
            _ => return None,
        };
        Some(vec![Say::Bytes(lines.into_bytes())])
    })
    .unwrap();
    let chain = client(server.address());
    chain.watch(&[key]);
    until("watched", || chain.state().restored == 1).await;
    assert_eq!(chain.changed(), [(key, true)], "it was paid");
    assert!(matches!(chain.history(key).await, Err(ChainFault::Unavailable(_))));
    until("told anew", || chain.changed() == [(key, true)]).await;
    assert_eq!(chain.history(key).await.unwrap().len(), 1);
}

#[tokio::test]
async fn c09_a_server_in_trouble_of_its_own_has_refused_nothing() {
    let coinbase = bitcoin::constants::genesis_block(bitcoin::Network::Regtest).txdata[0].clone();
    let server = FalseElectrum::start(|asked| match asked.method.as_str() {
        "blockchain.transaction.broadcast" | "blockchain.relayfee" => {
            Some(vec![Say::Error("connection refused".into())])
        }
        _ => None,
    })
    .unwrap();
    let sent = client(server.address()).broadcast(&coinbase).await;
    assert!(matches!(sent, Err(ChainFault::Unavailable(_))), "{sent:?}");
}

#[tokio::test]
async fn a_transaction_that_the_server_knows_already_is_sent() {
    let coinbase = bitcoin::constants::genesis_block(bitcoin::Network::Regtest).txdata[0].clone();
    let told = json!([{ "tx_hash": coinbase.compute_txid(), "height": 7 }]);
    let raw = bitcoin::consensus::encode::serialize_hex(&coinbase);
    for known in [true, false] {
        let (told, raw) = (told.clone(), raw.clone());
        let server = FalseElectrum::start(move |asked| {
            Some(vec![match asked.method.as_str() {
                "blockchain.transaction.broadcast" => {
                    Say::Error("the transaction was rejected:\n txn-already-known".into())
                }
                "blockchain.scripthash.get_history" if known => Say::Result(told.clone()),
                // It remembers what it has seen, whatever became of it.
                "blockchain.transaction.get" => Say::Result(json!(raw)),
                _ => return None,
            }])
        })
        .unwrap();
        let sent = client(server.address()).broadcast(&coinbase).await;
        if known {
            assert_eq!(sent, Ok(coinbase.compute_txid()));
        } else {
            let why = "the transaction was rejected:  txn-already-known".to_owned();
            assert_eq!(sent, Err(ChainFault::Refused(why)));
        }
    }
}
