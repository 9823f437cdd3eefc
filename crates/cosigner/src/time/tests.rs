use super::*;
use crate::testing::SetClock;

#[test]
fn a09_time_never_goes_back_whatever_the_clock_does() {
    let clock = SetClock::at(10_000);
    let time = Time::new(clock.clone(), 0);
    assert_eq!(time.now(), 10_000);
    clock.set(10_000 - 3_600);
    assert_eq!(time.now(), 10_000);
    clock.set(10_001);
    assert_eq!(time.now(), 10_001);
    clock.set(u64::MAX);
    assert!(time.now() < u64::MAX / 2, "sums with such a time would overflow");
}

#[test]
fn a09_time_goes_on_from_what_is_stored() {
    assert_eq!(Time::new(SetClock::at(5), 7).now(), 7);
}

#[test]
fn time_is_stored_once_a_stride_and_not_with_every_request() {
    let time = Time::new(SetClock::at(1_000), 1_000);
    assert!(time.store_if_due(1_000).is_none());
    assert!(time.store_if_due(1_059).is_none());
    assert!(matches!(
        time.store_if_due(1_060),
        Some(Write::RaiseCounter(COUNTER, 1_060))
    ));
    assert!(time.store_if_due(1_061).is_none());
}
