//! What an operator lets people of an app do: several devices or one, new wallets or none.

use futures::executor::block_on;
use twofold_api::Reason;
use twofold_threshold::device_list::Act;

use super::devices::{change, enrol, freeze, further, invite, second};
use crate::{
    Config,
    fixture::{House, Phone},
};

fn with(tweak: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::new(bitcoin::Network::Regtest);
    tweak(&mut config);
    config
}

fn one_device(config: &mut Config) {
    config.several_devices = false;
}

#[test]
fn a24_where_a_wallet_is_on_one_device_none_is_added_not_even_with_the_words() {
    let mut house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let tablet = further(&house, &purse, &phone);
    house.config = with(one_device);
    house.restart();
    for voices in [&[][..], &[&purse.recovery]] {
        house.refuses(Reason::NotPermitted, || {
            change(&house, &purse, &phone, enrol(&tablet), voices)
        });
    }
    house.refuses(Reason::NotPermitted, || invite(&house, &purse, &phone));
    // It signs as before.
    let coin = house.pay(&purse, 100_000, 0);
    phone.sign(&house, &purse, &purse.psbt(&[coin], 40_000)).unwrap();
}

#[test]
fn a24_a_frozen_wallet_of_two_devices_signs_where_one_is_allowed_once_the_other_is_struck_off() {
    let mut house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let tablet = second(&house, &purse, &phone);
    house.config = with(one_device);
    house.restart();
    freeze(&house, &purse, &phone, true, false).unwrap();
    house.refuses(Reason::NotPermitted, || freeze(&house, &purse, &phone, false, true));
    change(&house, &purse, &phone, Act::Revoke(tablet.id()), &[&purse.recovery]).unwrap();
    freeze(&house, &purse, &phone, false, true).unwrap();
    assert!(house.state(&purse).shape.freeze.is_none());
}

#[test]
fn where_no_new_wallets_are_made_those_there_are_go_on() {
    let mut house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    house.config = with(|config| config.new_wallets = false);
    house.restart();
    house.refuses(Reason::NotPermitted, || phone.start(&house).send(&house));
    let newcomer = Phone::joined(&house);
    house.refuses(Reason::NotPermitted, || newcomer.start(&house).send(&house));
    assert!(block_on(house.mind.purge()).is_ok());
    let coin = house.pay(&purse, 100_000, 0);
    phone.sign(&house, &purse, &purse.psbt(&[coin], 40_000)).unwrap();
}
