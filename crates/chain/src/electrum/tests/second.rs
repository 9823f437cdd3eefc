//! Two servers, one of which keeps something back.

use bitcoin::{
    BlockHash, Network, block::Header, consensus::encode::serialize_hex, constants::genesis_block, hashes::Hash,
};
use serde_json::json;
use twofold_cosigner::port::chain::{Chain, ChainFault, Scripts};
use twofold_testkit::{FalseElectrum, Say};

use super::{client, hasty_client, keys, until};
use crate::{Source, Sources, electrum::name};

/// A server that tells this history of every script, mined at height 0, where its only block is.
fn telling(history: &'static [&'static str]) -> FalseElectrum {
    let told = json!(
        history
            .iter()
            .map(|txid| json!({ "tx_hash": txid, "height": 0 }))
            .collect::<Vec<_>>()
    );
    FalseElectrum::start(move |asked| match asked.method.as_str() {
        "blockchain.scripthash.get_history" => Some(vec![Say::Result(told.clone())]),
        _ => None,
    })
    .unwrap()
}

fn both(first: &FalseElectrum, second: &FalseElectrum) -> Sources {
    let source = |server: &FalseElectrum| Source::Server(client(server.address()));
    Sources::new(source(first), Some(source(second)))
}

const PAYMENT: &str = "1111111111111111111111111111111111111111111111111111111111111111";

#[tokio::test]
async fn c05_a_history_that_is_kept_back_is_an_error_that_says_so() {
    let mined = |height: Option<u32>| {
        FalseElectrum::start(move |asked| match asked.method.as_str() {
            "blockchain.headers.subscribe" => Some(vec![Say::Result(
                json!({ "height": 5, "hex": super::hostile::genesis() }),
            )]),
            "blockchain.scripthash.get_history" => {
                let told = height.map(|height| json!({ "tx_hash": PAYMENT, "height": height }));
                Some(vec![Say::Result(json!(told.into_iter().collect::<Vec<_>>()))])
            }
            _ => None,
        })
        .unwrap()
    };
    let [key] = keys(1).try_into().unwrap();
    let (here, kept, false_place) = (mined(Some(3)), mined(None), mined(Some(4)));
    for (first, second) in [(&kept, &here), (&here, &kept), (&here, &false_place)] {
        let answer = both(first, second).history(key).await;
        assert!(matches!(answer, Err(ChainFault::Disagreement(_))), "{answer:?}");
    }
    assert_eq!(
        both(&here, &here).history(key).await.map(|history| history.len()),
        Ok(1)
    );
}

#[tokio::test]
async fn c05_what_waits_at_one_server_alone_is_no_disagreement() {
    let (here, kept) = (telling(&[PAYMENT]), telling(&[]));
    let [key] = keys(1).try_into().unwrap();
    assert_eq!(both(&kept, &here).history(key).await, Ok(vec![]));
    assert_eq!(
        both(&here, &kept).history(key).await.map(|history| history.len()),
        Ok(1)
    );
}

#[tokio::test]
async fn c05_a_change_that_the_first_server_keeps_to_itself_the_second_tells_of() {
    let (first, second) = (telling(&[]), telling(&[]));
    let chain = both(&first, &second);
    let [key] = keys(1).try_into().unwrap();
    assert!(chain.watch(&[key]));
    let told = std::sync::Mutex::new(0);
    until("both told once", || {
        *told.lock().unwrap() += chain.changed().len();
        *told.lock().unwrap() == 2
    })
    .await;
    second.announce("blockchain.scripthash.subscribe", &json!([name(&key), "11".repeat(32)]));
    until("told", || chain.changed() == [(key, true)]).await;
}

#[tokio::test]
async fn a_second_source_that_is_away_is_an_error_that_names_it() {
    let (first, second) = (telling(&[]), telling(&[]));
    let chain = both(&first, &second);
    assert_eq!(chain.best().await.map(|best| best.0), Ok(0));
    let away = Sources::new(
        Source::Server(client(first.address())),
        Some(Source::Server(hasty_client(second.address()))),
    );
    drop(second);
    let fault = away.best().await.unwrap_err();
    assert!(fault.to_string().contains("the second source"), "{fault}");
}

#[tokio::test]
async fn c05_a_server_that_names_the_seconds_block_and_follows_another_agrees_with_nobody() {
    let genesis = genesis_block(Network::Regtest).header;
    let block = |after: BlockHash| Header {
        prev_blockhash: after,
        ..genesis
    };
    let ahead = |best: Header| {
        FalseElectrum::start(move |asked| match asked.method.as_str() {
            "blockchain.headers.subscribe" => {
                Some(vec![Say::Result(json!({ "height": 1, "hex": serialize_hex(&best) }))])
            }
            "blockchain.block.headers" => {
                let hex = serialize_hex(&genesis) + &serialize_hex(&best);
                Some(vec![Say::Result(json!({ "count": 2, "hex": hex, "max": 2016 }))])
            }
            _ => None,
        })
        .unwrap()
    };
    let (honest, other) = (block(genesis.block_hash()), block(BlockHash::all_zeros()));
    let second = telling(&[]);
    let agreed = both(&ahead(honest), &second).best().await;
    assert_eq!(agreed, Ok((1, honest.block_hash())));
    let parted = both(&ahead(other), &second).best().await;
    assert!(matches!(parted, Err(ChainFault::Unavailable(_))), "{parted:?}");
}

#[tokio::test]
async fn c09_what_the_second_source_has_is_not_refused_though_the_first_says_so() {
    let transaction = genesis_block(Network::Regtest).txdata.remove(0);
    let txid = transaction.compute_txid();
    let saying = |say: Say| {
        FalseElectrum::start(move |asked| match asked.method.as_str() {
            "blockchain.transaction.broadcast" => Some(vec![say.clone()]),
            _ => None,
        })
        .unwrap()
    };
    let (takes, refuses) = (
        saying(Say::Result(json!(txid))),
        saying(Say::Error("txn-mempool-conflict".to_owned())),
    );
    for (first, second) in [(&takes, &refuses), (&refuses, &takes)] {
        assert_eq!(both(first, second).broadcast(&transaction).await, Ok(txid));
    }
    let gone = both(&refuses, &refuses).broadcast(&transaction).await;
    assert!(matches!(gone, Err(ChainFault::Refused(_))), "{gone:?}");
}
