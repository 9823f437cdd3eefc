//! What a peer gets before it has said anything: TLS 1.3, bounds, and health without data.

use std::time::Duration;

use http::StatusCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use twofold_api::{
    limits::{BODY_BYTES, FORWARD_BYTES},
    request::Hello,
};
use twofold_cosigner::testing::SetClock;
use twofold_server::certificate;

use crate::house::{House, START, Signed, authority, connect};

#[tokio::test(flavor = "multi_thread")]
async fn f01_a_plaintext_connection_gets_nothing_but_a_tls_alert() {
    let clock = SetClock::at(START);
    let house = House::open(&clock).await;
    let mut plain = TcpStream::connect(house.running.address()).await.unwrap();
    plain
        .write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut said = Vec::new();
    // A reset is as good as an end.
    let _ = timeout(Duration::from_secs(10), plain.read_to_end(&mut said))
        .await
        .expect("the server hangs up");
    assert!(said.is_empty() || (said[0] == 21 && said.len() < 16), "{said:?}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f01_a_client_refuses_a_server_of_another_authority() {
    let clock = SetClock::at(START);
    let house = House::open(&clock).await;
    let other = tempfile::tempdir().unwrap();
    certificate::make(other.path(), vec!["127.0.0.1".into()], START).unwrap();
    assert!(
        connect(house.running.address(), &authority(other.path()))
            .await
            .is_err()
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f13_health_is_true_in_each_state_and_says_no_more() {
    let clock = SetClock::at(START);
    let house = House::open(&clock).await;
    house.ready().await;
    let mut connection = house.connect().await;
    for path in ["/health/live", "/health/ready"] {
        let answer = connection.get(path).await;
        assert_eq!((answer.status, answer.body.as_ref()), (StatusCode::OK, &b"yes\n"[..]));
        assert!(answer.headers.contains_key("x-request-id"));
    }
    assert_eq!(connection.get("/health").await.status, StatusCode::NOT_FOUND);
    assert_eq!(connection.get("/metrics").await.status, StatusCode::NOT_FOUND);
    house.running.stopper().stop();
    assert!(!house.running.ready());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f18_a_body_at_the_limit_is_read_and_one_byte_more_is_too_large() {
    let clock = SetClock::at(START);
    let house = House::open(&clock).await;
    let device = house.enrolled(START).await;
    let path = device.sign(&house, &Hello, START).path;
    let at = house
        .send(&device.sign_bytes(&house, &path, vec![0; BODY_BYTES], None, START))
        .await;
    assert_eq!(at.reason(), "MALFORMED");
    // The server answers without reading on, so the sender may be cut off before it has read the answer; never served.
    let mut over = None;
    for _ in 0..50 {
        let large = device.sign_bytes(&house, &path, vec![0; BODY_BYTES + 1], None, START);
        if let Ok(answer) = house.connect().await.send(&large).await {
            over = Some(answer);
            break;
        }
    }
    let over = over.expect("an answer in fifty tries");
    assert_eq!(
        (over.status, over.reason()),
        (StatusCode::TOO_MANY_REQUESTS, "TOO_LARGE")
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s23_what_a_restored_server_lacks_may_be_longer_than_any_other_request() {
    let clock = SetClock::at(START);
    let house = House::open(&clock).await;
    let device = house.enrolled(START).await;
    let path = "/twofold.v1.CosignerService/RollForward";
    for (length, reason) in [
        (BODY_BYTES + 1, "MALFORMED"),
        (FORWARD_BYTES, "MALFORMED"),
        (FORWARD_BYTES + 1, "TOO_LARGE"),
    ] {
        let mut answer = None;
        // As above.
        for _ in 0..50 {
            let long = device.sign_bytes(&house, path, vec![0; length], None, START);
            if let Ok(told) = house.connect().await.send(&long).await {
                answer = Some(told);
                break;
            }
        }
        assert_eq!(
            answer.expect("an answer in fifty tries").reason(),
            reason,
            "{length} bytes"
        );
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_too_many_requests_from_one_address_are_told_when_to_come_back() {
    let clock = SetClock::at(START);
    let house = House::open_in(tempfile::tempdir().unwrap(), clock, |config| {
        config.limits.address_per_second = 1;
        // The connection is one.
        config.limits.address_burst = 6;
    })
    .await;
    let mut connection = house.connect().await;
    let hello = Signed::unsigned("/twofold.v1.CosignerService/Hello", Vec::new());
    for _ in 0..5 {
        assert_eq!(connection.send(&hello).await.unwrap().status, StatusCode::UNAUTHORIZED);
    }
    let refused = connection.send(&hello).await.unwrap();
    assert_eq!(
        (refused.status, refused.reason()),
        (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED")
    );
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f18_a12_one_connection_too_many_is_closed_and_the_others_go_on() {
    let clock = SetClock::at(START);
    let house = House::open_in(tempfile::tempdir().unwrap(), clock, |config| {
        config.limits.connections = 2;
    })
    .await;
    let mut first = house.connect().await;
    let _second = house.connect().await;
    assert!(
        connect(house.running.address(), &authority(house.folder.path()))
            .await
            .is_err()
    );
    assert_eq!(first.get("/health/live").await.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_a_silent_handshake_is_closed() {
    let clock = SetClock::at(START);
    let house = House::open_in(tempfile::tempdir().unwrap(), clock, |config| {
        config.limits.handshake_seconds = 1;
    })
    .await;
    let mut silent = TcpStream::connect(house.running.address()).await.unwrap();
    let mut said = Vec::new();
    let _ = timeout(Duration::from_secs(20), silent.read_to_end(&mut said))
        .await
        .expect("the server hangs up");
    assert!(said.is_empty());
    house.close().await;
}
