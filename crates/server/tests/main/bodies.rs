//! Whose bodies are read into memory, and how much of it they may take.

use std::{net::Ipv4Addr, time::Duration};

use http::StatusCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::client::TlsStream;
use twofold_api::limits::{BODY_BYTES, JOIN_BYTES};
use twofold_cosigner::testing::SetClock;
use twofold_server::config::Config;

use crate::house::{Device, House, START, Signed, authority, secure};

const HELLO: &str = "/twofold.v1.CosignerService/Hello";
const JOIN: &str = "/twofold.v1.CosignerService/Join";
const STALL: Duration = Duration::from_secs(5);

async fn house(tweak: impl FnOnce(&mut Config)) -> House {
    House::open_in(tempfile::tempdir().unwrap(), SetClock::at(START), |config| {
        config.limits.bodies_mib = 1;
        config.limits.body_seconds = STALL.as_secs();
        tweak(config);
    })
    .await
}

async fn open(house: &House) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(house.running.address()).await.unwrap();
    secure(stream, &authority(house.folder.path())).await.unwrap()
}

/// Sends all of a request but its body's last byte, as far as the server listens.
async fn stall(house: &House, signed: &Signed) -> TlsStream<TcpStream> {
    let mut stream = open(house).await;
    stream.write_all(signed.head().as_bytes()).await.unwrap();
    let _ = stream.write_all(&signed.body[1..]).await;
    let _ = stream.flush().await;
    stream
}

fn large() -> Vec<u8> {
    vec![0; BODY_BYTES]
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_strangers_body_takes_no_memory_however_it_is_signed() {
    let house = house(|_| ()).await;
    let device = house.enrolled(START).await;
    let strangers = [
        Signed::unsigned(HELLO, large()),
        Device::new().sign_bytes(&house, HELLO, large(), None, START),
        device.sign_bytes(&house, HELLO, large(), None, START - 3600),
        Signed {
            body: large(),
            ..device.sign_bytes(&house, JOIN, Vec::new(), None, START)
        },
    ];
    let mut stalled = Vec::new();
    for _ in 0..2 {
        for stranger in &strangers {
            stalled.push(stall(&house, stranger).await);
        }
    }
    // Twice the room has arrived from strangers, and all of it is free.
    let known = device.sign_bytes(&house, HELLO, large(), None, START);
    let answer = timeout(STALL / 2, house.send(&known))
        .await
        .expect("there is room at once");
    assert_eq!(answer.reason(), "MALFORMED");
    drop(stalled);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_bodies_of_one_address_that_stall_leave_room_for_others_and_its_next_one_waits() {
    let house = house(|config| {
        config.limits.bodies_mib = 2;
        config.limits.bodies_mib_per_address = 1;
    })
    .await;
    let device = house.enrolled(START).await;
    let mut stalled = Vec::new();
    for _ in 0..4 {
        stalled.push(stall(&house, &device.sign_bytes(&house, HELLO, large(), None, START)).await);
    }
    sleep(Duration::from_millis(500)).await;
    let small = || device.sign_bytes(&house, HELLO, vec![0; 8 * 1024], None, START);
    let mut waiting = Box::pin(house.connect().await.send_owned(small()));
    assert!(
        timeout(Duration::from_secs(1), &mut waiting).await.is_err(),
        "a body was read though its address has no room left"
    );
    let mut elsewhere = house.connect_from(Ipv4Addr::new(127, 0, 0, 2)).await.unwrap();
    let answer = timeout(Duration::from_secs(2), elsewhere.send(&small())).await;
    assert_eq!(
        answer.expect("other addresses have theirs").unwrap().reason(),
        "MALFORMED"
    );
    // Those that stall run out of time, and there is room.
    assert_eq!(waiting.await.unwrap().reason(), "MALFORMED");
    let mut said = [0; 12];
    stalled[0].read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"HTTP/1.1 504");
    drop(stalled);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f18_a_request_to_join_has_a_small_bound_of_its_own() {
    let house = house(|_| ()).await;
    let newcomer = Device::new();
    let at = house
        .send(&newcomer.sign_bytes(&house, JOIN, vec![0; JOIN_BYTES], None, START))
        .await;
    assert_eq!(at.reason(), "MALFORMED");
    let over = newcomer.sign_bytes(&house, JOIN, vec![0; JOIN_BYTES + 1], None, START);
    let mut stream = open(&house).await;
    // The body is announced and never sent: the refusal does not wait for it.
    stream.write_all(over.head().as_bytes()).await.unwrap();
    let mut said = [0; 12];
    timeout(STALL / 2, stream.read_exact(&mut said)).await.unwrap().unwrap();
    assert_eq!(&said, b"HTTP/1.1 429");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a30_whoever_is_refused_with_a_large_body_comes_to_read_why() {
    let house = house(|_| ()).await;
    let device = house.enrolled(START).await;
    for _ in 0..20 {
        let wrong = device.sign_bytes(&house, HELLO, large(), None, START + 3600);
        let answer = house.send(&wrong).await;
        assert_eq!(
            (answer.status, answer.reason()),
            (StatusCode::UNAUTHORIZED, "CLOCK_SKEW")
        );
    }
    house.close().await;
}

/// The status line of what a request gets whose body waits for a word.
async fn asks_first(house: &House, mut signed: Signed) -> String {
    signed.headers.push(("expect".into(), "100-continue".into()));
    let mut stream = open(house).await;
    stream.write_all(signed.head().as_bytes()).await.unwrap();
    let mut said = [0; 12];
    timeout(STALL / 2, stream.read_exact(&mut said)).await.unwrap().unwrap();
    String::from_utf8(said.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_word_before_sending_a_body_is_asked_for_it_or_refused_at_once() {
    let house = house(|_| ()).await;
    let device = house.enrolled(START).await;
    let known = device.sign_bytes(&house, HELLO, large(), None, START);
    assert_eq!(asks_first(&house, known).await, "HTTP/1.1 100");
    let stranger = Device::new().sign_bytes(&house, HELLO, large(), None, START);
    assert_eq!(asks_first(&house, stranger).await, "HTTP/1.1 401");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_questions_after_health_that_stall_leave_room_for_who_joins() {
    let house = house(|config| {
        config.limits.body_seconds = 30;
        config.limits.connections_per_address = 200;
        config.limits.address_per_second = 200;
    })
    .await;
    let question = Signed::unsigned("/grpc.health.v1.Health/Check", vec![0; 1024]);
    let mut stalled = Vec::new();
    // As much as one address may have for joining.
    for _ in 0..66 {
        stalled.push(stall(&house, &question).await);
    }
    let newcomer = Device::new().sign_bytes(&house, JOIN, vec![0; JOIN_BYTES], None, START);
    let answer = timeout(STALL, house.send(&newcomer)).await;
    assert_eq!(answer.expect("there is room at once").reason(), "MALFORMED");
    drop(stalled);
    house.close().await;
}
