//! A panic in the middle of any handler reaches its caller alone.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use http::StatusCode;
use twofold_api::request::Hello;
use twofold_cosigner::port::Clock;
use twofold_threshold::id::WalletId;
use twofold_wire::METHODS;

use crate::{
    backends,
    house::{Device, House, START},
    requests::body,
};

/// A clock that blows up once when it is armed: wherever a request is at that moment, it panics.
#[derive(Debug, Clone, Default)]
struct Bomb(Arc<AtomicBool>);

impl Clock for Bomb {
    fn now(&self) -> u64 {
        assert!(!self.0.swap(false, Ordering::SeqCst), "the bomb went off");
        START
    }

    fn steady(&self) -> u64 {
        0
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o04_a_panic_in_any_handler_is_internal_to_its_caller_and_the_next_request_works() {
    let bomb = Bomb::default();
    let backend = Device::new();
    let house = House::open_in(tempfile::tempdir().unwrap(), bomb.clone(), |config| {
        backends::list(config, &backend);
    })
    .await;
    let known = house.enrolled(START).await;
    let wallet = WalletId([0x11; 16]);
    for method in METHODS {
        let device = if backends::for_backends(method.path) {
            &backend
        } else {
            &known
        };
        let named = method.needs_wallet.then_some(wallet);
        let signed = device.sign_bytes(&house, method.path, body(method.path, wallet), named, START);
        // The follower asks the time as well and may be hit instead: then it is armed again.
        let mut hit = None;
        for _ in 0..20 {
            bomb.0.store(true, Ordering::SeqCst);
            let answer = house.send(&signed).await;
            if answer.status == StatusCode::INTERNAL_SERVER_ERROR {
                hit = Some(answer);
                break;
            }
        }
        let hit = hit.unwrap_or_else(|| panic!("{} was never hit", method.path));
        let refusal = hit.refusal();
        assert_eq!(refusal.reason.as_str(), "INTERNAL");
        let id = hit.headers["x-request-id"].to_str().unwrap();
        assert!(
            refusal.message.contains(id) && !refusal.message.contains("bomb"),
            "{refusal}"
        );
        assert_eq!(
            house.send(&known.sign(&house, &Hello, START)).await.status,
            StatusCode::OK,
            "{}",
            method.path
        );
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f08_panics_in_many_requests_at_once_poison_nothing_that_others_need() {
    let bomb = Bomb::default();
    let house = House::open_in(tempfile::tempdir().unwrap(), bomb.clone(), |_| ()).await;
    let device = house.enrolled(START).await;
    let mut hits = 0;
    for _ in 0..20 {
        let burst: Vec<_> = (0..8).map(|_| device.sign(&house, &Hello, START)).collect();
        bomb.0.store(true, Ordering::SeqCst);
        let answers = futures::future::join_all(burst.iter().map(|signed| house.send(signed))).await;
        hits += answers
            .iter()
            .filter(|answer| answer.status == StatusCode::INTERNAL_SERVER_ERROR)
            .count();
    }
    assert!(hits > 0, "no request was hit");
    bomb.0.store(false, Ordering::SeqCst);
    // Reading, writing and a new device's path all still work.
    assert_eq!(
        house.send(&device.sign(&house, &Hello, START)).await.status,
        StatusCode::OK
    );
    house.enrolled(START).await;
    assert_eq!(house.connect().await.get("/health/live").await.status, StatusCode::OK);
    house.close().await;
}
