use std::sync::Arc;

use twofold_api::Reason;
use twofold_cosigner::port::record::UserId;
use twofold_threshold::id::DeviceId;

use super::{IN_ALL, PER_DEVICE, PER_USER, Watchers};
use crate::metric;

fn device(n: usize) -> DeviceId {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&n.to_be_bytes());
    DeviceId(id)
}

fn user(n: usize) -> UserId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_be_bytes());
    UserId(id)
}

#[test]
fn f28_open_streams_are_counted_while_they_are_open() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let told = |count: u32| {
        let line = format!("{} {count}\n", metric::WATCHERS);
        let text = recorder.handle().render();
        assert!(text.contains(&line), "{count}: {text}");
    };
    metrics::with_local_recorder(&recorder, || {
        let watchers = Arc::<Watchers>::default();
        let places = [1, 2].map(|n| watchers.enter(device(n), user(n)).unwrap());
        told(2);
        drop(places);
        told(0);
    });
}

#[test]
fn a15_streams_are_bounded_by_device_by_user_and_in_all_and_leave_nothing_behind() {
    let watchers = Arc::<Watchers>::default();
    let refused = |device, user| watchers.enter(device, user).err().map(|refusal| refusal.reason);
    let mut places: Vec<_> = (0..PER_DEVICE)
        .map(|_| watchers.enter(device(0), user(0)).unwrap())
        .collect();
    assert_eq!(refused(device(0), user(0)), Some(Reason::QuotaExceeded));
    places.extend((PER_DEVICE..PER_USER).map(|n| watchers.enter(device(n), user(0)).unwrap()));
    assert_eq!(refused(device(99), user(0)), Some(Reason::QuotaExceeded));
    // One that ends makes room for one.
    places.pop();
    places.push(watchers.enter(device(99), user(0)).unwrap());
    assert_eq!(refused(device(98), user(0)), Some(Reason::QuotaExceeded));

    places.extend((PER_USER..IN_ALL).map(|n| watchers.enter(device(1_000 + n), user(n)).unwrap()));
    assert_eq!(refused(device(9_000), user(9_000)), Some(Reason::QuotaExceeded));
    assert_eq!(watchers.open().2, IN_ALL);
    drop(places);
    assert_eq!(watchers.open(), (0, 0, 0));
}
