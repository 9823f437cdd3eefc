use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

use super::{
    held::Held,
    lease::{Lease, Reading},
    parse_span, show_span,
};

#[test]
fn spans_are_read_within_their_bounds() {
    for (text, seconds) in [("90s", 90), ("15m", 900), ("2h", 7200), ("24h", 86_400), ("1s", 1)] {
        let span = Duration::from_secs(seconds);
        assert_eq!(parse_span(text), Ok(span), "{text}");
        assert_eq!(show_span(span), text);
    }
    for text in [
        "",
        "s",
        "15",
        "0s",
        "25h",
        "86401s",
        "-1s",
        "1.5h",
        "1d",
        " 1s",
        "+1s",
        "99999999999999999999h",
        "1\u{e9}",
    ] {
        assert!(parse_span(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_lease_ends_with_its_time_and_with_a_sleep() {
    let reading = |awake, all| Reading {
        awake: Duration::from_secs(awake),
        all: Duration::from_secs(all),
    };
    let lease = Lease::at(reading(1_000, 5_000), Duration::from_secs(60));
    assert!(!lease.is_over_at(reading(1_000, 5_000)));
    assert!(!lease.is_over_at(reading(1_059, 5_059)));
    assert!(lease.is_over_at(reading(1_060, 5_060)), "its time");
    assert!(!lease.is_over_at(reading(1_010, 5_011)));
    assert!(lease.is_over_at(reading(1_010, 5_012)), "a sleep of two seconds");
    assert!(lease.is_over_at(reading(1_001, 90_000)), "a night");
}

#[test]
fn o05_a_hardened_process_writes_no_core_dump_and_is_nobody_elses_to_read() {
    super::harden().unwrap();
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    let limit = getrlimit(Resource::Core);
    assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
}

/// What one test locks is in the other's count.
static ONE_BY_ONE: Mutex<()> = Mutex::new(());

/// How much memory this process has locked, in KiB.
fn locked() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmLck:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_held_key_is_in_locked_memory_until_it_is_dropped() {
    let _alone = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = locked();
    let bytes = [[7; 32], [8; 32]].concat();
    let held = Held::read(&mut bytes.as_slice()).unwrap();
    assert_eq!((held.key(), held.file()), (&[7; 32][..], &[8; 32]));
    assert!(locked() >= before + 4);
    drop(held);
    assert_eq!(locked(), before);
    assert!(Held::read(&mut &bytes[..63]).is_err());
}

#[test]
fn a_command_that_waits_for_long_locks_what_it_has_in_memory_or_says_that_it_could_not() {
    let _alone = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let secret = vec![7_u8; 1 << 16];
    let before = locked();
    if super::stay_in_memory() {
        assert!(locked() >= before + 64, "{} KiB", locked());
        rustix::mm::munlockall().unwrap();
    } else {
        assert_eq!(locked(), before);
    }
    assert_eq!(secret[0], 7);
}
