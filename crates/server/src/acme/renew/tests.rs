use std::{
    cell::{Cell, RefCell},
    future::{pending, ready},
};

use futures::FutureExt as _;
use tokio::sync::watch;

use super::*;
use crate::listen::Phase;

const DAY: u64 = 86_400;
const HOUR: u64 = 3_600;
/// When the authority below begins.
const START: u64 = 1_790_000_000;

#[test]
fn a19_a_certificate_is_renewed_when_a_third_of_its_life_is_left() {
    let due = |life, now| due(Some(life), now).as_secs();
    let life = (0, 90 * DAY);
    assert_eq!(due(life, 0), 60 * DAY);
    assert_eq!(due(life, 60 * DAY - 1), 1);
    assert_eq!(due(life, 60 * DAY), 0);
    assert_eq!(due(life, 900 * DAY), 0);
    assert_eq!(due((10, 16), 10), 4);
    assert!(super::due(None, 7).is_zero());
}

#[test]
fn a19_an_authority_that_fails_is_asked_later_each_time() {
    let tenth_more = |wait: Duration| wait + wait / 10;
    for (failures, wait) in [
        (0, 300),
        (1, 600),
        (2, 1_200),
        (6, 19_200),
        (7, 21_600),
        (u32::MAX, 21_600),
    ] {
        let wait = Duration::from_secs(wait);
        let drawn = after(failures);
        assert!(drawn >= wait && drawn <= tenth_more(wait), "{failures}: {drawn:?}");
    }
}

/// How often an authority is asked in so many seconds, whose certificates are dated back by `back` and good for `left` from
/// when they are given; and what health tells in the end.
fn asked(back: u64, left: u64, seconds: u64, answer: impl Fn() -> Result<(), String>) -> (u32, Option<String>) {
    let clock = Cell::new(START);
    let now = || clock.get();
    // Time passes while it rests, and ends for good.
    let rest = |wait: Duration| {
        clock.set(clock.get() + wait.as_secs());
        let over = clock.get() > START + seconds;
        async move {
            if over {
                pending::<()>().await;
            }
        }
    };
    let (given, count) = (RefCell::new(None), Cell::new(0));
    let health = Health::new(watch::channel(Phase::Running).1);
    let order = || {
        count.set(count.get() + 1);
        assert!(count.get() < 100_000, "it is asked in a loop");
        ready(answer().map(|()| {
            given.replace(Some((now() - back, now() + left)));
        }))
    };
    let life = || ready(given.borrow().filter(|(from, until)| (*from..=*until).contains(&now())));
    let kept = keep(&health, now, rest, life, order).now_or_never();
    assert!(kept.is_none(), "it never ends");
    (count.get(), health.troubles().first().cloned())
}

#[test]
fn a19_an_authority_is_asked_as_often_as_its_certificates_want_and_no_more() {
    // Every sixty days.
    let (count, trouble) = asked(0, 90 * DAY, 365 * DAY, || Ok(()));
    assert_eq!((count, trouble), (7, None));
    // Such as live for six days, dated back by an hour, as some do.
    let (count, trouble) = asked(HOUR, 6 * DAY, 60 * DAY, || Ok(()));
    assert!((15..=16).contains(&count) && trouble.is_none(), "{count} {trouble:?}");
    // A few seconds: not even then without a pause.
    let (count, _) = asked(0, 2, 60, || Ok(()));
    assert!(count <= 13, "{count}");
}

#[test]
fn a19_certificates_that_are_due_as_they_come_are_asked_for_later_each_time_and_told_of() {
    for (back, left, most) in [
        // Before each is over, as long as that is no more than once a minute.
        (DAY, HOUR, 55),
        (DAY, 200, 900),
        (DAY, 100, 12),
        (DAY, 0, 12),
        (30 * DAY, 7 * DAY, 12),
    ] {
        let (count, trouble) = asked(back, left, DAY, || Ok(()));
        assert!((8..=most).contains(&count), "{back} {left}: {count}");
        assert!(trouble.is_some_and(|why| why.contains("clock")), "{back} {left}");
    }
    let (count, _) = asked(30 * DAY, 7 * DAY, 2 * DAY, || Ok(()));
    assert!(count <= 15, "the waits grow: {count}");
}

#[test]
fn a19_an_authority_that_gives_nothing_is_asked_a_dozen_times_a_day_and_the_reason_is_told() {
    let (count, trouble) = asked(0, 90 * DAY, DAY, || Err("no".into()));
    assert!((8..=12).contains(&count), "{count}");
    assert!(trouble.is_some_and(|why| why.contains("no")));
}
