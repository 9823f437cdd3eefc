//! What those can hold who have shown no signature: few places, for a short time, and little memory.

use std::{net::Ipv4Addr, time::Duration};

use http::StatusCode;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use twofold_api::request::Hello;
use twofold_cosigner::testing::SetClock;
use twofold_server::config::Config;

use crate::house::{House, START, Signed, authority, connect};

const HELLO: &str = "/twofold.v1.CosignerService/Hello";

async fn house(tweak: impl FnOnce(&mut Config)) -> House {
    House::open_in(tempfile::tempdir().unwrap(), SetClock::at(START), tweak).await
}

/// A connection from another address of this machine.
async fn from_elsewhere(house: &House) -> std::io::Result<()> {
    house.connect_from(Ipv4Addr::new(127, 0, 0, 2)).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_one_address_cannot_take_the_places_of_the_others() {
    let house = house(|config| config.limits.connections_per_address = 3).await;
    let authority = authority(house.folder.path());
    let held = [house.connect().await, house.connect().await, house.connect().await];
    assert!(connect(house.running.address(), &authority).await.is_err());
    from_elsewhere(&house).await.unwrap();
    drop(held);
    let again = async {
        while connect(house.running.address(), &authority).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), again)
        .await
        .expect("its places are free again");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_silent_handshakes_leave_room_for_those_who_are_through() {
    let house = house(|config| config.limits.connections = 40).await;
    let mut first = house.connect().await;
    let mut silent = Vec::new();
    for _ in 0..10 {
        silent.push(TcpStream::connect(house.running.address()).await.unwrap());
    }
    // Ten of the forty places are a quarter: the eleventh handshake finds none, though thirty connections would fit.
    assert!(from_elsewhere(&house).await.is_err());
    assert_eq!(first.get("/health/live").await.status, StatusCode::OK);
    drop(silent);
    let again = async {
        while from_elsewhere(&house).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), again)
        .await
        .expect("the handshakes are free again");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_asking_for_health_or_nothing_keeps_no_connection_open_and_a_known_device_does() {
    let house = house(|config| config.limits.stranger_seconds = 1).await;
    let device = house.enrolled(START).await;
    for path in ["/health/live", "/nothing", HELLO] {
        let mut connection = house.connect().await;
        let ask = Signed {
            method: if path == HELLO { "POST" } else { "GET" }.parse().unwrap(),
            ..Signed::unsigned(path, Vec::new())
        };
        let asking = async {
            while connection.send(&ask).await.is_ok() {
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(Duration::from_secs(10), asking)
            .await
            .unwrap_or_else(|_| panic!("{path} keeps a connection open"));
    }
    let mut connection = house.connect().await;
    for _ in 0..8 {
        let answer = connection.send(&device.sign(&house, &Hello, START)).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        sleep(Duration::from_millis(300)).await;
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_a15_the_rate_of_an_address_counts_connections_and_every_path() {
    let house = house(|config| {
        config.limits.address_per_second = 1;
        config.limits.address_burst = 6;
    })
    .await;
    let mut connection = house.connect().await;
    for path in ["/health/live", "/nothing", "/health/ready", "/", HELLO] {
        assert_ne!(
            connection.get(path).await.status,
            StatusCode::TOO_MANY_REQUESTS,
            "{path}"
        );
    }
    // One a second comes back meanwhile.
    for path in ["/health/live", "/nothing"] {
        let mut answer = connection.get(path).await;
        for _ in 0..50 {
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                break;
            }
            answer = connection.get(path).await;
        }
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        assert!(answer.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
    }
    let authority = authority(house.folder.path());
    let mut refused = false;
    for _ in 0..50 {
        refused |= connect(house.running.address(), &authority).await.is_err();
    }
    assert!(refused, "connections are not counted");
    house.close().await;
}
