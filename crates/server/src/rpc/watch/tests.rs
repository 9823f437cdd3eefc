use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use twofold_api::{Reason, reply::Pulse};
use twofold_cosigner::port::record::UserId;
use twofold_threshold::id::DeviceId;
use twofold_wire::service::Events;

use super::told;
use crate::{health::Health, listen::Phase, watchers::Watchers};

const PULSE: Pulse = Pulse {
    cursor: 1,
    timeline: 0,
    tip: None,
    seq: 1,
};
const NEVER: Duration = Duration::from_secs(3600);

/// A stream that is told of nothing, or of as much as its reader takes.
fn stream(watchers: &Arc<Watchers>, phase: &watch::Sender<Phase>, span: Duration, talks: bool) -> Events<Pulse> {
    let place = watchers.enter(DeviceId([1; 32]), UserId([2; 16])).unwrap();
    let health = Arc::new(Health::new(phase.subscribe()));
    told(place, Instant::now() + span, health, async move |tell| {
        while talks && tell.send(Ok(PULSE)).await.is_ok() {}
        std::future::pending::<()>().await;
    })
}

async fn left(watchers: &Arc<Watchers>) {
    let empty = async {
        while watchers.open() != (0, 0, 0) {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), empty)
        .await
        .expect("the place is free again");
}

#[tokio::test]
async fn a15_a_stream_that_nobody_reads_gives_its_place_back_when_its_time_is_over() {
    let (watchers, phase) = (Arc::<Watchers>::default(), watch::channel(Phase::Running).0);
    let unread = stream(&watchers, &phase, Duration::from_millis(50), true);
    assert_eq!(watchers.open(), (1, 1, 1));
    left(&watchers).await;
    // It ends for its reader as well, after what was told before.
    let all: Vec<_> = timeout(Duration::from_secs(10), unread.collect()).await.unwrap();
    assert_eq!(all.len(), 1);
}

#[tokio::test]
async fn a15_a_stream_that_nobody_reads_gives_its_place_back_when_the_server_stops_and_when_it_is_dropped() {
    let (watchers, phase) = (Arc::<Watchers>::default(), watch::channel(Phase::Running).0);
    let dropped = stream(&watchers, &phase, NEVER, true);
    drop(dropped);
    left(&watchers).await;
    let mut unread = stream(&watchers, &phase, NEVER, false);
    phase.send(Phase::Draining).unwrap();
    left(&watchers).await;
    let last = unread.next().await.unwrap().unwrap_err();
    assert_eq!(last.reason, Reason::ShuttingDown);
    assert!(unread.next().await.is_none());
}
