use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use twofold_api::Reason;

use super::Bodies;

fn body(length: usize) -> Full<Bytes> {
    Full::new(Bytes::from(vec![7; length]))
}

#[tokio::test]
async fn a10_bodies_take_no_more_than_their_room_in_all_and_who_waits_too_long_is_told_when_to_come_back() {
    let bodies = Bodies::new(100, Duration::from_millis(50));
    let held = bodies.read(body(60)).await.unwrap();
    let _small = bodies.read(body(40)).await.unwrap();
    let refused = bodies.read(body(1)).await.err().unwrap();
    assert_eq!(refused.reason, Reason::RateLimited);
    assert!(refused.retry_after.is_some_and(|seconds| seconds >= 1));
    assert_eq!(held.bytes.len(), 60);
    drop(held);
    assert_eq!(bodies.read(body(60)).await.unwrap().bytes, vec![7; 60]);
}
