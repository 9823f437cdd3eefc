use super::*;

const ONE: DeviceId = DeviceId([1; 32]);
const TWO: DeviceId = DeviceId([2; 32]);
const DAY: u64 = 86_400;

#[test]
fn a_device_that_comes_often_is_written_down_once_a_week() {
    let mut contacts = Contacts::default();
    assert!(!contacts.hear(ONE, 0, None), "a time that is not known was kept");
    assert!(contacts.hear(ONE, 1_000 * DAY, None));
    let worth: Vec<_> = (1..=15)
        .filter(|day| contacts.clone().hear(ONE, (1_000 + day) * DAY, None))
        .collect();
    assert_eq!(worth, (7..=15).collect::<Vec<_>>());
    assert!(contacts.hear(ONE, 1_007 * DAY, None));
    assert!(!contacts.hear(ONE, 1_008 * DAY, None));
}

#[test]
fn a_device_that_comes_while_a_fence_stands_is_written_down_once() {
    let mut contacts = Contacts::default();
    contacts.hear(ONE, 1_000 * DAY, None);
    let fence = Some(1_001 * DAY);
    assert!(contacts.hear(ONE, 1_001 * DAY, fence));
    assert!(!contacts.hear(ONE, 1_001 * DAY + 60, fence));
}

#[test]
fn s24_a_device_is_waited_for_unless_it_was_silent_for_ninety_days_of_what_is_known() {
    let mut contacts = Contacts::default();
    let now = 1_000 * DAY;
    contacts.hear(TWO, now - 100 * DAY, None);
    contacts.hear(ONE, now - DAY, None);
    contacts.fenced(None);
    assert!(contacts.lately(ONE, now, now) && !contacts.lately(TWO, now, now));
    assert!(
        contacts.lately(DeviceId([3; 32]), now, now),
        "nothing is known of its silence"
    );
    // It comes while the fence stands.
    contacts.hear(TWO, now + DAY, Some(now));
    assert!(contacts.lately(TWO, now + 3 * DAY, now));
}

#[test]
fn s19_a_backup_of_long_ago_holds_nobodys_silence_since_against_them() {
    let mut contacts = Contacts::default();
    contacts.hear(ONE, 1_000 * DAY, None);
    contacts.hear(TWO, 1_005 * DAY, None);
    contacts.fenced(None);
    // Restored a year later.
    let now = 1_370 * DAY;
    assert!(contacts.lately(ONE, now, now) && contacts.lately(TWO, now, now));
    // Who showed the server to be behind is heard of now, and says nothing of the others.
    contacts.hear(ONE, now, Some(now));
    contacts.fenced(Some(ONE));
    assert!(contacts.lately(TWO, now, now));
    // Since then the server has listened itself.
    assert!(!contacts.lately(TWO, now + 91 * DAY, now));
    assert!(contacts.lately(TWO, now + 90 * DAY, now));
    assert!(!contacts.lately(DeviceId([3; 32]), now + 91 * DAY, now));
}

#[test]
fn a_device_that_is_gone_is_forgotten() {
    let mut contacts = Contacts::default();
    contacts.hear(ONE, 5, None);
    contacts.hear(TWO, 6, None);
    contacts.keep(|device| device == TWO);
    assert_eq!(contacts.last.len(), 1);
}
