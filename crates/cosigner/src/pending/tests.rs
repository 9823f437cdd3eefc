use super::*;

const DAY: u64 = 86_400;
const WAITS: Waits = Waits {
    short: 1,
    notice: DAY,
    long: 7 * DAY,
    recovery: 2 * DAY,
};

fn wish(asker: Asker, subject: u8) -> Wish {
    Wish {
        what: What::Enrol,
        subject: [subject; 32],
        asker,
        body: vec![subject; 10],
    }
}

const ONE: Asker = Asker::Device([1; 32]);
const TWO: Asker = Asker::Device([2; 32]);

fn after(leave: Leave, noticed: bool) -> Wait {
    wait(leave, noticed, &WAITS).unwrap().unwrap()
}

#[test]
fn a24_without_anybody_to_notice_a_wait_is_long_and_takes_the_operator() {
    let plain = |seconds| Wait {
        seconds,
        operator: false,
    };
    let long = Wait {
        seconds: 7 * DAY,
        operator: true,
    };
    assert_eq!(wait(Leave::Now, false, &WAITS).unwrap(), None);
    assert_eq!(after(Leave::AfterNotice, true), plain(DAY));
    assert_eq!(after(Leave::AfterNotice, false), long);
    assert_eq!(after(Leave::AfterLong, true), long);
    assert_eq!(after(Leave::AfterShort, false), plain(1));
    assert_eq!(after(Leave::AfterRecovery, false), plain(2 * DAY));
    let never = wait(Leave::Never, true, &WAITS).unwrap_err();
    assert_eq!(never.reason, Reason::NotPermitted);
}

#[test]
fn a_change_is_ripe_for_its_asker_alone_when_its_time_has_come() {
    let mut waiting = Waiting::default();
    waiting
        .ask(wish(ONE, 1), after(Leave::AfterNotice, true), 1_000)
        .unwrap();
    assert!(!waiting.is_ripe(ONE, &[1; 32], 1_000 + DAY - 1));
    assert!(waiting.is_ripe(ONE, &[1; 32], 1_000 + DAY));
    assert!(!waiting.is_ripe(TWO, &[1; 32], 1_000 + DAY));
    assert!(!waiting.is_ripe(ONE, &[2; 32], 1_000 + DAY));
    waiting.done(&[1; 32]);
    assert!(!waiting.is_ripe(ONE, &[1; 32], 1_000 + DAY));
}

#[test]
fn asking_again_starts_no_second_wait() {
    let mut waiting = Waiting::default();
    let first = waiting
        .ask(wish(ONE, 1), after(Leave::AfterNotice, true), 1_000)
        .unwrap()
        .tell();
    let again = Wish {
        body: vec![9],
        ..wish(ONE, 1)
    };
    let told = waiting
        .ask(again, after(Leave::AfterNotice, true), 5_000)
        .unwrap()
        .tell();
    assert_eq!((told.change, told.due), (first.change, first.due));
    assert_eq!(told.entry, [9]);
    assert_eq!(waiting.len(), 1);
}

#[test]
fn a24_what_takes_the_operators_yes_is_ripe_with_it_and_not_before_its_time() {
    let mut waiting = Waiting::default();
    let number = waiting
        .ask(wish(ONE, 1), after(Leave::AfterLong, true), 0)
        .unwrap()
        .number;
    assert!(!waiting.is_ripe(ONE, &[1; 32], 8 * DAY));
    waiting.agree(number).unwrap();
    assert!(!waiting.is_ripe(ONE, &[1; 32], 6 * DAY));
    assert!(waiting.is_ripe(ONE, &[1; 32], 7 * DAY));
    let other = waiting
        .ask(wish(TWO, 2), after(Leave::AfterNotice, true), 0)
        .unwrap()
        .number;
    assert_eq!(waiting.agree(other).unwrap_err().reason, Reason::NotPermitted);
    assert_eq!(waiting.agree(99).unwrap_err().reason, Reason::ChangeNotFound);
}

