//! What one device alone only asks for, and who stops it.

use futures::executor::block_on;
use twofold_api::Reason;
use twofold_api::reply::Operator;
use twofold_threshold::device_list::{Act, Change, Signer};

use super::{DAY, Family, cancel, change, enrol, further, list, look, send};
use crate::fixture::{House, Phone};
use crate::testing::MemoryAnchor;
use crate::testing::memory::Fate;

#[test]
fn a24_a_lone_device_only_asks_and_any_other_stops_it() {
    let family = Family::new();
    let Family {
        house,
        purse,
        laptop,
        phone,
        tablet,
    } = &family;
    // The phone is stolen: it enrols an accomplice, revokes the owner's laptop.
    let acts = [enrol(tablet), Act::Revoke(laptop.id())];
    for act in acts {
        let asked = family.change(phone, act, &[]).unwrap().waiting.expect("it waits");
        assert_eq!(asked.asker, Some(phone.id().0));
        assert_eq!(asked.due, asked.asked + DAY);
        assert_eq!(asked.operator, Operator::NotNeeded);
    }
    assert!(family.listed(laptop) && !family.listed(tablet));
    // Every reply says that something waits; the laptop cancels it.
    let told = family.look();
    assert_eq!((told.head.waiting, told.waiting.len()), (2, 2));
    for waiting in told.waiting {
        cancel(house, purse, laptop, waiting.change).unwrap();
    }
    family.pass(2 * DAY);
    for act in acts {
        let again = family.change(phone, act, &[]).unwrap();
        assert!(again.waiting.is_some(), "it waits from the beginning");
    }
    assert!(family.listed(laptop) && !family.listed(tablet));
    // The owner's words regain control.
    family
        .change(laptop, Act::Revoke(phone.id()), &[&purse.recovery])
        .unwrap();
    assert_eq!(family.look().waiting, [], "what it asked for fell with it");
    let coin = house.pay(purse, 100_000, 0);
    house.refuses(Reason::DeviceNotListed, || {
        phone.sign(house, purse, &purse.psbt(&[coin], 40_000))
    });
    assert!(family.look().refresh_due);
}

#[test]
fn notice_of_what_waits_is_posted_once_and_after_it_is_stored() {
    let mut family = Family::new();
    let kept = family.house.restart_listening();
    let Family {
        house,
        purse,
        phone,
        tablet,
        ..
    } = &family;
    let act = enrol(tablet);
    let asked = family.change(phone, act, &[]).unwrap().waiting.expect("it waits");
    let again = family.change(phone, act, &[]).unwrap().waiting.expect("it still waits");
    assert_eq!(again.change, asked.change);
    house.store.fates([Fate::Refuse]);
    let other = family.change(phone, Act::Revoke(family.laptop.id()), &[]);
    assert_eq!(other.expect_err("nothing is stored").reason, Reason::StoreUnavailable);
    let posted = kept.0.lock().unwrap();
    assert_eq!(posted.len(), 1, "{posted:?}");
    assert_eq!((posted[0].wallet, posted[0].user), (purse.id, house.user_of(phone)));
    assert_eq!(posted[0].waiting, asked);
}

#[test]
fn a24_what_waited_its_time_is_done_when_its_asker_comes_back_and_nobody_said_no() {
    let family = Family::new();
    let Family {
        phone, tablet, laptop, ..
    } = &family;
    let act = enrol(tablet);
    assert!(family.change(phone, act, &[]).unwrap().waiting.is_some());
    family.pass(DAY / 4);
    assert!(family.change(phone, act, &[]).unwrap().waiting.is_some(), "too early");
    family.pass(DAY);
    // Another device's wish for the same is another wish.
    assert!(family.change(laptop, act, &[]).unwrap().waiting.is_some());
    assert_eq!(family.change(phone, act, &[]).unwrap().waiting, None);
    assert!(family.listed(tablet));
    assert_eq!(family.look().waiting, [], "nobody waits for it any more");
}

