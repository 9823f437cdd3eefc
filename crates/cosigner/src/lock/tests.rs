use super::*;
use futures::{FutureExt, executor::block_on, pin_mut};

#[test]
fn one_name_is_held_by_one_and_another_name_is_free() {
    let locks = Locks::new();
    block_on(async {
        let held = locks.hold(1).await;
        assert!(locks.hold(1).now_or_never().is_none(), "held twice");
        assert!(locks.hold(2).now_or_never().is_some(), "another name waits");
        drop(held);
        assert!(locks.hold(1).now_or_never().is_some(), "still held");
    });
}

#[test]
fn a_lock_that_nobody_holds_or_waits_for_is_gone() {
    let locks = Locks::new();
    block_on(async {
        let first = locks.hold(1).await;
        {
            let waiting = locks.hold(1);
            pin_mut!(waiting);
            assert!(waiting.as_mut().now_or_never().is_none());
            drop(first);
            // Given up after the lock was free and before it was taken.
        }
        assert_eq!(locks.len(), 0);
        drop(locks.hold(1).await);
        assert_eq!(locks.len(), 0);
    });
}

#[test]
fn whoever_waits_keeps_the_lock_alive() {
    let locks = Locks::new();
    block_on(async {
        let first = locks.hold(1).await;
        let second = locks.hold(1);
        pin_mut!(second);
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        let _second = second.await;
        assert!(
            locks.hold(1).now_or_never().is_none(),
            "a second lock of the same name came to be"
        );
    });
}
