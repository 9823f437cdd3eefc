//! Behind a proxy, and from networks that may not ask.

use std::{net::SocketAddr, os::unix::fs::PermissionsExt as _, path::Path};

use futures::{
    future::join_all,
    stream::{FuturesUnordered, StreamExt as _},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixListener, UnixStream},
};
use twofold_cosigner::testing::{MemoryChain, SetClock};
use twofold_server::{
    config::{Addresses, Config, Trust},
    development,
    links::ChainLinks,
    serve,
};

use crate::house::{House, START, authority, secure};

const HTTPS: &str = "x-forwarded-proto: https\r\n";

fn networks(text: &str) -> Vec<Addresses> {
    vec![text.parse().unwrap()]
}

async fn open(tweak: impl FnOnce(&mut Config)) -> House {
    House::open_in(tempfile::tempdir().unwrap(), SetClock::at(START), tweak).await
}

/// The status of the answer to a question after life, with these header lines; 0 where the connection is closed instead.
async fn status(mut stream: impl AsyncRead + AsyncWrite + Unpin, headers: &str) -> u16 {
    let request = format!("GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = [0; 12];
    if stream.read_exact(&mut said).await.is_err() {
        return 0;
    }
    std::str::from_utf8(&said[9..]).unwrap().parse().unwrap()
}

/// The same over TLS.
async fn over_tls(address: SocketAddr, folder: &Path, headers: &str) -> u16 {
    let stream = TcpStream::connect(address).await.unwrap();
    status(secure(stream, &authority(folder)).await.unwrap(), headers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_behind_a_listed_proxy_rates_count_who_asks_and_plaintext_is_refused() {
    let house = open(|config| {
        config.ingress.proxies = networks("127.0.0.1");
        config.limits.address_per_second = 1;
        config.limits.address_burst = 3;
    })
    .await;
    let ask = async |headers: &str| over_tls(house.running.address(), house.folder.path(), headers).await;
    assert_eq!(ask("").await, 403);
    assert_eq!(ask("x-forwarded-proto: http\r\n").await, 403);
    let from = |who: &str| format!("{HTTPS}x-forwarded-for: 203.0.113.1, {who}\r\n");
    // All at once: the rate gives one back each second.
    let headers = from("198.51.100.1");
    let answers = join_all((0..40).map(|_| ask(&headers))).await;
    assert!(answers.contains(&200) && answers.contains(&429), "{answers:?}");
    assert_eq!(
        ask(&from("198.51.100.2")).await,
        200,
        "another device behind the same proxy"
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_nobody_else_is_believed_who_asks() {
    let house = open(|config| {
        config.ingress.proxies = networks("10.0.0.1");
        config.limits.address_per_second = 1;
        config.limits.address_burst = 8;
    })
    .await;
    let kept_out = async |host: usize| {
        let headers = format!("{HTTPS}x-forwarded-for: 198.51.100.{host}\r\n");
        let stream = TcpStream::connect(house.running.address()).await.unwrap();
        // Past the rate of its address, a connection is closed at once.
        match secure(stream, &authority(house.folder.path())).await {
            Ok(stream) => status(stream, &headers).await != 200,
            Err(_) => true,
        }
    };
    // One is enough, and the others may hang until their time is over.
    let mut asked: FuturesUnordered<_> = (1..=40).map(kept_out).collect();
    let mut one = false;
    while !one && let Some(out) = asked.next().await {
        one = out;
    }
    assert!(one, "another address each time, as it says itself");
    drop(asked);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_on_the_same_machine_asks_over_a_socket_and_only_for_what_came_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("http.sock");
    let house = open(|config| config.ingress.socket = Some(socket.clone())).await;
    let ask = async |headers: &str| status(UnixStream::connect(&socket).await.unwrap(), headers).await;
    assert_eq!(ask(HTTPS).await, 200);
    assert_eq!(ask("x-forwarded-proto: http\r\n").await, 403);
    assert_eq!(ask("").await, 403);
    // The port is there beside it, as ever.
    assert_eq!(over_tls(house.running.address(), house.folder.path(), "").await, 200);
    house.close().await;
    assert!(!socket.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_for_its_user_and_group_and_takes_nobody_elses_place() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("http.sock");
    // As a server leaves it that was killed.
    drop(UnixListener::bind(&socket).unwrap());
    let house = open(|config| config.ingress.socket = Some(socket.clone())).await;
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let tempdir = tempfile::tempdir().unwrap();
    let listener = serve::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut other = development::prepare(tempdir.path(), START, address, None).unwrap();
    other.ingress.socket = Some(socket.clone());
    let refused = serve::start(
        &other,
        listener,
        MemoryChain::new(),
        ChainLinks::default(),
        SetClock::at(START),
        None,
    )
    .await;
    let Err(refused) = refused else {
        panic!("two servers on one socket")
    };
    assert!(refused.to_string().contains("somebody answers already"), "{refused}");
    assert_eq!(status(UnixStream::connect(&socket).await.unwrap(), HTTPS).await, 200);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_from_a_network_that_is_not_allowed_is_not_spoken_to() {
    let house = open(|config| config.ingress.allow_from = networks("10.0.0.0/8")).await;
    let stream = TcpStream::connect(house.running.address()).await.unwrap();
    assert!(secure(stream, &authority(house.folder.path())).await.is_err());
    house.close().await;
    let house = open(|config| config.ingress.allow_from = networks("127.0.0.0/8")).await;
    assert_eq!(over_tls(house.running.address(), house.folder.path(), "").await, 200);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_browsers_are_told_to_ask_by_https_alone_where_they_take_the_certificate() {
    let told = async |trust: Trust, proxy: Option<&str>, headers: &str| {
        let house = open(|config| {
            config.tls.trust = trust;
            config.ingress.proxies = proxy.map_or_else(Vec::new, networks);
        })
        .await;
        let stream = TcpStream::connect(house.running.address()).await.unwrap();
        let mut stream = secure(stream, &authority(house.folder.path())).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut said = String::new();
        let _ = stream.read_to_string(&mut said).await;
        house.close().await;
        assert!(said.starts_with("HTTP/1.1 404"), "{said}");
        said.contains("\r\nstrict-transport-security: max-age=63072000\r\n")
    };
    assert!(told(Trust::Web, None, "").await);
    assert!(
        !told(Trust::Pinned, None, "").await,
        "a developer's other pages on that host"
    );
    assert!(
        !told(Trust::Web, Some("127.0.0.1"), HTTPS).await,
        "the proxy says it itself"
    );
}