#[test]
fn a24_a_device_cancels_a_devices_wish_and_only_objects_to_recoverys() {
    let mut waiting = Waiting::default();
    let number = waiting
        .ask(wish(ONE, 1), after(Leave::AfterNotice, true), 0)
        .unwrap()
        .number;
    assert_eq!(
        waiting.cancel(number, DeviceId([2; 32])),
        Ok(Stopped::Cancelled([1; 32]))
    );
    assert_eq!(waiting.len(), 0);
    let number = waiting
        .ask(wish(Asker::Recovery, 3), after(Leave::AfterRecovery, true), 0)
        .unwrap()
        .number;
    assert_eq!(
        waiting.cancel(number, DeviceId([2; 32])),
        Ok(Stopped::Objected([3; 32]))
    );
    assert!(
        !waiting.is_ripe(Asker::Recovery, &[3; 32], 9 * DAY),
        "the operator decides"
    );
    waiting.agree(number).unwrap();
    assert!(waiting.is_ripe(Asker::Recovery, &[3; 32], 9 * DAY));
}

#[test]
fn one_asker_takes_no_more_than_its_room_and_what_nobody_comes_back_for_is_forgotten() {
    let mut waiting = Waiting::default();
    for n in 0..3 {
        waiting.ask(wish(ONE, n), after(Leave::AfterNotice, true), 0).unwrap();
    }
    let full = waiting
        .ask(wish(ONE, 9), after(Leave::AfterNotice, true), 0)
        .unwrap_err();
    assert_eq!(full.reason, Reason::QuotaExceeded);
    waiting.ask(wish(TWO, 9), after(Leave::AfterNotice, true), 0).unwrap();
    waiting.drop_of(&[DeviceId([2; 32])]);
    assert_eq!(waiting.len(), 3);
    waiting
        .ask(wish(ONE, 9), after(Leave::AfterNotice, true), 32 * DAY)
        .unwrap();
    assert_eq!(waiting.len(), 1);
    let long = Wish {
        body: vec![0; BODY + 1],
        ..wish(TWO, 8)
    };
    let refused = waiting.ask(long, after(Leave::AfterNotice, true), 0).unwrap_err();
    assert_eq!(refused.reason, Reason::TooLarge);
}

#[test]
fn a24_what_nobody_came_back_for_is_not_done_later() {
    let mut waiting = Waiting::default();
    waiting.ask(wish(ONE, 1), after(Leave::AfterNotice, true), 0).unwrap();
    assert!(waiting.is_ripe(ONE, &[1; 32], 31 * DAY));
    assert!(!waiting.is_ripe(ONE, &[1; 32], 31 * DAY + 1));
}

#[test]
fn a24_a_wait_that_begins_anew_is_as_long_as_it_was_and_takes_another_yes() {
    let mut waiting = Waiting::default();
    waiting.ask(wish(ONE, 1), after(Leave::AfterNotice, true), 0).unwrap();
    let long = waiting
        .ask(wish(ONE, 2), after(Leave::AfterLong, true), 0)
        .unwrap()
        .number;
    waiting.agree(long).unwrap();
    let now = 9 * DAY;
    waiting.begin_anew(now);
    assert!(!waiting.is_ripe(ONE, &[1; 32], now + DAY - 1));
    assert!(waiting.is_ripe(ONE, &[1; 32], now + DAY));
    assert!(
        !waiting.is_ripe(ONE, &[2; 32], now + 7 * DAY),
        "of a yes that may have been taken back"
    );
    waiting.agree(long).unwrap();
    assert!(waiting.is_ripe(ONE, &[2; 32], now + 7 * DAY));
}

#[test]
fn a24_what_recovery_asks_for_outlives_a_step_forward_and_no_number_names_two_changes() {
    let mut waiting = Waiting::default();
    waiting.ask(wish(ONE, 1), after(Leave::AfterNotice, true), 0).unwrap();
    let kept = waiting
        .ask(wish(Asker::Recovery, 2), after(Leave::AfterRecovery, true), 0)
        .unwrap()
        .number;
    let last = waiting
        .ask(wish(ONE, 3), after(Leave::AfterNotice, true), 0)
        .unwrap()
        .number;
    waiting.keep_of_recovery(|_| false);
    let numbers: Vec<_> = waiting.tell().iter().map(|pending| pending.change).collect();
    assert_eq!(numbers, [kept]);
    let next = waiting.ask(wish(TWO, 4), after(Leave::AfterNotice, true), 0).unwrap();
    assert_eq!(next.number, last + 1);
    assert!(waiting.is_ripe(Asker::Recovery, &[2; 32], 2 * DAY));
    waiting.objected(&[2; 32], DeviceId([1; 32]));
    assert!(!waiting.is_ripe(Asker::Recovery, &[2; 32], 2 * DAY));
    waiting.keep_of_recovery(|_| true);
    assert_eq!(waiting.len(), 0);
}
