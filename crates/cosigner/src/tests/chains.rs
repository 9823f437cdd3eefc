//! Stored chains that were altered, cut, or swapped after they were verified and kept at hand.

use futures::executor::block_on;
use rstest::rstest;
use twofold_api::Reason;

use crate::{
    fixture::{House, Phone, Purse},
    port::record::Chains,
};

/// A wallet that was refreshed a few times by a server that has not been restarted: its list is at hand.
fn scene() -> (House, Phone, Purse) {
    let house = House::new();
    let phone = Phone::joined(&house);
    let mut purse = phone.create(&house);
    for _ in 0..3 {
        phone.refresh(&house, &mut purse);
    }
    assert!(looks(&house, &purse).is_ok());
    (house, phone, purse)
}

fn looks(house: &House, purse: &Purse) -> Result<(), Reason> {
    let looked = block_on(house.mind.look(purse.id));
    looked.map(drop).map_err(|refusal| refusal.reason)
}

fn alter(house: &House, purse: &Purse, change: impl FnOnce(&mut Chains)) {
    house
        .store
        .with(|tables| change(tables.chains.get_mut(&purse.id).expect("a wallet's chains")));
}

#[rstest]
#[case::first(0)]
#[case::in_between(2)]
#[case::last(3)]
fn s20_a_device_list_that_was_altered_after_it_was_verified_is_not_taken_for_what_it_was(#[case] entry: usize) {
    let (house, phone, mut purse) = scene();
    let preparing = phone.prepare(&house, &purse);
    let length = house.rows().chains[&purse.id].device_list[entry].len();
    for place in (0..length).step_by(7).chain([length - 1]) {
        let flip = |chains: &mut Chains| chains.device_list[entry][place] ^= 1;
        alter(&house, &purse, flip);
        assert_eq!(looks(&house, &purse), Err(Reason::Internal), "byte {place}");
        house.refuses(Reason::Internal, || preparing.send(&house, &purse));
        alter(&house, &purse, flip);
    }
    assert!(looks(&house, &purse).is_ok());
    phone.refresh(&house, &mut purse);
}

#[test]
fn s20_a_device_list_that_was_rolled_back_to_one_that_was_verified_is_refused() {
    let (house, phone, mut purse) = scene();
    let preparing = phone.prepare(&house, &purse);
    let whole = house.rows().chains[&purse.id].clone();
    for length in 1..whole.device_list.len() {
        alter(&house, &purse, |chains| chains.device_list.truncate(length));
        assert_eq!(looks(&house, &purse), Err(Reason::StateTampered), "{length} entries");
        house.refuses(Reason::StateTampered, || preparing.send(&house, &purse));
        alter(&house, &purse, |chains| *chains = whole.clone());
    }
    phone.refresh(&house, &mut purse);
}

#[test]
fn s20_another_wallets_verified_device_list_is_no_list_of_this_one() {
    let (house, phone, purse) = scene();
    let mut other = phone.create(&house);
    phone.refresh(&house, &mut other);
    assert!(looks(&house, &other).is_ok());
    let preparing = phone.prepare(&house, &purse);
    let theirs = house.rows().chains[&other.id].device_list.clone();
    alter(&house, &purse, |chains| chains.device_list = theirs);
    assert_eq!(looks(&house, &purse), Err(Reason::Internal));
    house.refuses(Reason::Internal, || preparing.send(&house, &purse));
    assert!(looks(&house, &other).is_ok());
}

#[test]
fn s20_a_first_transcript_that_was_altered_after_it_was_read_is_not_taken_for_what_it_was() {
    let (house, phone, mut purse) = scene();
    let preparing = phone.prepare(&house, &purse);
    let length = house.rows().chains[&purse.id].package[1].len();
    for place in (0..length).step_by(29).chain([length - 1]) {
        let flip = |chains: &mut Chains| chains.package[1][place] ^= 1;
        alter(&house, &purse, flip);
        house.refuses(Reason::Internal, || preparing.send(&house, &purse));
        alter(&house, &purse, flip);
    }
    phone.refresh(&house, &mut purse);
}

#[test]
fn a_list_that_grew_is_at_hand_and_one_of_another_server_is_not() {
    let (house, _, purse) = scene();
    let (chains, recovery) = (&house.rows().chains[&purse.id], purse.recovery.public());
    assert!(house.mind.has_at_hand(chains, &recovery));
    assert!(!House::new().mind.has_at_hand(chains, &recovery));
}

#[test]
fn s20_what_is_at_hand_is_of_one_wallet_and_one_recovery() {
    let (house, phone, purse) = scene();
    let other = phone.create(&house);
    let (chains, recovery) = (house.rows().chains[&purse.id].clone(), purse.recovery.public());
    assert!(house.mind.has_at_hand(&chains, &recovery));
    assert!(!house.mind.has_at_hand(&chains, &other.recovery.public()));
    let moved = Chains {
        wallet: other.id,
        ..chains
    };
    assert!(!house.mind.has_at_hand(&moved, &recovery));
}
