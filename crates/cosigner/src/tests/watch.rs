//! Where a wallet stands, for who may know it.

use futures::executor::block_on;
use twofold_api::{Reason, Refusal, reply::Pulse, request};

use crate::{
    Authenticated,
    fixture::{House, Phone, Purse, name},
};

fn asked(house: &House, phone: &Phone, purse: &Purse) -> Authenticated<request::Watch> {
    let watch = request::Watch {
        wallet: purse.id,
        checkpoint: Some(purse.newest.get()),
    };
    let call = phone.call("Watch", Some(purse.id), b"watch");
    house.let_in(&call, watch).expect("an enrolled phone")
}

fn pulse(house: &House, asked: &Authenticated<request::Watch>) -> Result<Pulse, Refusal> {
    block_on(house.mind.pulse(asked))
}

#[test]
fn a_change_shows_and_nothing_else_does() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let asked = asked(&house, &phone, &purse);
    block_on(house.mind.watching(&asked)).expect("a true checkpoint");
    let first = pulse(&house, &asked).unwrap();
    assert_eq!(pulse(&house, &asked), Ok(first));
    assert_eq!(first.seq, house.state(&purse).head().seq);

    let rename = request::RenameWallet {
        wallet: purse.id,
        name: name("holidays"),
        checkpoint: purse.newest.get(),
    };
    let call = phone.call("RenameWallet", Some(purse.id), b"rename");
    block_on(house.mind.rename_wallet(house.let_in(&call, rename).unwrap())).unwrap();
    let second = pulse(&house, &asked).unwrap();
    assert_eq!(
        second,
        Pulse {
            seq: first.seq + 1,
            ..first
        }
    );
}

#[test]
fn f19_a_stranger_hears_nothing_and_a_device_that_goes_hears_no_more() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let stranger = Phone::joined(&house);
    let knocking = asked(&house, &stranger, &purse);
    house.refuses(Reason::WalletNotFound, || block_on(house.mind.watching(&knocking)));
    house.refuses(Reason::WalletNotFound, || pulse(&house, &knocking));

    let open = asked(&house, &phone, &purse);
    pulse(&house, &open).expect("the owner's");
    house.store.with(|tables| tables.devices.remove(&phone.id()));
    house.refuses(Reason::DeviceUnknown, || pulse(&house, &open));
}