#[test]
fn a24_where_nobody_hears_of_it_the_wait_is_long_and_takes_the_operators_yes() {
    let house = House::new();
    let laptop = Phone::joined(&house);
    let purse = laptop.create(&house);
    let second = further(&house, &purse, &laptop);
    let act = enrol(&second);
    let waiting = change(&house, &purse, &laptop, act, &[]).unwrap().waiting.unwrap();
    assert_eq!(
        (waiting.due - waiting.asked, waiting.operator),
        (7 * DAY, Operator::Needed)
    );
    let later = |days: u64| {
        for _ in 0..days * 12 {
            house.let_time_settle();
        }
        laptop.clock.set(laptop.clock.get() + days * DAY);
    };
    later(8);
    assert!(
        change(&house, &purse, &laptop, act, &[]).unwrap().waiting.is_some(),
        "without the operator"
    );
    block_on(house.mind.approve_change(purse.id, waiting.change)).unwrap();
    assert_eq!(change(&house, &purse, &laptop, act, &[]).unwrap().waiting, None);
    // What it alone enrolled is nobody who could hear of the next wish.
    second.clock.set(laptop.clock.get());
    let third = further(&house, &purse, &laptop);
    let waiting = change(&house, &purse, &laptop, enrol(&third), &[])
        .unwrap()
        .waiting
        .unwrap();
    assert_eq!(waiting.operator, Operator::Needed);
    let unknown = block_on(house.mind.approve_change(purse.id, 77)).unwrap_err();
    assert_eq!(unknown.reason, Reason::ChangeNotFound);
}

#[test]
fn a24_one_device_makes_no_approver_without_the_operator_and_seven_days() {
    let family = Family::new();
    let Family {
        house,
        purse,
        laptop,
        phone,
        tablet,
    } = &family;
    let done = family.change(laptop, enrol(tablet), &[&phone.identity]).unwrap();
    assert_eq!(done.waiting, None, "two approvers enrol");
    let waiting = family
        .change(laptop, Act::MakeApprover(tablet.id()), &[])
        .unwrap()
        .waiting
        .unwrap();
    assert_eq!(
        (waiting.due - waiting.asked, waiting.operator),
        (7 * DAY, Operator::Needed)
    );
    // A second approver signs what the first has asked for.
    let asked = Change::try_from(waiting.entry.as_slice()).unwrap();
    let both = {
        let signature = phone.identity.sign_raw(&asked.proposal().signing_bytes());
        asked
            .countersigned(Signer::Device(phone.identity.public()), signature)
            .unwrap()
    };
    assert_eq!(send(house, purse, phone, &both, b"").unwrap().waiting, None);
    assert_eq!(family.look().waiting, []);
    assert!(list(house, purse).device(tablet.id()).unwrap().is_approver());
}

#[test]
fn a24_a_stolen_device_strikes_no_other_off_by_leaving_itself() {
    let family = Family::new();
    let Family {
        house,
        purse,
        laptop,
        phone,
        tablet,
    } = &family;
    // The tablet is the owner's, added by the phone alone.
    let act = enrol(tablet);
    assert!(family.change(phone, act, &[]).unwrap().waiting.is_some());
    family.pass(DAY);
    assert_eq!(family.change(phone, act, &[]).unwrap().waiting, None);
    // The phone is stolen. Leaving, it would take the tablet along.
    let asked = family.change(phone, Act::Revoke(phone.id()), &[]).unwrap();
    assert_eq!(asked.waiting.expect("it waits").what, "revoke");
    assert!(family.listed(tablet) && family.listed(phone));
    look(house, purse, tablet).unwrap();
    // Alone it leaves at once.
    let alone = family.change(tablet, Act::Revoke(tablet.id()), &[]).unwrap();
    assert_eq!(alone.waiting, None);
    assert_eq!(
        family.change(phone, Act::Revoke(phone.id()), &[]).unwrap().waiting,
        None
    );
    look(house, purse, laptop).unwrap();
}

#[test]
fn a24_a_wish_that_was_cancelled_since_the_backup_waits_anew_once_that_is_restored() {
    for fenced in [false, true] {
        let (mut family, anchor) = (Family::new(), MemoryAnchor::default());
        family.house.restart_with(&anchor, false).unwrap();
        let act = enrol(&family.tablet);
        // The phone is stolen.
        let asked = family
            .change(&family.phone, act, &[])
            .unwrap()
            .waiting
            .expect("it waits");
        let backup = family.house.rows();
        cancel(&family.house, &family.purse, &family.laptop, asked.change).unwrap();
        family.pass(2 * DAY);
        let now = family.laptop.clock.get();
        family.house.restore(&backup, &anchor);
        if fenced {
            family.house.restart_with(&MemoryAnchor::default(), true).unwrap();
        } else {
            family.house.restart_with(&anchor, false).unwrap();
        }
        family.pass(1);
        let waiting = family.look().waiting;
        assert!(waiting[0].due >= now + DAY, "nobody has time to cancel it again");
        if !fenced {
            let again = family.change(&family.phone, act, &[]).unwrap();
            assert!(again.waiting.is_some(), "done, though the laptop had cancelled it");
        }
        cancel(&family.house, &family.purse, &family.laptop, waiting[0].change).unwrap();
        assert!(!family.listed(&family.tablet));
    }
}
