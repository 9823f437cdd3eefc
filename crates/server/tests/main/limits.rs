//! Limits of the connection and rates by whoever asks, each at it and one past it.

use std::{
    convert::Infallible,
    net::Ipv4Addr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, combinators::BoxBody};
use hyper::{
    body::{Body, Frame},
    client::conn::http2::{SendRequest, handshake},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};
use twofold_api::{
    limits::HEADER_BYTES,
    request::{GetWallet, Hello, ListWallets},
};
use twofold_cosigner::testing::SetClock;
use twofold_server::config::Config;
use twofold_threshold::id::WalletId;

use crate::house::{Answer, House, START, Signed, authority, secure, secure_as};

const HELLO: &str = "/twofold.v1.CosignerService/Hello";

async fn house(tweak: impl FnOnce(&mut Config)) -> House {
    House::open_in(tempfile::tempdir().unwrap(), SetClock::at(START), tweak).await
}

/// Asks, once a call, until it is refused, and not before so many answers. What comes back meanwhile, one a second, only
/// puts it off.
async fn refused_after(answers: usize, mut ask: impl AsyncFnMut() -> Answer) -> Duration {
    for asked in 0..20 * answers {
        let answer = ask().await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(asked >= answers, "refused after {asked}");
            return refused_for_a_while(&answer);
        }
    }
    panic!("never refused")
}

fn refused_for_a_while(answer: &Answer) -> Duration {
    assert_eq!(
        (answer.status, answer.reason()),
        (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED")
    );
    let seconds = answer.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=5).contains(&seconds), "{seconds}");
    Duration::from_secs(seconds)
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_pages_that_may_not_ask_are_held_to_the_rate_of_their_address() {
    let house = house(|config| {
        config.limits.address_per_second = 1;
        config.limits.address_burst = 5;
    })
    .await;
    let mut connection = house.connect().await;
    let mut page = Signed::unsigned(HELLO, Vec::new());
    page.headers.push(("origin".into(), "https://evil.example".into()));
    let first = connection.send(&page).await.unwrap();
    assert_eq!(first.reason(), "ORIGIN_REFUSED");
    refused_after(1, async || connection.send(&page).await.unwrap()).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_a15_the_rate_of_a_device_holds_for_it_alone_until_it_may_come_back() {
    let house = house(|config| {
        config.limits.device_per_second = 1;
        // Joining is one.
        config.limits.device_burst = 4;
    })
    .await;
    let (hasty, other) = (house.enrolled(START).await, house.enrolled(START).await);
    let wait = refused_after(3, async || {
        house.send(&hasty.sign(&house, &ListWallets::default(), START)).await
    })
    .await;
    assert_eq!(
        house.send(&other.sign(&house, &Hello, START)).await.status,
        StatusCode::OK
    );
    sleep(wait).await;
    assert_eq!(
        house.send(&hasty.sign(&house, &Hello, START)).await.status,
        StatusCode::OK
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_a15_the_rate_of_a_user_holds_from_whichever_address() {
    let house = house(|config| {
        config.limits.user_per_second = 1;
        config.limits.user_burst = 3;
    })
    .await;
    let device = house.enrolled(START).await;
    let mut elsewhere = house.connect_from(Ipv4Addr::new(127, 0, 0, 2)).await.unwrap();
    let mut asked = 0;
    refused_after(3, async || {
        asked += 1;
        let signed = device.sign(&house, &Hello, START);
        match asked % 2 {
            0 => house.send(&signed).await,
            _ => elsewhere.send(&signed).await.unwrap(),
        }
    })
    .await;
    let other = house.enrolled(START).await;
    assert_eq!(
        house.send(&other.sign(&house, &Hello, START)).await.status,
        StatusCode::OK
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_a15_the_rate_of_a_wallet_holds_for_its_user_and_a_stranger_who_names_it_spends_another() {
    let house = house(|config| {
        config.limits.wallet_per_second = 1;
        config.limits.wallet_burst = 3;
    })
    .await;
    let (owner, stranger) = (house.enrolled(START).await, house.enrolled(START).await);
    let about = |wallet| GetWallet {
        wallet: WalletId([wallet; 16]),
        checkpoint: None,
    };
    refused_after(3, async || house.send(&stranger.sign(&house, &about(1), START)).await).await;
    for (device, wallet) in [(&owner, 1), (&stranger, 2)] {
        let answer = house.send(&device.sign(&house, &about(wallet), START)).await;
        assert_eq!(answer.reason(), "WALLET_NOT_FOUND");
    }
    house.close().await;
}

/// The status of a request whose head, padded, is so long.
async fn status_of_a_head_of(house: &House, length: usize) -> String {
    let stream = TcpStream::connect(house.running.address()).await.unwrap();
    let mut stream = secure(stream, &authority(house.folder.path())).await.unwrap();
    let plain = "GET /health/live HTTP/1.1\r\nhost: x\r\nx-padding: \r\n\r\n";
    let padding = "a".repeat(length - plain.len());
    let head = plain.replace("x-padding: ", &format!("x-padding: {padding}"));
    assert_eq!(head.len(), length);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut said = [0; 12];
    timeout(Duration::from_secs(10), stream.read_exact(&mut said))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8(said.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn f18_the_headers_of_a_request_have_a_bound_together() {
    let house = house(|_| ()).await;
    assert_eq!(status_of_a_head_of(&house, HEADER_BYTES - 1).await, "HTTP/1.1 200");
    assert_eq!(status_of_a_head_of(&house, HEADER_BYTES + 1).await, "HTTP/1.1 431");
    house.close().await;
}

/// A body that never comes.
struct Never;

impl Body for Never {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

type Sender = SendRequest<BoxBody<Bytes, Infallible>>;

async fn http2(house: &House) -> Sender {
    let stream = TcpStream::connect(house.running.address()).await.unwrap();
    let stream = secure_as(stream, &authority(house.folder.path()), &["h2"])
        .await
        .unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Whether one more stream is answered while so many others are open on its connection.
async fn answers_beside(house: &House, open: usize) -> bool {
    let sender = http2(house).await;
    let url = |path: &str| format!("https://{}{path}", house.running.address());
    let mut held = JoinSet::new();
    for _ in 0..open {
        let mut sender = sender.clone();
        let stalled = Request::post(url(HELLO)).body(Never.boxed()).unwrap();
        held.spawn(async move { sender.send_request(stalled).await.map(drop) });
    }
    sleep(Duration::from_millis(300)).await;
    let ask = Request::get(url("/health/live")).body(Empty::new().boxed()).unwrap();
    let mut asking = sender.clone();
    timeout(Duration::from_secs(2), asking.send_request(ask))
        .await
        .is_ok_and(|answer| answer.is_ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn f18_a14_a_connection_has_a_hundred_streams_and_no_more() {
    let house = house(|_| ()).await;
    assert!(answers_beside(&house, 99).await);
    assert!(!answers_beside(&house, 100).await);
    house.close().await;
}
