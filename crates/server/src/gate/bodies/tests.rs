use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use twofold_api::{Reason, Refusal};

use super::{Bodies, Held};

const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
const MOST: usize = 80;

fn bodies(share: usize) -> Bodies {
    Bodies::new(100, share, Duration::from_millis(50))
}

async fn read(bodies: &Bodies, length: usize, address: IpAddr) -> Result<Held, Refusal> {
    bodies
        .read(Full::new(Bytes::from(vec![7; length])), MOST, address)
        .await
}

fn told_to_come_back(refused: Result<Held, Refusal>) {
    let refused = refused.err().unwrap();
    assert_eq!(refused.reason, Reason::RateLimited);
    assert!(refused.retry_after.is_some_and(|seconds| seconds >= 1));
}

#[tokio::test]
async fn a10_bodies_take_no_more_than_their_room_in_all_and_who_waits_too_long_is_told_when_to_come_back() {
    let bodies = bodies(100);
    let held = read(&bodies, 60, ONE).await.unwrap();
    let _small = read(&bodies, 40, OTHER).await.unwrap();
    told_to_come_back(read(&bodies, 1, ONE).await);
    assert_eq!(held.bytes.len(), 60);
    drop(held);
    assert_eq!(read(&bodies, 60, ONE).await.unwrap().bytes, vec![7; 60]);
}

#[tokio::test]
async fn a10_one_address_has_no_more_than_its_share_and_leaves_the_rest_to_others() {
    let bodies = bodies(50);
    let held = read(&bodies, 50, ONE).await.unwrap();
    told_to_come_back(read(&bodies, 1, ONE).await);
    let theirs = read(&bodies, 50, OTHER).await.unwrap();
    drop(held);
    read(&bodies, 50, ONE).await.unwrap();
    drop(theirs);
    assert!(bodies.shares.table().is_empty(), "nothing is kept of who holds nothing");
}

#[tokio::test]
async fn f18_a_body_may_have_its_most_bytes_and_not_one_more() {
    let bodies = bodies(100);
    assert_eq!(read(&bodies, MOST, ONE).await.unwrap().bytes.len(), MOST);
    assert_eq!(
        read(&bodies, MOST + 1, ONE).await.err().unwrap().reason,
        Reason::TooLarge
    );
}

#[tokio::test]
async fn a_body_that_is_let_pass_by_takes_no_room() {
    let bodies = bodies(100);
    let _held = read(&bodies, 60, ONE).await.unwrap();
    bodies.discard(&mut Full::new(Bytes::from(vec![7; 1000]))).await;
    read(&bodies, 40, ONE).await.unwrap();
}
