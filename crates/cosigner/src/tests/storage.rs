//! Rows that were changed, swapped or lost.

use rstest::rstest;
use twofold_api::{Reason, request};
use twofold_threshold::id::KeyKind;

use crate::{
    StartFault,
    fixture::{House, Phone, Purse},
    testing::memory::Tables,
};

use futures::executor::block_on;

fn can_sign(house: &House, phone: &Phone, purse: &Purse) -> Result<(), twofold_api::Refusal> {
    let coin = house.pay(purse, 100_000, 0);
    phone.sign(house, purse, &purse.psbt(&[coin], 40_000)).map(drop)
}

#[test]
fn s16_a_share_with_any_byte_flipped_locks_its_wallet_alone() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let (purse, other) = (phone.create(&house), phone.create(&house));
    let coin = house.pay(&purse, 100_000, 0);
    let psbt = purse.psbt(&[coin], 40_000);
    let key = (purse.id, KeyKind::Taproot, 1);
    let length = house.rows().shares[&key].sealed.len();
    for place in 0..length {
        let flip = |tables: &mut Tables| tables.shares.get_mut(&key).unwrap().sealed[place] ^= 1;
        house.store.with(flip);
        house.refuses(Reason::ShareDamaged, || phone.sign(&house, &purse, &psbt));
        if place % 40 == 0 {
            can_sign(&house, &phone, &other).expect("the other wallet is not locked");
        }
        house.store.with(flip);
    }
    phone.sign(&house, &purse, &psbt).expect("whole again");
}

#[test]
fn s16_a_share_that_is_gone_or_cut_locks_its_wallet_alone() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let (purse, other) = (phone.create(&house), phone.create(&house));
    let key = (purse.id, KeyKind::Taproot, 1);
    house
        .store
        .with(|tables| tables.shares.get_mut(&key).unwrap().sealed.truncate(30));
    assert_eq!(
        can_sign(&house, &phone, &purse).unwrap_err().reason,
        Reason::ShareDamaged
    );
    house.store.with(|tables| tables.shares.remove(&key));
    assert_eq!(
        can_sign(&house, &phone, &purse).unwrap_err().reason,
        Reason::ShareDamaged
    );
    can_sign(&house, &phone, &other).expect("the other wallet is not locked");
}

#[test]
fn s17_shares_swapped_between_wallets_and_users_do_not_open() {
    let house = House::new();
    let (phone, neighbour) = (Phone::joined(&house), Phone::joined(&house));
    let (purse, second, theirs) = (phone.create(&house), phone.create(&house), neighbour.create(&house));
    for other in [&second, &theirs] {
        swap(&house, &purse, other);
        assert_eq!(
            can_sign(&house, &phone, &purse).unwrap_err().reason,
            Reason::ShareDamaged
        );
        swap(&house, &purse, other);
    }
    can_sign(&house, &phone, &purse).unwrap();
    can_sign(&house, &neighbour, &theirs).unwrap();
}

fn swap(house: &House, one: &Purse, two: &Purse) {
    house.store.with(|tables| {
        let (one, two) = ((one.id, KeyKind::Taproot, 1), (two.id, KeyKind::Taproot, 1));
        let (first, second) = (tables.shares[&one].sealed.clone(), tables.shares[&two].sealed.clone());
        tables.shares.get_mut(&one).unwrap().sealed = second;
        tables.shares.get_mut(&two).unwrap().sealed = first;
    });
}

#[test]
fn s17_ceremonies_swapped_between_users_do_not_open() {
    let house = House::new();
    let (phone, neighbour) = (Phone::joined(&house), Phone::joined(&house));
    let (mine, theirs) = (phone.start(&house), neighbour.start(&house));
    let begun = mine.send(&house).unwrap();
    theirs.send(&house).unwrap();
    house.store.with(|tables| {
        let sealed = tables.ceremonies[&theirs.ceremony].sealed.clone();
        tables.ceremonies.get_mut(&mine.ceremony).unwrap().sealed = sealed;
    });
    let closed = mine.go_on(&phone, &begun);
    house.refuses(Reason::ShareDamaged, || closed.send(&house, &phone));
}

#[test]
fn s17_a_reply_swapped_with_another_is_spent() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let coin = house.pay(&purse, 100_000, 0);
    let (one, two) = (
        phone.spend(&house, &purse, &purse.psbt(&[coin], 40_000)),
        phone.spend(&house, &purse, &purse.psbt(&[coin], 41_000)),
    );
    one.send(&house).unwrap();
    two.send(&house).unwrap();
    house.store.with(|tables| {
        let other = tables.replays[&(phone.id(), two.call.proof.nonce())]
            .sealed_reply
            .clone();
        tables
            .replays
            .get_mut(&(phone.id(), one.call.proof.nonce()))
            .unwrap()
            .sealed_reply = other;
    });
    house.refuses(Reason::RequestSpent, || one.send(&house));
}

