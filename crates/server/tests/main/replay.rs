//! A request runs once, however often it arrives.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use twofold_api::request::Hello;
use twofold_cosigner::testing::SetClock;

use crate::house::{Device, House, START};

#[tokio::test(flavor = "multi_thread")]
async fn a07_a_request_sent_a_hundred_times_at_once_in_series_and_after_a_restart_runs_once() {
    let clock = SetClock::at(START);
    let house = Arc::new(House::open(&clock).await);
    let signed = Device::new().sign(&house, &house.join().await, START);

    let mut at_once = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (house, signed) = (Arc::clone(&house), signed.clone());
        at_once.spawn(async move { house.send(&signed).await });
    }
    let answers = at_once.join_all().await;
    assert!(
        answers.iter().all(|answer| answer.status == StatusCode::OK),
        "{answers:?}"
    );
    assert!(
        answers.iter().all(|answer| answer.body == answers[0].body),
        "{answers:?}"
    );

    assert_eq!(house.send(&signed).await.body, answers[0].body);
    let house = Arc::into_inner(house).unwrap().reopen(&clock).await;
    assert_eq!(house.send(&signed).await.body, answers[0].body);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_a_clock_that_goes_back_an_hour_lets_nothing_run_twice() {
    let clock = SetClock::at(START);
    let house = House::open(&clock).await;
    let signed = Device::new().sign(&house, &house.join().await, START);
    let first = house.send(&signed).await;
    assert_eq!(first.status, StatusCode::OK);
    for back in [START + 3600, START] {
        clock.set(back);
        let again = house.send(&signed).await;
        assert!(again.body == first.body || again.reason() == "CLOCK_SKEW", "{again:?}");
    }
    let house = house.reopen(&clock).await;
    let again = house.send(&signed).await;
    assert!(again.body == first.body || again.reason() == "CLOCK_SKEW", "{again:?}");
    house.close().await;
}

/// How much memory this process has in use, in MiB.
pub(crate) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn a08_f16_a_flood_of_bad_signatures_evicts_nothing_and_takes_no_memory() {
    let clock = SetClock::at(START);
    let house = Arc::new(House::open(&clock).await);
    house.ready().await;
    let device = Device::new();
    let signed = device.sign(&house, &house.join().await, START);
    let first = house.send(&signed).await;

    let before = resident();
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let house = Arc::clone(&house);
        let mut bad = device.sign(&house, &Hello, START);
        senders.spawn(async move {
            let mut connection = house.connect().await;
            for n in 0..1_500_u32 {
                // Another nonce each time, under a signature that covers none of them.
                let input = bad.header("signature-input").clone();
                let nonce = input.find("nonce=\"").unwrap() + 7;
                let letters = format!("{n:04}");
                bad.header("signature-input").replace_range(nonce..nonce + 4, &letters);
                let refused = connection.send(&bad).await.unwrap();
                assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
            }
        });
    }
    let mut watcher = house.connect().await;
    while senders
        .join_next()
        .await
        .is_some_and(|sent| sent.map(|()| true).unwrap())
    {
        assert_eq!(watcher.get("/health/live").await.status, StatusCode::OK);
    }
    house.ready().await;
    let grown = resident().saturating_sub(before);
    assert!(grown < 50, "{grown} MiB more than before");
    assert_eq!(
        house.send(&signed).await.body,
        first.body,
        "the record of a live request is gone"
    );
    let house = Arc::into_inner(house).unwrap();
    tokio::time::timeout(Duration::from_secs(30), house.close())
        .await
        .unwrap();
}
