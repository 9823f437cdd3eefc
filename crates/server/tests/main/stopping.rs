//! What a client meets that asks while the server stops.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};
use twofold_api::Reason;
use twofold_cosigner::testing::SetClock;
use twofold_server::config::{Config, Limits};
use twofold_wire::client::decode_error;

use crate::house::{House, START, authority, secure};

#[tokio::test(flavor = "multi_thread")]
async fn o01_a_request_that_arrives_while_the_server_stops_is_told_so() {
    let house = House::open(&SetClock::at(START)).await;
    let stream = TcpStream::connect(house.running.address()).await.unwrap();
    let mut stream = secure(stream, &authority(house.folder.path())).await.unwrap();
    stream
        .write_all(b"POST /twofold.v1.CosignerService/Hello HTTP/1.1\r\nhost: x\r\n")
        .await
        .unwrap();
    stream.flush().await.unwrap();
    sleep(Duration::from_millis(300)).await;
    house.running.stopper().stop();
    sleep(Duration::from_millis(300)).await;
    stream
        .write_all(b"content-type: application/proto\r\ncontent-length: 0\r\n\r\n")
        .await
        .unwrap();
    let mut said = Vec::new();
    // A server that ends without TLS's goodbye is an error, and what it said is there all the same.
    let _ = timeout(Duration::from_secs(10), stream.read_to_end(&mut said))
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&said);
    assert!(said.starts_with("HTTP/1.1 503"), "{said}");
    let body = said.lines().find(|line| line.starts_with('{')).unwrap();
    assert_eq!(decode_error(503, body.as_bytes()).unwrap().reason, Reason::ShuttingDown);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn o02_a_client_that_is_stuck_holds_up_the_end_no_longer_than_the_time_to_drain() {
    let stuck_for_long = |config: &mut Config| {
        config.limits.header_seconds = 60;
        config.limits.stranger_seconds = 3600;
        config.limits.drain_seconds = 1;
    };
    let house = House::open_in(tempfile::tempdir().unwrap(), SetClock::at(START), stuck_for_long).await;
    let stream = TcpStream::connect(house.running.address()).await.unwrap();
    let mut stream = secure(stream, &authority(house.folder.path())).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: ").await.unwrap();
    stream.flush().await.unwrap();
    sleep(Duration::from_millis(300)).await;
    // Its time for the head of a request would be over only in a minute.
    timeout(Duration::from_secs(30), house.close()).await.unwrap();
    drop(stream);
}

#[test]
fn o02_as_shipped_the_time_to_drain_leaves_room_to_end_within_thirty_seconds() {
    // What follows it takes three seconds at most: the store, and threads that are busy with files.
    assert!(Limits::default().drain_seconds + 3 < 30);
}
