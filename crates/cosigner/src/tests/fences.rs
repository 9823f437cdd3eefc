//! Who lifts a fence.

use futures::executor::block_on;
use twofold_api::{
    Reason, Refusal,
    audit::{ChainHead, Event, Lift},
    reply, request,
    shape::lifting,
};
use twofold_threshold::{
    checkpoint::{Checkpoint, Head},
    envelope::SealPublic,
    id::EpochId,
    identity::{Domain, IdentitySecret},
};

use crate::{
    fixture::{Call, House, Phone, Purse, START, rng},
    port::Clock,
    testing::{MemoryAnchor, memory::Tables},
};

/// A house that was restored without its anchor: its one wallet is fenced.
fn restored() -> (House, Phone, Purse) {
    let (mut house, anchor) = (House::new(), MemoryAnchor::default());
    house.restart_with(&anchor, false).unwrap();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    house.restore(&house.rows(), &anchor);
    house.restart_with(&MemoryAnchor::default(), true).unwrap();
    assert!(house.state(&purse).fence.is_some());
    (house, phone, purse)
}

/// Says yes; as recovery where a signature is given.
fn say_yes(house: &House, phone: &Phone, purse: &Purse, recovery: Option<[u8; 64]>) -> Result<reply::Done, Refusal> {
    let call = phone.call("LiftFence", Some(purse.id), b"yes");
    send_yes(house, &call, purse, phone.offer(house).public(), recovery)
}

fn send_yes(
    house: &House,
    call: &Call,
    purse: &Purse,
    seal_key: SealPublic,
    recovery: Option<[u8; 64]>,
) -> Result<reply::Done, Refusal> {
    let asked = request::LiftFence {
        wallet: purse.id,
        checkpoint: Some(purse.newest.get()),
        seal_key,
        recovery,
    };
    let done = block_on(house.mind.lift_fence(house.let_in(call, asked)?))?;
    purse.note(&done.head, &house.mind.identity());
    Ok(done)
}

fn decide(house: &House, purse: &Purse) -> Result<bool, Refusal> {
    block_on(house.mind.decide_fence(purse.id, "the disk died", true))
}

fn spends(house: &House, phone: &Phone, purse: &Purse) -> Result<(), Reason> {
    let coin = house.pay(purse, 100_000, 0);
    let signed = phone.sign(house, purse, &purse.psbt(&[coin], 40_000));
    signed.map(drop).map_err(|refusal| refusal.reason)
}

fn lifted_by(house: &House, purse: &Purse) -> Option<Lift> {
    house.audit(purse).into_iter().find_map(|entry| match entry.event {
        Event::Lifted { by, .. } => Some(by),
        _ => None,
    })
}

#[test]
fn s19_neither_the_operator_nor_a_device_lifts_a_fence_alone() {
    let (house, phone, purse) = restored();
    say_yes(&house, &phone, &purse, None).unwrap();
    say_yes(&house, &phone, &purse, None).unwrap();
    house.clock.pass(100 * 3600);
    phone.clock.set(START + 100 * 3600);
    say_yes(&house, &phone, &purse, None).unwrap();
    assert_eq!(spends(&house, &phone, &purse), Err(Reason::RestoreFence));

    let (house, phone, purse) = restored();
    assert!(!decide(&house, &purse).unwrap());
    assert_eq!(spends(&house, &phone, &purse), Err(Reason::RestoreFence));
}

#[test]
fn s14_operator_and_person_lift_a_fence_in_either_order_and_both_are_in_the_log() {
    for operator_first in [true, false] {
        let (house, phone, purse) = restored();
        if operator_first {
            assert!(!decide(&house, &purse).unwrap());
            say_yes(&house, &phone, &purse, None).unwrap();
        } else {
            say_yes(&house, &phone, &purse, None).unwrap();
            assert!(decide(&house, &purse).unwrap());
        }
        spends(&house, &phone, &purse).unwrap();
        let expected = Lift::Operator {
            device: phone.id(),
            reason: "the disk died".to_owned(),
        };
        assert_eq!(lifted_by(&house, &purse), Some(expected));
        assert_eq!(house.state(&purse).windows[0].sum, u64::MAX, "limits were reset");
        // What is lifted can't be lifted, and saying yes again changes nothing.
        assert_eq!(decide(&house, &purse).unwrap_err().reason, Reason::OutOfOrder);
        let head = house.state(&purse).head();
        say_yes(&house, &phone, &purse, None).unwrap();
        assert_eq!(house.state(&purse).head(), head);
    }
}

