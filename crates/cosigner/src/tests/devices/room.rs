//! How much room one device can take of what all devices share.

use twofold_api::Reason;
use twofold_threshold::device_list::Act;

use super::{Family, change, look, sealing};
use crate::fixture::{House, Purse};

/// As if the wallet had been refreshed so many times.
fn with_links(house: &House, purse: &Purse, links: usize) {
    house.store.with(|tables| {
        let chains = tables.chains.get_mut(&purse.id).expect("chains");
        let last = chains.package.last().expect("a refresh").clone();
        chains.package.resize(links + 2, last);
    });
}

#[test]
fn a24_a_stolen_machine_s_refreshes_leave_room_for_the_one_that_follows_its_revocation() {
    let Family {
        house,
        mut purse,
        laptop,
        phone,
        ..
    } = Family::new();
    phone.refresh(&house, &mut purse);
    with_links(&house, &purse, 447);
    phone.refresh(&house, &mut purse);
    for device in [&phone, &laptop] {
        let preparing = device.prepare(&house, &purse);
        let refusal = house.refuses(Reason::QuotaExceeded, || preparing.send(&house, &purse));
        assert!(refusal.message.contains("twofold device revoke"), "{refusal}");
    }
    change(&house, &purse, &laptop, Act::Revoke(phone.id()), &[&purse.recovery]).unwrap();
    laptop.refresh(&house, &mut purse);
    // Once, for once is due.
    let preparing = laptop.prepare(&house, &purse);
    house.refuses(Reason::QuotaExceeded, || preparing.send(&house, &purse));
    let coin = house.pay(&purse, 100_000, 0);
    laptop.sign(&house, &purse, &purse.psbt(&[coin], 40_000)).unwrap();
}

#[test]
fn a24_a_stolen_machine_cannot_fill_the_device_list_with_fresh_sealing_keys() {
    let Family {
        house,
        mut purse,
        laptop,
        phone,
        ..
    } = Family::new();
    let fresh = || Act::Reseal {
        device: phone.id(),
        sealing: sealing(),
    };
    // For the parcel that it has opened, once; for each refresh that was sealed to it, once more.
    change(&house, &purse, &phone, fresh(), &[]).unwrap();
    house.refuses(Reason::NotPermitted, || change(&house, &purse, &phone, fresh(), &[]));
    laptop.refresh(&house, &mut purse);
    change(&house, &purse, &phone, fresh(), &[]).unwrap();
    house.refuses(Reason::NotPermitted, || change(&house, &purse, &phone, fresh(), &[]));
    // Its own refresh brought a key to which nothing is sealed yet.
    phone.refresh(&house, &mut purse);
    house.refuses(Reason::NotPermitted, || change(&house, &purse, &phone, fresh(), &[]));
}

#[test]
fn what_was_left_for_a_new_machine_stays_through_a_refresh_until_it_says_that_it_is_opened() {
    let Family {
        house,
        mut purse,
        laptop,
        phone,
        ..
    } = Family::new();
    laptop.refresh(&house, &mut purse);
    assert_eq!(look(&house, &purse, &phone).unwrap().parcel, b"parcel");
    let own = Act::Reseal {
        device: phone.id(),
        sealing: sealing(),
    };
    change(&house, &purse, &phone, own, &[]).unwrap();
    assert_eq!(look(&house, &purse, &phone).unwrap().parcel, b"");
}
