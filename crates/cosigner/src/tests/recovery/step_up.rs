//! A sign-in that is fresh and had a second factor says yes in the operator's place, where the operator takes it.

use std::future::ready;

use futures::executor::block_on;
use twofold_api::{
    Reason, Refusal,
    audit::ShapeStep,
    reply::{Done, Operator},
    request,
};

use super::{
    DAY, Newcomer,
    by_sign_in::{arrived, bob, fresh, lost_by_alice},
    days, list, steps,
};
use crate::{
    Config, SignedIn,
    fixture::{Call, House, Phone, Purse},
    tests::{
        devices::{cancel, change, enrol},
        sign_in::alice,
    },
};

fn taken(config: &mut Config) {
    config.step_up = Some(300);
}

fn confirming(purse: &Purse, phone: &Phone, change: u64, listed: bool) -> (Call, request::ConfirmChange) {
    let asked = request::ConfirmChange {
        wallet: purse.id,
        change,
        checkpoint: listed.then(|| purse.newest.get()),
    };
    (
        phone.call("ConfirmChange", Some(purse.id), &change.to_be_bytes()),
        asked,
    )
}

fn confirm(
    house: &House,
    purse: &Purse,
    phone: &Phone,
    change: u64,
    listed: bool,
    who: SignedIn,
) -> Result<Done, Refusal> {
    let (call, asked) = confirming(purse, phone, change, listed);
    block_on(house.mind.confirm_change(house.let_in(&call, asked)?, ready(Ok(who))))
}

/// A recovery of Alice's that her old device objects to, and its number.
fn objected(tweak: impl FnOnce(&mut Config)) -> (House, Purse, Phone, Newcomer, u64) {
    let (house, purse, old, new) = lost_by_alice(tweak);
    let waiting = new.ask_as(&house, &purse, alice()).unwrap().waiting.unwrap();
    cancel(&house, &purse, &old, waiting.change).unwrap();
    (house, purse, old, new, waiting.change)
}

#[test]
fn a24_an_objection_is_settled_by_the_owner_who_signs_in_anew() {
    let (house, purse, old, new, number) = objected(taken);
    // Signed in, but long ago or with one factor.
    house.refuses(Reason::StepUpNeeded, || {
        confirm(&house, &purse, &new.phone, number, false, alice())
    });
    confirm(&house, &purse, &new.phone, number, false, fresh()).unwrap();
    // The wait goes on.
    house.refuses(Reason::RecoveryWaits, || new.recover(&house, &purse));
    days(&house, &[&old, &new.phone], 3);
    new.recover(&house, &purse).unwrap();
    assert!(
        steps(&house, &purse).contains(&ShapeStep::PersonAgreed),
        "the log tells"
    );
}

#[test]
fn a24_only_the_machine_that_asked_and_only_its_owner_say_yes() {
    let (house, purse, old, new, number) = objected(taken);
    arrived(&house, bob());
    house.refuses(Reason::SignInRefused, || {
        confirm(&house, &purse, &new.phone, number, false, bob())
    });
    // Another machine of hers, which a thief of the token has made.
    let other = arrived(&house, alice());
    house.refuses(Reason::DeviceNotListed, || {
        confirm(&house, &purse, &other.phone, number, false, fresh())
    });
    house.refuses(Reason::DeviceNotListed, || {
        confirm(&house, &purse, &other.phone, number, true, fresh())
    });
    // One that asks on its own account says nothing about the first.
    let own = other.ask_as(&house, &purse, alice()).unwrap().waiting.unwrap();
    house.refuses(Reason::NotPermitted, || {
        confirm(&house, &purse, &other.phone, number, false, fresh())
    });
    assert_ne!(own.change, number);
    for listed in [true, false] {
        house.refuses(Reason::NotPermitted, || {
            confirm(&house, &purse, &old, number, listed, fresh())
        });
    }
    house.refuses(Reason::ChangeNotFound, || {
        confirm(&house, &purse, &new.phone, 99, false, fresh())
    });
    days(&house, &[&old, &new.phone], 3);
    house.refuses(Reason::RecoveryWaits, || new.recover(&house, &purse));
}

#[test]
fn a24_where_the_operator_takes_no_step_up_it_says_nothing() {
    let (house, purse, _, new, number) = objected(|_| ());
    house.refuses(Reason::NotPermitted, || {
        confirm(&house, &purse, &new.phone, number, false, fresh())
    });
}

#[test]
fn a24_what_a_lone_device_asks_for_has_the_owners_yes_after_the_same_seven_days() {
    let (house, purse, phone, tablet) = lost_by_alice(taken);
    let wish = enrol(&tablet.phone);
    let ask = || change(&house, &purse, &phone, wish, &[]).unwrap().waiting;
    let waiting = ask().unwrap();
    assert_eq!(
        (waiting.due - waiting.asked, waiting.operator),
        (7 * DAY, Operator::Needed)
    );
    // The accomplice's machine, which is to be added, has no say.
    house.refuses(Reason::DeviceNotListed, || {
        confirm(&house, &purse, &tablet.phone, waiting.change, true, fresh())
    });
    confirm(&house, &purse, &phone, waiting.change, true, fresh()).unwrap();
    let told = ask().unwrap();
    assert_eq!((told.operator, told.due), (Operator::Agreed, waiting.due));
    days(&house, &[&phone, &tablet.phone], 8);
    assert_eq!(ask(), None, "it is done");
    assert!(list(&house, &purse).device(tablet.phone.id()).is_some());
}

#[test]
fn a07_a_yes_is_answered_the_same_though_the_tokens_time_is_over() {
    let (house, purse, _, new, number) = objected(taken);
    let (call, asked) = confirming(&purse, &new.phone, number, false);
    let say = |who: Result<SignedIn, Refusal>| {
        let request = house.let_in(&call, asked.clone()).unwrap();
        block_on(house.mind.confirm_change(request, ready(who)))
    };
    let first = say(Ok(fresh())).unwrap();
    assert_eq!(say(Err(Reason::TokenInvalid.into())).unwrap(), first);
    let agreed = steps(&house, &purse).into_iter();
    assert_eq!(agreed.filter(|step| *step == ShapeStep::PersonAgreed).count(), 1);
}
