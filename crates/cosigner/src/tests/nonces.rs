//! No commitment appears with two challenges.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use rand_core::RngCore;
use twofold_api::Reason;

use crate::{
    fixture::{House, Phone, rng},
    testing::memory::Fate,
};

#[test]
fn p30_old_commitments_with_another_psbt_get_a_fresh_commitment() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let coin = house.pay(&purse, 100_000, 0);
    let first = phone.spend(&house, &purse, &purse.psbt(&[coin], 40_000));
    first.send(&house).unwrap();
    let mut second = phone.spend(&house, &purse, &purse.psbt(&[coin], 41_000));
    second.commitments.clone_from(&first.commitments);
    let reply = second.send(&house).unwrap();
    assert_eq!(house.oracle.len(), 2, "the server's commitment was not fresh");
    assert_eq!(second.witness(&house, &reply), 0);
}

#[test]
fn p20_a_reply_that_was_lost_is_repeated_and_one_that_was_not_stored_is_made_afresh() {
    for fate in [Fate::Refuse, Fate::CommitUnheard] {
        let mut house = House::new();
        let phone = Phone::joined(&house);
        let purse = phone.create(&house);
        let coin = house.pay(&purse, 100_000, 0);
        let spend = phone.spend(&house, &purse, &purse.psbt(&[coin], 40_000));
        house.store.fates([fate]);
        assert_eq!(spend.send(&house).unwrap_err().reason, Reason::StoreUnavailable);
        let stored = house
            .rows()
            .replays
            .values()
            .any(|record| record.digest == spend.call.proof.digest().0);
        assert_eq!(stored, fate == Fate::CommitUnheard);
        if stored {
            house.restart();
        }
        let reply = spend.send(&house).unwrap();
        assert_eq!(spend.send(&house).unwrap(), reply);
        assert_eq!(house.audit(&purse).len(), 4);
        let signatures = spend.finish(&house, &purse, &reply);
        assert_eq!(signatures.len(), 1);
    }
}

#[test]
fn o07_a_spend_that_cannot_be_written_down_gives_out_nothing() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let coin = house.pay(&purse, 100_000, 0);
    let psbt = purse.psbt(&[coin], 40_000);
    let entries = house.audit(&purse).len();
    for _ in 0..3 {
        let spend = phone.spend(&house, &purse, &psbt);
        house.store.fates([Fate::Refuse]);
        house.refuses(Reason::StoreUnavailable, || spend.send(&house));
    }
    assert_eq!(house.audit(&purse).len(), entries);
    phone.sign(&house, &purse, &psbt).expect("it can be written down again");
    assert_eq!(house.audit(&purse).len(), entries + 1);
}

/// The small one: the suite's 10,000 run against the server, through a proxy.
#[test]
fn p19_signs_with_retries_drops_and_races_repeat_no_commitment() {
    const CLIENTS: usize = 4;
    const SIGNS: u32 = 40;
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let calls: Vec<Vec<_>> = (0..CLIENTS)
        .map(|_| {
            (0..SIGNS)
                .map(|index| {
                    let coin = house.pay(&purse, 100_000, index % 5);
                    phone.spend(&house, &purse, &purse.psbt(&[coin], 10_000 + u64::from(index)))
                })
                .collect()
        })
        .collect();
    let signed = AtomicUsize::new(0);
    thread::scope(|scope| {
        for calls in &calls {
            let (house, signed) = (&house, &signed);
            scope.spawn(move || {
                for call in calls {
                    // Drops: the store fails or the reply is lost now and then.
                    match rng().next_u32() % 8 {
                        0 => house.store.fates([Fate::Refuse]),
                        1 => house.store.fates([Fate::CommitUnheard]),
                        _ => {}
                    }
                    // Duplicates and races: two copies at once, then again until it is through.
                    let copies: Vec<_> = thread::scope(|scope| {
                        let copies: Vec<_> = (0..2).map(|_| scope.spawn(|| call.send(house))).collect();
                        copies.into_iter().map(|copy| copy.join().expect("no panic")).collect()
                    });
                    let mut done: Option<_> = None;
                    for reply in copies.into_iter().chain((0..20).map(|_| call.send(house))).flatten() {
                        assert!(
                            done.as_ref().is_none_or(|done| *done == reply),
                            "two replies to one request"
                        );
                        done = Some(reply);
                    }
                    assert!(done.is_some(), "never signed");
                    signed.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    let expected = CLIENTS * SIGNS as usize;
    assert_eq!(signed.load(Ordering::SeqCst), expected);
    assert_eq!(
        house.audit(&purse).len(),
        3 + expected,
        "an entry for each signature and no more"
    );
    assert_eq!(house.oracle.len(), expected);
}