#[test]
fn s14_recovery_lifts_a_fence_by_its_signature_over_what_the_server_shows() {
    let (house, phone, purse) = restored();
    let shown = house.mind.newest(purse.id, &house.state(&purse));
    let offered = phone.offer(&house).public();
    let sign = |key: &IdentitySecret, shown: &Checkpoint| key.sign(Domain::LIFT_FENCE, &lifting(shown, &offered)).0;
    let stranger = IdentitySecret::generate(&mut rng());
    let older = Head {
        seq: 1,
        ..*shown.verify(&house.mind.identity()).unwrap()
    };
    let older = older.sign(&house.mind.identity);
    for forged in [
        sign(&stranger, &shown),
        sign(&phone.identity, &shown),
        sign(&purse.recovery, &older),
    ] {
        house.refuses(Reason::NotPermitted, || say_yes(&house, &phone, &purse, Some(forged)));
    }
    say_yes(&house, &phone, &purse, Some(sign(&purse.recovery, &shown))).unwrap();
    assert_eq!(lifted_by(&house, &purse), Some(Lift::Recovery));
    spends(&house, &phone, &purse).unwrap();
}

/// A backup of a wallet, brought back without its anchor.
fn restore_again(house: &mut House, backup: &Tables) {
    house.restore(backup, &MemoryAnchor::default());
    house.restart_with(&MemoryAnchor::default(), true).unwrap();
}

#[test]
fn s19_what_was_said_of_one_restore_lifts_no_fence_of_the_next_from_the_same_backup() {
    let (mut house, phone, purse) = restored();
    let backup = house.rows();
    let shown = house.mind.newest(purse.id, &house.state(&purse));
    let offered = phone.offer(&house).public();
    let words = purse.recovery.sign(Domain::LIFT_FENCE, &lifting(&shown, &offered)).0;
    // What a device said that is not stolen, caught on its way.
    let kept = phone.call("LiftFence", Some(purse.id), b"kept");
    let before = purse.newest.get();
    say_yes(&house, &phone, &purse, Some(words)).unwrap();
    spends(&house, &phone, &purse).unwrap();

    restore_again(&mut house, &backup);
    purse.newest.set(before);
    assert_eq!(
        house.mind.newest(purse.id, &house.state(&purse)),
        shown,
        "it shows the same again"
    );
    let again = phone.call("LiftFence", Some(purse.id), b"again");
    house.refuses(Reason::StaleSealKey, || {
        send_yes(&house, &again, &purse, offered, Some(words))
    });
    house.refuses(Reason::StaleSealKey, || send_yes(&house, &kept, &purse, offered, None));
    let now = phone.offer(&house).public();
    house.refuses(Reason::NotPermitted, || {
        send_yes(&house, &again, &purse, now, Some(words))
    });
    let words = purse.recovery.sign(Domain::LIFT_FENCE, &lifting(&shown, &now)).0;
    say_yes(&house, &phone, &purse, Some(words)).unwrap();
    spends(&house, &phone, &purse).unwrap();
}

#[test]
fn s19_a_backup_of_a_fenced_wallet_brings_back_neither_the_operators_word_nor_a_persons() {
    for operator_first in [true, false] {
        let (mut house, phone, purse) = restored();
        house.clock.pass(3600);
        block_on(house.mind.purge()).unwrap();
        phone.clock.set(START + 3600);
        let since = house.state(&purse).fence.unwrap().since;
        if operator_first {
            assert!(!decide(&house, &purse).unwrap());
        } else {
            say_yes(&house, &phone, &purse, None).unwrap();
        }
        let backup = house.rows();
        let before = purse.newest.get();
        if operator_first {
            say_yes(&house, &phone, &purse, None).unwrap();
        } else {
            assert!(decide(&house, &purse).unwrap());
        }
        spends(&house, &phone, &purse).unwrap();

        restore_again(&mut house, &backup);
        purse.newest.set(before);
        assert!(
            house.state(&purse).fence.unwrap().since > since,
            "the time for notice begins anew"
        );
        if operator_first {
            say_yes(&house, &phone, &purse, None).unwrap();
        } else {
            assert!(!decide(&house, &purse).unwrap());
        }
        assert_eq!(spends(&house, &phone, &purse), Err(Reason::RestoreFence));
    }
}

