//! A connection that breaks, in every way.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use twofold_cosigner::port::chain::{Chain, ChainFault, Scripts};
use twofold_testkit::{FalseElectrum, Say, Toxic, ToxicProxy};

use super::{config, hasty, hasty_client, keys, of, until, until_answered};
use crate::electrum::{Circuit, Config, Electrum, Pace, name};

/// More than the longest time after which a call ends.
const ENDED: Duration = Duration::from_secs(30);

fn honest() -> FalseElectrum {
    FalseElectrum::start(|_| None).unwrap()
}

#[tokio::test]
async fn c01_a_server_that_drops_the_line_mid_reply_is_unavailable_and_asked_again_once_it_is_back() {
    let server = honest();
    let proxy = ToxicProxy::start(server.address()).unwrap();
    let chain = hasty_client(proxy.address());
    until_answered(&chain).await;
    proxy.set(Toxic::CutReplyAfter(20));
    let answer = timeout(ENDED, chain.minimum_rate()).await.unwrap();
    assert!(matches!(answer, Err(ChainFault::Unavailable(_))), "{answer:?}");
    proxy.set(Toxic::Pass);
    let back = until_answered(&chain).await;
    assert!(back < Duration::from_secs(5), "back after {back:?}");
    assert_eq!(chain.state().circuit, Circuit::Closed);
}

