use super::*;
use crate::testing::SetClock;

const START: u64 = 1_790_000_000;
const HOUR: u64 = 3_600;
/// The year 2100.
const WRONG: u64 = 4_102_444_800;

fn settled<K: Clock>(time: &Time<K>) -> Option<u64> {
    time.settled().map(|(at, write)| {
        assert!(matches!(write, Write::RaiseCounter(COUNTER, stored) if stored == at));
        at
    })
}

#[test]
fn a09_no_time_by_which_records_went_ever_comes_again() {
    let clock = SetClock::at(START);
    let time = Time::new(clock.clone(), 0, false);
    clock.pass(HOUR);
    let dropped_by = settled(&time).expect("it kept time for an hour");
    assert_eq!(dropped_by, START + HOUR);
    for shown in [START, START - HOUR, 0, WRONG, START + 1] {
        clock.set(shown);
        assert!(time.now() >= dropped_by, "the clock shows {shown}");
    }
    let after_a_restart = Time::new(clock, dropped_by, false);
    assert_eq!(after_a_restart.now(), dropped_by);
}

#[test]
fn a09_a_moment_of_a_wrong_clock_leaves_no_trace() {
    let clock = SetClock::at(START);
    let time = Time::new(clock.clone(), START, false);
    clock.pass(HOUR);
    assert!(settled(&time).is_some());
    clock.set(WRONG);
    assert_eq!(settled(&time), None, "records go by a clock that has just jumped");
    clock.set(START + HOUR + 1);
    assert_eq!((settled(&time), time.now()), (None, START + HOUR + 1));
    clock.pass(SETTLES - 1);
    assert_eq!(settled(&time), None);
    clock.pass(1);
    assert_eq!(settled(&time), Some(START + HOUR + 1 + SETTLES));
}

#[test]
fn a09_a_clock_that_is_wrong_at_the_start_and_set_right_soon_is_not_believed() {
    let clock = SetClock::at(WRONG);
    let time = Time::new(clock.clone(), 0, false);
    clock.pass(SETTLES - 1);
    assert_eq!(settled(&time), None);
    clock.set(START);
    clock.pass(SETTLES);
    assert_eq!(settled(&time), None, "the jump itself was within the while");
    clock.pass(SETTLES);
    assert_eq!(settled(&time), Some(START + 2 * SETTLES));
}

#[test]
fn a_server_that_was_off_for_a_day_goes_on_and_one_that_was_off_for_months_waits_for_the_operators_word() {
    for (away, trusted, goes_on) in [
        (86_400, false, true),
        (FAR + HOUR, false, false),
        (FAR + HOUR, true, true),
    ] {
        let clock = SetClock::at(START + away);
        let time = Time::new(clock.clone(), START, trusted);
        for _ in 0..3 {
            clock.pass(SETTLES);
            assert_eq!(settled(&time).is_some(), goes_on, "away for {away}, trusted: {trusted}");
        }
        assert_eq!(time.now(), START + away + 3 * SETTLES, "requests are served meanwhile");
    }
}

#[test]
fn a_clock_that_is_set_right_slowly_keeps_pace() {
    let clock = SetClock::at(START);
    let time = Time::new(clock.clone(), START, false);
    for _ in 0..100 {
        clock.pass(SETTLES);
        clock.set(clock.now() + 1);
        assert!(settled(&time).is_some());
    }
}

#[test]
fn what_a_wrong_clock_must_not_end_is_counted_by_the_floor() {
    let clock = SetClock::at(START);
    let time = Time::new(clock.clone(), START - HOUR, false);
    assert_eq!(time.counted(), START - HOUR);
    clock.set(WRONG);
    assert_eq!(time.counted(), START - HOUR);
    clock.set(START);
    let _ = time.now();
    clock.pass(HOUR);
    assert_eq!(time.counted(), START + HOUR);
}

#[test]
fn f09_a_clock_past_the_year_9999_overflows_no_sum() {
    let clock = SetClock::at(u64::MAX);
    let time = Time::new(clock.clone(), u64::MAX / 4, true);
    assert!(time.now() < u64::MAX / 2);
    clock.pass(HOUR);
    assert!(time.now() < u64::MAX / 2);
}
