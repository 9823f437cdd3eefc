//! Who freezes a wallet, who lets it sign again, and for how long a signed wish is good.

use futures::executor::block_on;
use twofold_api::reply::Standing;
use twofold_api::{Reason, request};
use twofold_threshold::device_list::Act;

use super::{Family, cancel, change, freeze, invite, word_of_recovery};

#[test]
fn any_device_freezes_and_one_alone_does_not_unfreeze() {
    let family = Family::new();
    let Family {
        house,
        purse,
        laptop,
        phone,
        ..
    } = &family;
    let coin = house.pay(purse, 100_000, 0);
    freeze(house, purse, phone, true, false).unwrap();
    house.refuses(Reason::WalletFrozen, || {
        laptop.sign(house, purse, &purse.psbt(&[coin], 40_000))
    });
    let told = family.look();
    let since = told.freeze.expect("it is frozen").0;
    freeze(house, purse, laptop, true, false).unwrap();
    assert_eq!(
        family.look().freeze.unwrap(),
        (since, phone.id().0),
        "it was frozen already"
    );
    // One asks, and asks again; a second approver's wish is the second voice.
    for _ in 0..2 {
        assert!(freeze(house, purse, phone, false, false).unwrap().waiting.is_some());
    }
    house.refuses(Reason::WalletFrozen, || {
        laptop.sign(house, purse, &purse.psbt(&[coin], 40_000))
    });
    assert_eq!(freeze(house, purse, laptop, false, false).unwrap().waiting, None);
    assert_eq!(family.look().waiting, []);
    laptop.sign(house, purse, &purse.psbt(&[coin], 40_000)).unwrap();
}

#[test]
fn a_freeze_ends_by_an_approver_with_the_words_and_that_word_ends_no_other_freeze() {
    let family = Family::new();
    let Family {
        house, purse, laptop, ..
    } = &family;
    freeze(house, purse, laptop, true, false).unwrap();
    let old = house.state(purse).shape.freeze.unwrap().since;
    assert_eq!(freeze(house, purse, laptop, false, true).unwrap().waiting, None);
    freeze(house, purse, laptop, true, false).unwrap();
    let call = laptop.call("SetFreeze", Some(purse.id), b"");
    let replayed = request::SetFreeze {
        wallet: purse.id,
        frozen: false,
        recovery: Some(word_of_recovery(purse, old, laptop.offer(house).public())),
        checkpoint: purse.newest.get(),
    };
    house.refuses(Reason::NotPermitted, || {
        block_on(house.mind.set_freeze(house.let_in(&call, replayed)?))
    });
}

#[test]
fn a24_the_words_end_no_freeze_at_a_server_that_was_started_since() {
    let Family {
        mut house,
        purse,
        laptop,
        ..
    } = Family::new();
    freeze(&house, &purse, &laptop, true, false).unwrap();
    let since = house.state(&purse).shape.freeze.unwrap().since;
    let word = word_of_recovery(&purse, since, laptop.offer(&house).public());
    house.restart();
    // The same freeze, as a log that was brought back twice has it; and the words did not say so of this server.
    let call = laptop.call("SetFreeze", Some(purse.id), b"");
    let with = |seal_key| request::SetFreeze {
        wallet: purse.id,
        frozen: false,
        recovery: Some(request::Word { seal_key, ..word }),
        checkpoint: purse.newest.get(),
    };
    for (key, reason) in [
        (word.seal_key, Reason::StaleSealKey),
        (laptop.offer(&house).public(), Reason::NotPermitted),
    ] {
        house.refuses(reason, || {
            block_on(house.mind.set_freeze(house.let_in(&call, with(key))?))
        });
    }
    assert_eq!(freeze(&house, &purse, &laptop, false, true).unwrap().waiting, None);
}

#[test]
fn a_frozen_wallet_says_so_and_signs_no_text_either() {
    let family = Family::new();
    let Family {
        house, purse, laptop, ..
    } = &family;
    freeze(house, purse, laptop, true, false).unwrap();
    let asked = house
        .let_in(&laptop.call("ListWallets", None, b""), request::ListWallets::default())
        .unwrap();
    let told = block_on(house.mind.list_wallets(asked)).unwrap();
    assert_eq!(told.wallets[0].standing, Standing::Frozen);
}

#[test]
fn a24_what_a_device_signed_before_a_refresh_or_a_freeze_is_dead_after_it() {
    let Family {
        house,
        mut purse,
        laptop,
        phone,
        ..
    } = Family::new();
    let asked = change(&house, &purse, &laptop, Act::Revoke(phone.id()), &[]).unwrap();
    let number = asked.waiting.unwrap().change;
    // What a server that was owned made the phone sign, and kept.
    let early = purse.newest.get();
    let thaw = |call: &crate::fixture::Call, checkpoint| {
        let asked = request::SetFreeze {
            wallet: purse.id,
            frozen: false,
            recovery: None,
            checkpoint,
        };
        block_on(house.mind.set_freeze(house.let_in(call, asked)?))
    };
    let kept = phone.call("SetFreeze", Some(purse.id), &[0]);
    freeze(&house, &purse, &laptop, true, false).unwrap();
    let refusal = house.refuses(Reason::ListChanged, || thaw(&kept, early));
    assert!(refusal.message.contains("frozen after"), "{refusal}");
    let seen = phone.call("SetFreeze", Some(purse.id), &[0]);
    assert!(thaw(&seen, purse.newest.get()).unwrap().waiting.is_some());

    let calls = ["SetFreeze", "CancelChange", "InviteDevice"].map(|method| phone.call(method, Some(purse.id), b"kept"));
    let [to_freeze, to_cancel, to_invite] = &calls;
    let checkpoint = purse.newest.get();
    let wallet = purse.id;
    laptop.refresh(&house, &mut purse);
    let frozen = request::SetFreeze {
        wallet,
        frozen: true,
        recovery: None,
        checkpoint,
    };
    house.refuses(Reason::ListChanged, || {
        block_on(house.mind.set_freeze(house.let_in(to_freeze, frozen.clone())?))
    });
    house.refuses(Reason::ListChanged, || {
        let asked = request::CancelChange {
            wallet,
            change: number,
            checkpoint,
        };
        block_on(house.mind.cancel_change(house.let_in(to_cancel, asked)?))
    });
    house.refuses(Reason::ListChanged, || {
        let asked = request::InviteDevice { wallet, checkpoint };
        block_on(house.mind.invite_device(house.let_in(to_invite, asked)?))
    });
    // Signed anew, all of it is heard.
    cancel(&house, &purse, &phone, number).unwrap();
    invite(&house, &purse, &phone).unwrap();
}
