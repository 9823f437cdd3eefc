use std::time::Duration;

use tokio::sync::watch;

use super::Health;
use crate::listen::Phase;

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn f13_ready_is_true_only_while_store_and_node_answer_and_the_server_is_not_stopping() {
    let (phase, watched) = watch::channel(Phase::Running);
    let health = Health::new(watched);
    assert!(!health.ready_at(at(0)), "nothing has answered yet");
    health.store.note(at(0));
    assert!(!health.ready_at(at(0)), "the node has not answered yet");
    health.node.note(at(0));
    assert!(health.ready_at(at(0)));

    assert!(!health.ready_at(at(11)), "the store is silent");
    health.store.note(at(11));
    assert!(health.ready_at(at(11)));

    health.store.note(at(61));
    assert!(!health.ready_at(at(62)), "the node is silent");
    health.node.note(at(62));
    assert!(health.ready_at(at(62)));

    phase.send_replace(Phase::Draining);
    assert!(!health.ready_at(at(62)), "the server is stopping");
}
