//! Peers that are slow at everything, and peers that only sit there.

use std::{net::Ipv4Addr, time::Duration};

use http::StatusCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::{Instant, sleep, timeout},
};
use tokio_rustls::client::TlsStream;
use twofold_api::request::Hello;
use twofold_cosigner::testing::SetClock;
use twofold_server::config::Limits;

use crate::house::{Connection, Device, House, START, authority, secure};

/// The time that each of the server's patiences has in these tests; the longest, a stranger's, is twice as long.
const PATIENCE: Duration = Duration::from_secs(1);
/// Until when the server must have hung up, on a busy machine.
const HUNG_UP: Duration = Duration::from_secs(15);
const DRIP: Duration = Duration::from_millis(50);

async fn house() -> House {
    House::open_in(tempfile::tempdir().unwrap(), SetClock::at(START), |config| {
        let seconds = PATIENCE.as_secs();
        config.limits.handshake_seconds = seconds;
        config.limits.header_seconds = seconds;
        config.limits.body_seconds = seconds;
        config.limits.stranger_seconds = 2 * seconds;
        config.limits.request_seconds = 2 * seconds;
    })
    .await
}

async fn open(house: &House) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(house.running.address()).await.unwrap();
    secure(stream, &authority(house.folder.path())).await.unwrap()
}

/// Sends a byte now and then, over and over, and reads what comes: until the other end hangs up.
async fn drip<S>(mut stream: S, bytes: &[u8])
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut said = [0; 1024];
    for byte in bytes.iter().cycle() {
        if stream.write_all(&[*byte]).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        match timeout(DRIP, stream.read(&mut said)).await {
            Ok(Ok(0) | Err(_)) => return,
            _ => sleep(DRIP).await,
        }
    }
}

async fn hangs_up(what: &str, slow: impl Future<Output = ()>) {
    assert!(timeout(HUNG_UP, slow).await.is_ok(), "{what} holds a connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_slow_tls_headers_bodies_and_readers_are_hung_up_on_however_steadily_they_drip() {
    let house = house().await;
    let device = house.enrolled(START).await;
    let body = device.sign_bytes(
        &house,
        "/twofold.v1.CosignerService/Hello",
        vec![0; 100_000],
        None,
        START,
    );
    let tls = async {
        // The first bytes of a TLS record of 16 KiB, which then comes byte by byte.
        let mut stream = TcpStream::connect(house.running.address()).await.unwrap();
        stream.write_all(&[22, 3, 1, 0x40, 0]).await.unwrap();
        drip(stream, &[1]).await;
    };
    let headers = async {
        let mut stream = open(&house).await;
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx-long: ")
            .await
            .unwrap();
        drip(stream, b"a").await;
    };
    let strangers_body = async {
        let mut stream = open(&house).await;
        let head = "POST /twofold.v1.CosignerService/Hello HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        drip(stream, &[0]).await;
    };
    let known_body = async {
        let mut stream = open(&house).await;
        stream.write_all(body.head().as_bytes()).await.unwrap();
        drip(stream, &[0]).await;
    };
    let reader = async {
        // Asks on and on, and reads nothing: until all buffers are full and beyond.
        let mut stream = open(&house).await;
        let ask = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
        while stream.write_all(&ask).await.is_ok() {}
    };
    tokio::join!(
        hangs_up("a slow handshake", tls),
        hangs_up("a slow header", headers),
        hangs_up("a stranger's slow body", strangers_body),
        hangs_up("a known device's slow body", known_body),
        hangs_up("a slow reader", reader),
    );
    assert_eq!(
        house.send(&device.sign(&house, &Hello, START)).await.status,
        StatusCode::OK
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_may_be_quiet_for_longer_than_a_head_may_take_and_a_head_that_has_begun_may_not() {
    let house = house().await;
    let device = house.enrolled(START).await;
    let mut kept = house.connect().await;
    for _ in 0..2 {
        let answer = kept.send(&device.sign(&house, &Hello, START)).await;
        assert_eq!(answer.expect("the connection is kept").status, StatusCode::OK);
        sleep(3 * PATIENCE).await;
    }
    let mut begun = open(&house).await;
    let signed = device.sign(&house, &Hello, START);
    begun.write_all(signed.head().as_bytes()).await.unwrap();
    begun.write_all(&signed.body).await.unwrap();
    let mut said = [0; 12];
    begun.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"HTTP/1.1 200");
    // The rest of the answer, and then the start of another request that never goes on.
    begun.write_all(b"POST ").await.unwrap();
    let mut rest = Vec::new();
    let ended = timeout(4 * PATIENCE, begun.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "a head that has begun holds a connection");
    house.close().await;
}

#[test]
fn a11_no_patience_is_longer_than_thirty_seconds_as_shipped() {
    let limits = Limits::default();
    for seconds in [
        limits.handshake_seconds,
        limits.header_seconds,
        limits.body_seconds,
        limits.request_seconds,
        limits.stranger_seconds,
    ] {
        assert!(seconds <= 30, "{seconds}");
    }
}

/// Connections that only sit there: as many as are let in, and as many again. Both ends are in this process, which
/// may have 1,024 files open on a system that nobody has tuned.
const IDLE: u32 = 300;
const ASKS: usize = 200;

/// The 99th of a hundred, of so many requests on one connection.
async fn p99(house: &House, connection: &mut Connection, device: &Device) -> Duration {
    let mut took = Vec::with_capacity(ASKS);
    for _ in 0..ASKS {
        let signed = device.sign(house, &Hello, START);
        let begun = Instant::now();
        let answer = connection.send(&signed).await.unwrap();
        took.push(begun.elapsed());
        assert_eq!(answer.status, StatusCode::OK);
    }
    took.sort_unstable();
    took[ASKS * 99 / 100]
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_idle_connections_are_capped_and_slow_nobody_down() {
    let house = House::open_in(tempfile::tempdir().unwrap(), SetClock::at(START), |config| {
        config.limits.connections = IDLE;
        config.limits.connections_per_address = IDLE / 2;
        config.limits.device_burst = 1_000_000;
        config.limits.user_burst = 1_000_000;
    })
    .await;
    let device = house.enrolled(START).await;
    let mut honest = house.connect_from(Ipv4Addr::new(127, 0, 0, 9)).await.unwrap();
    let mut alone = Duration::ZERO;
    for _ in 0..3 {
        alone = alone.max(p99(&house, &mut honest, &device).await);
    }
    let authority = authority(house.folder.path());
    let (mut idle, mut refused) = (Vec::new(), 0);
    for number in 0..2 * IDLE {
        let socket = TcpSocket::new_v4().unwrap();
        socket
            .bind(([127, 0, 1, u8::try_from(number % 8).unwrap()], 0).into())
            .unwrap();
        let stream = socket.connect(house.running.address()).await.unwrap();
        match secure(stream, &authority).await {
            Ok(stream) => idle.push(stream),
            Err(_) => refused += 1,
        }
    }
    assert!(idle.len() < IDLE as usize, "{} are inside", idle.len());
    assert!(refused >= IDLE, "{refused} were refused");
    // Whatever else this machine does shows in single measurements; what the idle ones cost shows in all of them.
    let mut tries = Vec::new();
    while tries.len() < 10 && tries.iter().all(|beside| *beside >= 2 * alone) {
        tries.push(p99(&house, &mut honest, &device).await);
    }
    assert!(
        tries.iter().any(|beside| *beside < 2 * alone),
        "{alone:?} alone, {tries:?} beside"
    );
    drop(idle);
    house.close().await;
}
