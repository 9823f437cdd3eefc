use futures::executor::block_on;
use twofold_api::Reason;

use super::*;
use crate::{
    fixture::{House, Phone, Purse},
    testing::{MemoryAnchor, memory::Fate},
};

fn kek(byte: u8) -> Kek {
    Kek::new(Secret32::new([byte; 32]))
}

fn rotate_house(house: &House, old: u8, new: u8) -> Result<Rotated, RotateFault> {
    block_on(rotate(&house.store, &kek(old), &kek(new)))
}

/// Two wallets that have signed, and a ceremony that waits for its second round.
fn lived_in() -> (House, MemoryAnchor, Phone, [Purse; 2], crate::fixture::Closed) {
    let (mut house, anchor) = (House::new(), MemoryAnchor::default());
    house.restart_with(&anchor, false).unwrap();
    let phone = Phone::joined(&house);
    let purses = [phone.create(&house), phone.create(&house)];
    for purse in &purses {
        spends(&house, &phone, purse).unwrap();
    }
    let started = phone.start(&house);
    let begun = started.send(&house).unwrap();
    let closed = started.go_on(&phone, &begun);
    (house, anchor, phone, purses, closed)
}

fn spends(house: &House, phone: &Phone, purse: &Purse) -> Result<(), Reason> {
    let coin = house.pay(purse, 100_000, 0);
    let signed = phone.sign(house, purse, &purse.psbt(&[coin], 40_000));
    signed.map(drop).map_err(|refusal| refusal.reason)
}

#[test]
fn s22_a_rotation_completes_with_all_users_offline_and_all_goes_on_under_the_new_key_alone() {
    let (mut house, anchor, phone, purses, closed) = lived_in();
    assert_eq!(rotate_house(&house, 1, 2).unwrap(), Rotated { wallets: 2, damaged: 0 });
    assert!(matches!(house.restart_with_kek(1), Err(StartFault::Sealed)));
    house.kek = 2;
    house.restart_with(&anchor, false).unwrap();
    for purse in &purses {
        spends(&house, &phone, purse).unwrap();
    }
    closed.send(&house, &phone).expect("a ceremony that waited goes on");
    // Once more does nothing, and leads back as well.
    assert_eq!(rotate_house(&house, 1, 2).unwrap(), Rotated::default());
    rotate_house(&house, 2, 1).unwrap();
    house.kek = 1;
    house.restart_with(&anchor, false).unwrap();
    spends(&house, &phone, &purses[0]).unwrap();
}

#[test]
fn s18_a_rotation_that_is_cut_short_anywhere_goes_on_and_loses_nothing() {
    let mut failing = 0;
    loop {
        let (mut house, anchor, phone, purses, closed) = lived_in();
        house
            .store
            .fates(std::iter::repeat_n(Fate::Commit, failing).chain([Fate::Refuse]));
        let cut = rotate_house(&house, 1, 2).is_err();
        house.store.clear_fates();
        if cut && failing > 0 {
            for key in [1, 2] {
                assert!(
                    house.restart_with_kek(key).is_err(),
                    "started in the middle, after {failing} batches"
                );
            }
        }
        rotate_house(&house, 1, 2).unwrap();
        house.kek = 2;
        house.restart_with(&anchor, false).unwrap();
        for purse in &purses {
            spends(&house, &phone, purse).unwrap();
        }
        closed.send(&house, &phone).unwrap();
        if !cut {
            break;
        }
        failing += 1;
    }
    assert!(failing >= 4, "only {failing} batches");
}

#[test]
fn s18_the_wrong_key_changes_nothing() {
    let (house, ..) = lived_in();
    let before = house.rows();
    assert!(matches!(
        rotate_house(&house, 3, 2),
        Err(RotateFault::Start(StartFault::Sealed))
    ));
    assert!(house.rows() == before);
}

#[test]
fn s20_a_state_that_was_tampered_with_is_not_made_good_by_a_rotation() {
    let (mut house, anchor, phone, purses, _) = lived_in();
    house
        .store
        .with(|tables| tables.wallets.get_mut(&purses[0].id).unwrap().state[0] ^= 1);
    assert_eq!(rotate_house(&house, 1, 2).unwrap(), Rotated { wallets: 1, damaged: 1 });
    house.kek = 2;
    house.restart_with(&anchor, false).unwrap();
    assert_eq!(spends(&house, &phone, &purses[0]), Err(Reason::StateTampered));
    spends(&house, &phone, &purses[1]).unwrap();
}

#[test]
fn a_share_of_another_epoch_stops_a_rotation_until_its_ceremony_has_ended() {
    let (house, _, _, purses, _) = lived_in();
    let share = house.store.with(|tables| {
        let share = tables
            .shares
            .values()
            .find(|share| share.wallet == purses[0].id)
            .unwrap()
            .clone();
        let pending = crate::port::record::Share {
            epoch: share.epoch + 1,
            ..share
        };
        tables
            .shares
            .insert((pending.wallet, pending.kind, pending.epoch), pending.clone());
        pending
    });
    assert!(matches!(rotate_house(&house, 1, 2), Err(RotateFault::Busy(wallet)) if wallet == purses[0].id));
    house
        .store
        .with(|tables| tables.shares.remove(&(share.wallet, share.kind, share.epoch)));
    rotate_house(&house, 1, 2).unwrap();
}