type Tamper = fn(&mut Tables, &Purse);

#[rstest]
#[case::state_cut(|tables: &mut Tables, purse: &Purse| tables.wallets.get_mut(&purse.id).unwrap().state.truncate(3))]
#[case::state_empty(|tables: &mut Tables, purse: &Purse| tables.wallets.get_mut(&purse.id).unwrap().state.clear())]
#[case::state_flipped(|tables: &mut Tables, purse: &Purse| tables.wallets.get_mut(&purse.id).unwrap().state[5] ^= 1)]
#[case::version_raised(|tables: &mut Tables, purse: &Purse| tables.wallets.get_mut(&purse.id).unwrap().version += 1)]
#[case::public_shares_of_another(|tables: &mut Tables, purse: &Purse| {
    let other = tables.wallets.values().find(|row| row.id != purse.id).unwrap().public.clone();
    tables.wallets.get_mut(&purse.id).unwrap().public = other;
})]
#[case::state_of_another(|tables: &mut Tables, purse: &Purse| {
    let other = tables.wallets.values().find(|row| row.id != purse.id).unwrap().state.clone();
    tables.wallets.get_mut(&purse.id).unwrap().state = other;
})]
#[case::a_group_made_dearer(|tables: &mut Tables, purse: &Purse| {
    for group in tables.charges.values_mut().filter(|group| group.wallet == purse.id) {
        group.amount = 1_000_000;
    }
})]
fn a_tampered_wallet_signs_nothing_and_locks_no_other(#[case] tamper: Tamper) {
    let house = House::new();
    let phone = Phone::joined(&house);
    let (purse, other) = (phone.create(&house), phone.create(&house));
    let coin = house.pay(&purse, 100_000, 0);
    phone.sign(&house, &purse, &purse.psbt(&[coin], 40_000)).unwrap();
    let spend = phone.spend(&house, &purse, &purse.psbt(&[coin], 50_000));
    house.store.with(|tables| tamper(tables, &purse));
    house.refuses(Reason::StateTampered, || spend.send(&house));
    can_sign(&house, &phone, &other).expect("the other wallet is not locked");
}

#[test]
fn a_wallet_given_to_another_user_is_tampered() {
    let house = House::new();
    let (phone, thief) = (Phone::joined(&house), Phone::joined(&house));
    let purse = phone.create(&house);
    let user = house.user_of(&thief);
    house
        .store
        .with(|tables| tables.wallets.get_mut(&purse.id).unwrap().user = user);
    let call = thief.call("GetWallet", Some(purse.id), b"");
    let asked = request::GetWallet {
        wallet: purse.id,
        checkpoint: None,
    };
    house.refuses(Reason::StateTampered, || {
        block_on(house.mind.get_wallet(house.let_in(&call, asked)?))
    });
}

#[test]
fn charges_that_were_deleted_are_only_charged_again() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let coin = house.pay(&purse, 100_000, 0);
    let psbt = purse.psbt(&[coin], 40_000);
    phone.sign(&house, &purse, &psbt).unwrap();
    house.store.with(|tables| tables.charges.clear());
    phone.sign(&house, &purse, &psbt).unwrap();
    assert_eq!(house.state(&purse).windows[0].sum, 82_000, "deleting a row made room");
}

#[test]
fn s18_another_kek_opens_nothing_and_loses_nothing() {
    let mut house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let before = house.rows();
    assert!(matches!(house.restart_with_kek(2, None), Err(StartFault::Sealed)));
    assert!(house.rows() == before);
    let identity = house.mind.identity();
    house.restart();
    assert_eq!(house.mind.identity(), identity, "the identity changed");
    can_sign(&house, &phone, &purse).unwrap();
}

#[test]
fn f09_missing_rows_are_typed_errors() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let (whole, newest) = (house.rows(), purse.newest.get());
    let tampers: [fn(&mut Tables); 6] = [
        |tables| tables.wallets.clear(),
        |tables| tables.wallets.values_mut().for_each(|row| row.public = None),
        |tables| tables.chains.clear(),
        |tables| tables.audit.clear(),
        |tables| tables.scripts.clear(),
        |tables| tables.devices.clear(),
    ];
    for tamper in tampers {
        let coin = house.pay(&purse, 100_000, 0);
        let spend = phone.spend(&house, &purse, &purse.psbt(&[coin], 40_000));
        house.store.with(tamper);
        let _ = spend.send(&house);
        let _ = phone.activate(&house, &purse);
        let call = phone.call("GetAudit", Some(purse.id), b"");
        if let Ok(asked) = house.let_in(
            &call,
            request::GetAudit {
                wallet: purse.id,
                from: 0,
                checkpoint: None,
            },
        ) {
            let _ = block_on(house.mind.get_audit(asked));
        }
        house.store.with(|tables| *tables = whole.clone());
        purse.newest.set(newest);
    }
    can_sign(&house, &phone, &purse).expect("nothing was broken for good");
}
