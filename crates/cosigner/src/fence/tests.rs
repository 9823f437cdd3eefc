use super::*;

fn seen(epoch: u32, seq: u64) -> Seen {
    Seen {
        device: [1; 32],
        generation: 0,
        seq,
        chain: [2; 32],
        epoch,
    }
}

fn decided() -> Fence {
    let mut fence = Fence::restored(100, None);
    fence.decision = Some(Decision {
        at: 150,
        reason: "the disk died".to_owned(),
    });
    fence.agreed.push([1; 32]);
    fence
}

#[test]
fn a_checkpoint_that_says_no_more_than_the_one_before_changes_nothing() {
    let mut fence = Fence::shown(seen(1, 9), 100);
    let before = fence.clone();
    assert!(!fence.see(seen(1, 9), 1, 200));
    assert!(!fence.see(seen(1, 8), 1, 200));
    assert_eq!(fence, before);
}

#[test]
fn a_checkpoint_that_says_more_begins_the_time_anew() {
    let mut fence = Fence::shown(seen(1, 9), 100);
    assert!(fence.see(seen(1, 10), 1, 200));
    assert_eq!((fence.since, fence.seen), (200, Some(seen(1, 10))));
}

#[test]
fn s19_no_device_lifts_a_fence_alone_however_long_it_waits() {
    let (one, two) = (DeviceId([1; 32]), DeviceId([2; 32]));
    let mut fence = Fence::restored(100, None);
    let over = 100 + NOTICE_SECONDS;
    let all = |_| true;
    assert_eq!(fence.lifted_by(one, &[one], all, u64::MAX), None);
    assert_eq!(fence.lifted_by(one, &[one, two], all, over), None);
    fence.agree(one);
    assert_eq!(
        fence.lifted_by(one, &[one, two], all, over),
        None,
        "its second yes counted"
    );
    assert_eq!(
        fence.lifted_by(two, &[one, two], all, over - 1),
        None,
        "the time is not over"
    );
    assert_eq!(fence.lifted_by(two, &[one, two], all, over), Some(Lift::Devices));
    assert_eq!(fence.lifted_by(two, &[one, two, DeviceId([3; 32])], all, over), None);
}

#[test]
fn s24_the_devices_lift_a_fence_without_one_that_is_lost_for_ever() {
    let [one, two, lost] = [1, 2, 3].map(|number| DeviceId([number; 32]));
    let mut fence = Fence::restored(100, None);
    let over = 100 + NOTICE_SECONDS;
    let lately = |device| device != lost;
    fence.agree(one);
    assert_eq!(
        fence.lifted_by(two, &[one, two, lost], lately, over),
        Some(Lift::Devices)
    );
    assert_eq!(fence.lifted_by(two, &[one, two, lost], |_| true, over), None);
    // Never by a lone device, though all others are lost.
    let fence = Fence::restored(100, None);
    assert_eq!(
        fence.lifted_by(one, &[one, two, lost], |device| device == one, over),
        None
    );
}

#[test]
fn s19_nothing_is_lifted_while_a_device_is_known_to_be_at_a_later_epoch() {
    let fence = Fence::shown(seen(2, 9), 100);
    assert!(fence.may_be_lifted(1).is_err());
    assert!(fence.may_be_lifted(2).is_ok());
    assert!(Fence::restored(100, None).may_be_lifted(1).is_ok());
}

#[test]
fn a_later_epoch_undoes_what_was_agreed_on_without_it() {
    let mut spends = decided();
    assert!(spends.see(seen(1, 9), 1, 200));
    assert!(spends.decision.is_some() && !spends.agreed.is_empty());
    let mut refreshed = decided();
    assert!(refreshed.see(seen(2, 9), 1, 200));
    assert!(refreshed.decision.is_none() && refreshed.agreed.is_empty());
}

#[test]
fn s19_a_fence_that_is_restored_asks_everybody_again() {
    let mut fence = decided();
    fence.again(900, Some(4));
    assert_eq!((fence.since, fence.anchored), (900, Some(4)));
    assert!(fence.decision.is_none() && fence.agreed.is_empty());
    fence.again(800, Some(3));
    assert_eq!((fence.since, fence.anchored), (900, Some(4)));
}

#[test]
fn s11_a_part_of_what_was_lost_hides_no_change_of_devices_from_the_operator() {
    let all = |_| true;
    let mut fence = Fence::restored(100, Some(3));
    fence.brought((3, 3), all);
    assert_eq!(fence.anchored, Some(3));
    let mut fence = Fence::restored(100, Some(5));
    fence.brought((3, 4), all);
    assert_eq!(fence.anchored, Some(5));
    fence.brought((4, 5), all);
    assert_eq!(fence.anchored, None);
}
