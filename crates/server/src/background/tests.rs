use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::supervised;
use crate::{health::Health, listen::Phase};

#[tokio::test]
async fn o04_a_task_that_panics_or_ends_is_begun_again_and_health_says_so() {
    let (_phase, watched) = watch::channel(Phase::Running);
    let health = Arc::new(Health::new(watched));
    assert_eq!(health.troubles(), Vec::<String>::new());
    let (begun, steady) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
    let task = {
        let (begun, steady) = (Arc::clone(&begun), Arc::clone(&steady));
        move || {
            let (count, steady) = (begun.fetch_add(1, Ordering::SeqCst), Arc::clone(&steady));
            async move {
                match count {
                    0 => panic!("as a defect would"),
                    1 => {}
                    _ => {
                        steady.notify_one();
                        std::future::pending::<()>().await;
                    }
                }
            }
        }
    };
    let running = tokio::spawn(supervised("follow", Arc::clone(&health), task));
    timeout(Duration::from_secs(60), steady.notified()).await.unwrap();
    running.abort();
    assert_eq!(begun.load(Ordering::SeqCst), 3);
    assert_eq!(health.troubles(), ["`follow` broke off and was begun again, 2 times"]);
}