#[tokio::test]
async fn c01_a_call_whose_reply_was_cut_off_is_asked_again_on_the_next_connection() {
    // The first answer ends in its middle, the second does not.
    let server = FalseElectrum::start(of("blockchain.relayfee", |asked| {
        if asked.connection == 1 {
            vec![Say::Bytes(b"{\"jsonrpc\":\"2.0\",\"re".to_vec()), Say::HangUp]
        } else {
            vec![Say::Result(json!(0.00002))]
        }
    }))
    .unwrap();
    let chain = Electrum::new(Config {
        deadline: ENDED,
        ..config(server.address())
    })
    .unwrap();
    assert_eq!(chain.minimum_rate().await, Ok(2_000));
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn c02_a_half_open_connection_is_noticed_without_any_call() {
    let server = honest();
    let proxy = ToxicProxy::start(server.address()).unwrap();
    let chain = hasty_client(proxy.address());
    until_answered(&chain).await;
    let before = chain.state().connections;
    proxy.set(Toxic::Stall);
    // Two heartbeats, on a machine that has other things to do.
    let noticed = until("noticed", || chain.state().circuit != Circuit::Closed).await;
    assert!(noticed < Duration::from_secs(15), "noticed after {noticed:?}");
    assert!(chain.state().trouble.is_some());
    proxy.set(Toxic::Pass);
    until("connected again", || chain.state().circuit == Circuit::Closed).await;
    assert!(chain.state().connections > before);
}

#[tokio::test]
async fn c03_silence_ends_at_the_deadline_and_holds_up_no_other_caller() {
    let server = FalseElectrum::start(of("blockchain.relayfee", |_| vec![])).unwrap();
    let chain = Arc::new(
        Electrum::new(Config {
            deadline: Duration::from_secs(3),
            ..config(server.address())
        })
        .unwrap(),
    );
    let silent = tokio::spawn({
        let chain = Arc::clone(&chain);
        async move { chain.minimum_rate().await }
    });
    until("asked", || {
        server.asked().iter().any(|asked| asked.method == "blockchain.relayfee")
    })
    .await;
    let (mut others, began) = (0, Instant::now());
    while !silent.is_finished() {
        assert!(began.elapsed() < ENDED, "it waits for ever");
        chain.estimate(6).await.unwrap();
        others += 1;
    }
    let answer = silent.await.unwrap();
    assert!(matches!(answer, Err(ChainFault::Unavailable(_))), "{answer:?}");
    assert!(others > 1);
    // Only the call was given up: the others went over the same connection, and its late answer harms nobody.
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn c03_one_byte_at_a_time_ends_at_the_deadline() {
    let server = honest();
    let proxy = ToxicProxy::start(server.address()).unwrap();
    let chain = hasty_client(proxy.address());
    until_answered(&chain).await;
    proxy.set(Toxic::Trickle(Duration::from_millis(100)));
    let answer = timeout(ENDED, chain.minimum_rate()).await.unwrap();
    assert!(matches!(answer, Err(ChainFault::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn without_a_server_calls_soon_fail_at_once() {
    let server = honest();
    let address = server.address();
    drop(server);
    let chain = Electrum::new(Config {
        deadline: Duration::from_secs(3_600),
        pace: hasty(),
        ..config(address)
    })
    .unwrap();
    let answer = timeout(ENDED, chain.minimum_rate()).await.unwrap();
    assert!(answer.unwrap_err().to_string().contains("away"));
    assert_eq!(chain.state().circuit, Circuit::Open);
    let began = Instant::now();
    for _ in 0..1_000 {
        chain.minimum_rate().await.unwrap_err();
    }
    assert!(began.elapsed() < ENDED, "a thousand refusals");
}

/// A server that tells of each script the status that the test sets.
fn telling(statuses: &Arc<Mutex<HashMap<String, String>>>) -> FalseElectrum {
    let statuses = Arc::clone(statuses);
    FalseElectrum::start(of("blockchain.scripthash.subscribe", move |asked| {
        let script = asked.params[0].as_str().unwrap();
        let status = statuses.lock().unwrap().get(script).cloned();
        vec![Say::Result(status.map_or(Value::Null, Value::String))]
    }))
    .unwrap()
}

#[tokio::test]
async fn c13_a_thousand_scripts_are_watched_again_within_five_seconds_of_a_cut() {
    let statuses = Arc::default();
    let server = telling(&statuses);
    let chain = Electrum::new(Config {
        pace: Pace::default(),
        ..config(server.address())
    })
    .unwrap();
    let keys = keys(1_000);
    assert!(chain.watch(&keys));
    until("watched", || chain.state().restored == 1_000).await;
    let mut told: Vec<_> = chain.changed();
    told.sort_unstable();
    assert_eq!(told.len(), 1_000, "each was told once");
    assert!(told.iter().all(|(_, used)| !used));

    // One of them changes while nobody is connected.
    let changed = hex::encode([3; 32]);
    statuses.lock().unwrap().insert(script(&keys[17]), changed.clone());
    server.hang_up();
    let back = until("watched again", || {
        let state = chain.state();
        state.connections > 1 && state.restored == 1_000
    })
    .await;
    assert!(back < Duration::from_secs(5), "back after {back:?}");
    assert_eq!(chain.changed(), [(keys[17], true)], "what it missed, and nothing else");

    // And what changes from then on is told on the new connection.
    server.announce("blockchain.scripthash.subscribe", &json!([script(&keys[99]), changed]));
    until("told", || {
        chain.state().restored == 1_000 && chain.changed() == [(keys[99], true)]
    })
    .await;
}

fn script(key: &[u8; 32]) -> String {
    serde_json::to_value(name(key)).unwrap().as_str().unwrap().to_owned()
}

#[tokio::test]
async fn f06_a_link_that_was_cut_stalled_or_slowed_comes_back_with_all_it_watched_and_no_call_hangs() {
    let statuses = Arc::default();
    let server = telling(&statuses);
    let proxy = ToxicProxy::start(server.address()).unwrap();
    let chain = hasty_client(proxy.address());
    let keys = keys(50);
    chain.watch(&keys);
    until("watched", || chain.state().restored == 50).await;
    chain.changed();
    let toxics = [
        Toxic::Refuse,
        Toxic::Stall,
        Toxic::Trickle(Duration::from_millis(50)),
        Toxic::CutReplyAfter(0),
        Toxic::CutRequestAfter(5),
    ];
    for (round, toxic) in (1..).zip(toxics) {
        let before = chain.state().connections;
        proxy.set(toxic);
        if toxic == Toxic::Refuse {
            proxy.cut_all();
        }
        let calls = (0..20).map(|_| chain.minimum_rate());
        let answers = timeout(ENDED, futures::future::join_all(calls)).await;
        assert_eq!(answers.expect("every call ends").len(), 20, "{toxic:?}");
        until("noticed", || {
            chain.state().circuit != Circuit::Closed || chain.state().connections > before
        })
        .await;
        let key = keys[usize::from(round)];
        statuses.lock().unwrap().insert(script(&key), hex::encode([round; 32]));
        proxy.set(Toxic::Pass);
        let back = until("back", || {
            chain.state().circuit == Circuit::Closed && chain.state().restored == 50
        })
        .await;
        assert!(back < Duration::from_secs(15), "{toxic:?}: back after {back:?}");
        until("what it missed is told", || chain.changed().contains(&(key, true))).await;
    }
}