#[test]
fn s19_nobody_lifts_a_fence_while_a_device_is_known_to_be_at_a_later_epoch() {
    let (house, phone, purse) = restored();
    let head = *purse.newest.get().verify(&house.mind.identity()).unwrap();
    let refreshed = Head {
        seq: head.seq + 1,
        epoch: EpochId {
            number: 2,
            transcript: [9; 32],
        },
        ..head
    };
    decide(&house, &purse).unwrap();
    let old = purse.newest.get();
    purse.newest.set(refreshed.sign(&house.mind.identity));
    let refused = |result: Result<reply::Done, Refusal>| assert_eq!(result.unwrap_err().reason, Reason::RestoreFence);
    refused(say_yes(&house, &phone, &purse, None));
    // What was decided without that is decided no more, and an older checkpoint does not hide it.
    purse.newest.set(old);
    refused(say_yes(&house, &phone, &purse, None));
    let shown = house.mind.newest(purse.id, &house.state(&purse));
    let said = lifting(&shown, &phone.offer(&house).public());
    let signature = purse.recovery.sign(Domain::LIFT_FENCE, &said).0;
    refused(say_yes(&house, &phone, &purse, Some(signature)));
    assert_eq!(decide(&house, &purse).unwrap_err().reason, Reason::RestoreFence);
    assert_eq!(spends(&house, &phone, &purse), Err(Reason::RestoreFence));
}

#[test]
fn the_operator_sees_each_fence_with_its_reason() {
    let (house, phone, purse) = restored();
    let other = phone.create(&house);
    let (fences, next) = block_on(house.mind.fences(None)).unwrap();
    assert_eq!(next, None);
    let [fence] = fences.as_slice() else {
        panic!("{fences:?}")
    };
    assert_eq!(fence.wallet, purse.id);
    assert!(fence.why.contains("restored from a backup"), "{}", fence.why);
    assert_ne!(fence.wallet, other.id);
    decide(&house, &purse).unwrap();
    let (fences, _) = block_on(house.mind.fences(None)).unwrap();
    assert!(fences[0].why.contains("the disk died"), "{}", fences[0].why);
    for reason in ["", "two\nlines", &"x".repeat(201)] {
        let refused = block_on(house.mind.decide_fence(purse.id, reason, true));
        assert_eq!(refused.unwrap_err().reason, Reason::Malformed);
    }
}

/// Puts rows back that are older, as who administers the database can: all of the wallet's own row, or its record alone.
fn put_back(house: &House, purse: &Purse, older: &Tables, whole: bool) {
    let old = older.wallets[&purse.id].clone();
    house.store.with(|tables| {
        let row = tables.wallets.get_mut(&purse.id).unwrap();
        if whole {
            *row = old;
        } else {
            row.state = old.state;
        }
    });
}

#[test]
fn s20_an_old_record_that_is_put_back_signs_nothing() {
    for whole in [true, false] {
        let house = House::new();
        let phone = Phone::joined(&house);
        let purse = phone.create(&house);
        spends(&house, &phone, &purse).unwrap();
        let older = house.rows();
        spends(&house, &phone, &purse).unwrap();
        put_back(&house, &purse, &older, whole);
        let expected = if whole {
            Reason::RestoreFence
        } else {
            Reason::StateTampered
        };
        assert_eq!(spends(&house, &phone, &purse), Err(expected));
    }
}

#[test]
fn s20_a_log_that_was_written_anew_is_noticed_by_a_device_that_has_seen_the_old_one() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    spends(&house, &phone, &purse).unwrap();
    let seen = purse.newest.get();
    spends(&house, &phone, &purse).unwrap();
    house.store.with(|tables| {
        let mut head = ChainHead::START;
        for ((wallet, seq), row) in &mut tables.audit {
            if *seq == 2 {
                row.entry[5] ^= 1;
            }
            head = head.next(*wallet, &row.entry);
            row.chain = head.chain;
        }
    });
    purse.newest.set(seen);
    assert_eq!(spends(&house, &phone, &purse), Err(Reason::RestoreFence));
}

#[test]
fn s20_charges_that_are_deleted_are_charged_again_and_spend_no_more() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let coin = house.pay(&purse, 100_000, 0);
    let psbt = purse.psbt(&[coin], 40_000);
    phone.sign(&house, &purse, &psbt).unwrap();
    let spent = house.state(&purse).windows[0].sum;
    phone.sign(&house, &purse, &psbt).unwrap();
    assert_eq!(house.state(&purse).windows[0].sum, spent, "a retry was charged");
    house.store.with(|tables| tables.charges.clear());
    phone.sign(&house, &purse, &psbt).unwrap();
    assert!(
        house.state(&purse).windows[0].sum > spent,
        "what was charged is let off"
    );
}

#[test]
fn s19_the_time_for_notice_begins_when_a_server_is_restored_and_not_with_its_backup() {
    let (mut house, anchor) = (House::new(), MemoryAnchor::default());
    house.restart_with(&anchor, false).unwrap();
    let purse = Phone::joined(&house).create(&house);
    house.let_time_settle();
    let backup = house.rows();
    house.clock.pass(10 * 86_400);
    let now = house.clock.now();
    house.restore(&backup, &anchor);
    house.restart_with(&MemoryAnchor::default(), true).unwrap();
    assert_eq!(house.state(&purse).fence.unwrap().since, now);
}
