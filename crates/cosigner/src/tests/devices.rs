//! Which devices a wallet has, who may do what, and what waits.

use futures::executor::block_on;
use rstest::rstest;
use twofold_api::{
    Reason, Refusal,
    reply::{self, Asked, Operator, Shape, Standing},
    request,
    shape::{UNFREEZE, unfreezing},
};
use twofold_threshold::{
    device_list::{Act, Change, DeviceList, Proposal, Signer},
    envelope::{SealPublic, SealSecret},
    id::{DeviceId, WalletId},
    identity::IdentitySecret,
};

use crate::{
    fixture::{House, Phone, Purse, name, rng},
    port::store::Store,
    testing::memory::Fate,
};

const DAY: u64 = 86_400;

/// A wallet whose two devices approve, its recovery words, and a third machine of the same person.
struct Family {
    house: House,
    purse: Purse,
    laptop: Phone,
    phone: Phone,
    tablet: Phone,
}

fn sealing() -> SealPublic {
    SealSecret::generate(&mut rng()).public()
}

fn enrol(phone: &Phone) -> Act {
    Act::Enrol {
        identity: phone.identity.public(),
        sealing: sealing(),
    }
}

/// The wallet's list, as whoever reads it verifies it.
fn list(house: &House, purse: &Purse) -> DeviceList {
    let chains = block_on(house.store.chains(purse.id)).unwrap().unwrap();
    DeviceList::verify(purse.id, purse.recovery.public(), &chains.device_list).unwrap()
}

fn signed(house: &House, purse: &Purse, act: Act, by: &[&IdentitySecret]) -> Change {
    let proposal = Proposal::new(&list(house, purse), act);
    let sign = |key: &IdentitySecret| {
        let signer = if key.public() == purse.recovery.public() {
            Signer::Recovery
        } else {
            Signer::Device(key.public())
        };
        (signer, key.sign_raw(&proposal.signing_bytes()))
    };
    let (signer, signature) = sign(by[0]);
    by[1..].iter().fold(proposal.signed(signer, signature), |change, key| {
        let (signer, signature) = sign(key);
        change.countersigned(signer, signature).unwrap()
    })
}

fn send(house: &House, purse: &Purse, from: &Phone, entry: &Change, parcel: &[u8]) -> Result<Asked, Refusal> {
    let call = from.call("ChangeDevices", Some(purse.id), &entry.to_bytes());
    let asked = request::ChangeDevices {
        wallet: purse.id,
        entry: entry.to_bytes(),
        parcel: parcel.to_vec(),
        checkpoint: purse.newest.get(),
    };
    let done = block_on(house.mind.change_devices(house.let_in(&call, asked)?))?;
    purse.note(&done.head, &house.mind.identity());
    Ok(done)
}

fn change(house: &House, purse: &Purse, from: &Phone, act: Act, with: &[&IdentitySecret]) -> Result<Asked, Refusal> {
    let mut by = vec![&from.identity];
    by.extend_from_slice(with);
    send(house, purse, from, &signed(house, purse, act, &by), b"parcel")
}

pub(super) fn freeze(
    house: &House,
    purse: &Purse,
    from: &Phone,
    frozen: bool,
    recovery: bool,
) -> Result<Asked, Refusal> {
    let since = house.state(purse).shape.freeze.map_or(0, |freeze| freeze.since);
    let call = from.call("SetFreeze", Some(purse.id), &[frozen.into()]);
    let asked = request::SetFreeze {
        wallet: purse.id,
        frozen,
        recovery: recovery.then(|| purse.recovery.sign(UNFREEZE, &unfreezing(purse.id, since)).0),
        checkpoint: purse.newest.get(),
    };
    let done = block_on(house.mind.set_freeze(house.let_in(&call, asked)?))?;
    purse.note(&done.head, &house.mind.identity());
    Ok(done)
}

fn cancel(house: &House, purse: &Purse, from: &Phone, number: u64) -> Result<reply::Done, Refusal> {
    let call = from.call("CancelChange", Some(purse.id), &number.to_be_bytes());
    let asked = request::CancelChange {
        wallet: purse.id,
        change: number,
        checkpoint: purse.newest.get(),
    };
    block_on(house.mind.cancel_change(house.let_in(&call, asked)?))
}

fn look(house: &House, purse: &Purse, from: &Phone) -> Result<Shape, Refusal> {
    let call = from.call("GetShape", Some(purse.id), b"");
    let asked = request::GetShape {
        wallet: purse.id,
        checkpoint: None,
    };
    block_on(house.mind.get_shape(house.let_in(&call, asked)?))
}

pub(super) fn invite(house: &House, purse: &Purse, from: &Phone) -> Result<[u8; 16], Refusal> {
    let call = from.call("InviteDevice", Some(purse.id), b"");
    let asked = request::InviteDevice {
        wallet: purse.id,
        checkpoint: purse.newest.get(),
    };
    let invited = block_on(house.mind.invite_device(house.let_in(&call, asked)?))?;
    purse.note(&invited.head, &house.mind.identity());
    Ok(invited.code)
}

/// Another machine of the same person, which is on no list yet.
fn further(house: &House, purse: &Purse, from: &Phone) -> Phone {
    let phone = Phone::new();
    phone.clock.set(from.clock.get());
    let code = invite(house, purse, from).unwrap();
    phone.join(house, code).unwrap();
    phone
}

/// Another machine of the same person, listed by an approver and the words.
pub(super) fn second(house: &House, purse: &Purse, from: &Phone) -> Phone {
    let phone = further(house, purse, from);
    change(house, purse, from, enrol(&phone), &[&purse.recovery]).unwrap();
    phone
}

impl Family {
    fn new() -> Self {
        let house = House::new();
        let laptop = Phone::joined(&house);
        let purse = laptop.create(&house);
        let phone = further(&house, &purse, &laptop);
        let tablet = further(&house, &purse, &laptop);
        let family = Self {
            house,
            purse,
            laptop,
            phone,
            tablet,
        };
        let words = &family.purse.recovery;
        for act in [enrol(&family.phone), Act::MakeApprover(family.phone.id())] {
            let done = change(&family.house, &family.purse, &family.laptop, act, &[words]).unwrap();
            assert_eq!(done.waiting, None, "an approver and the words are enough");
        }
        family
    }

    fn change(&self, from: &Phone, act: Act, with: &[&IdentitySecret]) -> Result<Asked, Refusal> {
        change(&self.house, &self.purse, from, act, with)
    }

    fn look(&self) -> Shape {
        look(&self.house, &self.purse, &self.laptop).unwrap()
    }

    fn listed(&self, phone: &Phone) -> bool {
        list(&self.house, &self.purse).device(phone.id()).is_some()
    }

    /// Lets time pass, for everyone.
    fn pass(&self, seconds: u64) {
        for _ in 0..seconds.div_ceil(3_600) {
            self.house.let_time_settle();
        }
        let now = self.laptop.clock.get() + 2 * 3_600 * seconds.div_ceil(3_600);
        for phone in [&self.laptop, &self.phone, &self.tablet] {
            phone.clock.set(now);
        }
    }
}

#[test]
fn a_second_device_is_listed_by_an_approver_and_the_words_and_both_sign() {
    let family = Family::new();
    let Family {
        house, purse, phone, ..
    } = &family;
    assert!(family.listed(phone));
    let told = look(house, purse, phone).unwrap();
    assert_eq!(told.parcel, b"parcel", "what the laptop left for it");
    assert_eq!(told.devices.len(), 2);
    for device in [&family.laptop, phone] {
        let coin = house.pay(purse, 100_000, 0);
        device.sign(house, purse, &purse.psbt(&[coin], 40_000)).unwrap();
    }
}

#[test]
fn a24_f19_a_machine_that_only_joined_has_no_part_in_the_wallet() {
    let family = Family::new();
    let Family {
        house, purse, tablet, ..
    } = &family;
    let coin = house.pay(purse, 100_000, 0);
    house.refuses(Reason::DeviceNotListed, || {
        tablet.sign(house, purse, &purse.psbt(&[coin], 40_000))
    });
    house.refuses(Reason::DeviceNotListed, || look(house, purse, tablet));
    house.refuses(Reason::DeviceNotListed, || freeze(house, purse, tablet, true, false));
    house.refuses(Reason::DeviceNotListed, || invite(house, purse, tablet));
    house.refuses(Reason::DeviceNotListed, || {
        family.change(tablet, enrol(tablet), &[&purse.recovery])
    });
    let asked = house
        .let_in(&tablet.call("ListWallets", None, b""), request::ListWallets)
        .unwrap();
    assert_eq!(block_on(house.mind.list_wallets(asked)).unwrap().wallets, []);
}

#[test]
fn f19_a_strangers_wallet_is_answered_as_a_missing_one_in_every_call_about_devices() {
    let family = Family::new();
    let Family { house, purse, .. } = &family;
    let stranger = Phone::joined(house);
    let own = stranger.create(house);
    let missing = WalletId([9; 16]);
    for wallet in [purse.id, missing] {
        let checkpoint = own.newest.get();
        let entry = signed(house, purse, enrol(&family.tablet), &[&family.laptop.identity]).to_bytes();
        let ask = |method: &str| stranger.call(method, Some(wallet), b"");
        let refusals = [
            house.refuses(Reason::WalletNotFound, || {
                let asked = request::ChangeDevices {
                    wallet,
                    entry: entry.clone(),
                    parcel: Vec::new(),
                    checkpoint,
                };
                block_on(house.mind.change_devices(house.let_in(&ask("ChangeDevices"), asked)?)).map(drop)
            }),
            house.refuses(Reason::WalletNotFound, || {
                let asked = request::SetFreeze {
                    wallet,
                    frozen: true,
                    recovery: None,
                    checkpoint,
                };
                block_on(house.mind.set_freeze(house.let_in(&ask("SetFreeze"), asked)?)).map(drop)
            }),
            house.refuses(Reason::WalletNotFound, || {
                let asked = request::CancelChange {
                    wallet,
                    change: 1,
                    checkpoint,
                };
                block_on(house.mind.cancel_change(house.let_in(&ask("CancelChange"), asked)?)).map(drop)
            }),
            house.refuses(Reason::WalletNotFound, || {
                let asked = request::GetShape {
                    wallet,
                    checkpoint: Some(checkpoint),
                };
                block_on(house.mind.get_shape(house.let_in(&ask("GetShape"), asked)?)).map(drop)
            }),
            house.refuses(Reason::WalletNotFound, || {
                let asked = request::InviteDevice { wallet, checkpoint };
                block_on(house.mind.invite_device(house.let_in(&ask("InviteDevice"), asked)?)).map(drop)
            }),
            house.refuses(Reason::WalletNotFound, || {
                let asked = request::RenameDevice {
                    wallet,
                    device: family.laptop.id(),
                    name: name("mine"),
                    checkpoint,
                };
                block_on(house.mind.rename_device(house.let_in(&ask("RenameDevice"), asked)?)).map(drop)
            }),
        ];
        for refusal in refusals {
            assert_eq!(refusal, Refusal::from(Reason::WalletNotFound));
        }
    }
    // A stranger's device on one's own list, and a device that the list lacks under a name.
    house.refuses(Reason::NotPermitted, || {
        family.change(&family.laptop, enrol(&stranger), &[&purse.recovery])
    });
    house.refuses(Reason::DeviceNotListed, || {
        let call = family.laptop.call("RenameDevice", Some(purse.id), b"");
        let asked = request::RenameDevice {
            wallet: purse.id,
            device: stranger.id(),
            name: name("mine"),
            checkpoint: purse.newest.get(),
        };
        block_on(house.mind.rename_device(house.let_in(&call, asked)?)).map(drop)
    });
}

#[test]
fn p05_an_entry_is_sent_by_one_of_its_signers_and_about_its_own_wallet() {
    let family = Family::new();
    let Family {
        house,
        purse,
        laptop,
        phone,
        tablet,
    } = &family;
    let entry = signed(house, purse, enrol(tablet), &[&laptop.identity, &purse.recovery]);
    house.refuses(Reason::PartyMismatch, || send(house, purse, phone, &entry, b""));
    let other = laptop.create(house);
    house.refuses(Reason::CeremonyMismatch, || {
        let call = laptop.call("ChangeDevices", Some(other.id), b"");
        let asked = request::ChangeDevices {
            wallet: other.id,
            entry: entry.to_bytes(),
            parcel: Vec::new(),
            checkpoint: other.newest.get(),
        };
        block_on(house.mind.change_devices(house.let_in(&call, asked)?))
    });
}

#[test]
fn a24_a_lone_device_only_asks_and_any_other_stops_it() {
    let family = Family::new();
    let Family {
        house,
        purse,
        laptop,
        phone,
        tablet,
    } = &family;
    // The phone is stolen: it enrols an accomplice, revokes the owner's laptop.
    let acts = [enrol(tablet), Act::Revoke(laptop.id())];
    for act in acts {
        let asked = family.change(phone, act, &[]).unwrap().waiting.expect("it waits");
        assert_eq!(asked.asker, Some(phone.id().0));
        assert_eq!(asked.due, asked.asked + DAY);
        assert_eq!(asked.operator, Operator::NotNeeded);
    }
    assert!(family.listed(laptop) && !family.listed(tablet));
    // Every reply says that something waits; the laptop cancels it.
    let told = family.look();
    assert_eq!((told.head.waiting, told.waiting.len()), (2, 2));
    for waiting in told.waiting {
        cancel(house, purse, laptop, waiting.change).unwrap();
    }
    family.pass(2 * DAY);
    for act in acts {
        let again = family.change(phone, act, &[]).unwrap();
        assert!(again.waiting.is_some(), "it waits from the beginning");
    }
    assert!(family.listed(laptop) && !family.listed(tablet));
    // The owner's words regain control.
    family
        .change(laptop, Act::Revoke(phone.id()), &[&purse.recovery])
        .unwrap();
    assert_eq!(family.look().waiting, [], "what it asked for fell with it");
    let coin = house.pay(purse, 100_000, 0);
    house.refuses(Reason::DeviceNotListed, || {
        phone.sign(house, purse, &purse.psbt(&[coin], 40_000))
    });
    assert!(family.look().refresh_due);
}

#[test]
fn notice_of_what_waits_is_posted_once_and_after_it_is_stored() {
    let mut family = Family::new();
    let kept = family.house.restart_listening();
    let Family {
        house,
        purse,
        phone,
        tablet,
        ..
    } = &family;
    let act = enrol(tablet);
    let asked = family.change(phone, act, &[]).unwrap().waiting.expect("it waits");
    let again = family.change(phone, act, &[]).unwrap().waiting.expect("it still waits");
    assert_eq!(again.change, asked.change);
    house.store.fates([Fate::Refuse]);
    let other = family.change(phone, Act::Revoke(family.laptop.id()), &[]);
    assert_eq!(other.expect_err("nothing is stored").reason, Reason::StoreUnavailable);
    let posted = kept.0.lock().unwrap();
    assert_eq!(posted.len(), 1, "{posted:?}");
    assert_eq!((posted[0].wallet, posted[0].user), (purse.id, house.user_of(phone)));
    assert_eq!(posted[0].waiting, asked);
}

#[test]
fn a24_what_waited_its_time_is_done_when_its_asker_comes_back_and_nobody_said_no() {
    let family = Family::new();
    let Family {
        phone, tablet, laptop, ..
    } = &family;
    let act = enrol(tablet);
    assert!(family.change(phone, act, &[]).unwrap().waiting.is_some());
    family.pass(DAY / 4);
    assert!(family.change(phone, act, &[]).unwrap().waiting.is_some(), "too early");
    family.pass(DAY);
    // Another device's wish for the same is another wish.
    assert!(family.change(laptop, act, &[]).unwrap().waiting.is_some());
    assert_eq!(family.change(phone, act, &[]).unwrap().waiting, None);
    assert!(family.listed(tablet));
    assert_eq!(family.look().waiting, [], "nobody waits for it any more");
}

#[test]
fn a24_where_nobody_hears_of_it_the_wait_is_long_and_takes_the_operators_yes() {
    let house = House::new();
    let laptop = Phone::joined(&house);
    let purse = laptop.create(&house);
    let second = further(&house, &purse, &laptop);
    let act = enrol(&second);
    let waiting = change(&house, &purse, &laptop, act, &[]).unwrap().waiting.unwrap();
    assert_eq!(
        (waiting.due - waiting.asked, waiting.operator),
        (7 * DAY, Operator::Needed)
    );
    let later = |days: u64| {
        for _ in 0..days * 12 {
            house.let_time_settle();
        }
        laptop.clock.set(laptop.clock.get() + days * DAY);
    };
    later(8);
    assert!(
        change(&house, &purse, &laptop, act, &[]).unwrap().waiting.is_some(),
        "without the operator"
    );
    block_on(house.mind.approve_change(purse.id, waiting.change)).unwrap();
    assert_eq!(change(&house, &purse, &laptop, act, &[]).unwrap().waiting, None);
    // What it alone enrolled is nobody who could hear of the next wish.
    second.clock.set(laptop.clock.get());
    let third = further(&house, &purse, &laptop);
    let waiting = change(&house, &purse, &laptop, enrol(&third), &[])
        .unwrap()
        .waiting
        .unwrap();
    assert_eq!(waiting.operator, Operator::Needed);
    let unknown = block_on(house.mind.approve_change(purse.id, 77)).unwrap_err();
    assert_eq!(unknown.reason, Reason::ChangeNotFound);
}

#[test]
fn a24_one_device_makes_no_approver_without_the_operator_and_seven_days() {
    let family = Family::new();
    let Family {
        house,
        purse,
        laptop,
        phone,
        tablet,
    } = &family;
    let done = family.change(laptop, enrol(tablet), &[&phone.identity]).unwrap();
    assert_eq!(done.waiting, None, "two approvers enrol");
    let waiting = family
        .change(laptop, Act::MakeApprover(tablet.id()), &[])
        .unwrap()
        .waiting
        .unwrap();
    assert_eq!(
        (waiting.due - waiting.asked, waiting.operator),
        (7 * DAY, Operator::Needed)
    );
    // A second approver signs what the first has asked for.
    let asked = Change::try_from(waiting.entry.as_slice()).unwrap();
    let both = {
        let signature = phone.identity.sign_raw(&asked.proposal().signing_bytes());
        asked
            .countersigned(Signer::Device(phone.identity.public()), signature)
            .unwrap()
    };
    assert_eq!(send(house, purse, phone, &both, b"").unwrap().waiting, None);
    assert_eq!(family.look().waiting, []);
    assert!(list(house, purse).device(tablet.id()).unwrap().is_approver());
}

#[test]
fn a24_a_stolen_device_strikes_no_other_off_by_leaving_itself() {
    let family = Family::new();
    let Family {
        house,
        purse,
        laptop,
        phone,
        tablet,
    } = &family;
    // The tablet is the owner's, added by the phone alone.
    let act = enrol(tablet);
    assert!(family.change(phone, act, &[]).unwrap().waiting.is_some());
    family.pass(DAY);
    assert_eq!(family.change(phone, act, &[]).unwrap().waiting, None);
    // The phone is stolen. Leaving, it would take the tablet along.
    let asked = family.change(phone, Act::Revoke(phone.id()), &[]).unwrap();
    assert_eq!(asked.waiting.expect("it waits").what, "revoke");
    assert!(family.listed(tablet) && family.listed(phone));
    look(house, purse, tablet).unwrap();
    // Alone it leaves at once.
    let alone = family.change(tablet, Act::Revoke(tablet.id()), &[]).unwrap();
    assert_eq!(alone.waiting, None);
    assert_eq!(
        family.change(phone, Act::Revoke(phone.id()), &[]).unwrap().waiting,
        None
    );
    look(house, purse, laptop).unwrap();
}

#[test]
fn a29_of_two_devices_that_append_at_once_one_signs_again() {
    let family = Family::new();
    let Family {
        house,
        purse,
        laptop,
        phone,
        tablet,
    } = &family;
    let one = signed(house, purse, enrol(tablet), &[&laptop.identity, &purse.recovery]);
    let own = Act::Reseal {
        device: phone.id(),
        sealing: sealing(),
    };
    let two = signed(house, purse, own, &[&phone.identity]);
    send(house, purse, laptop, &one, b"").unwrap();
    house.refuses(Reason::ListChanged, || send(house, purse, phone, &two, b""));
    family
        .change(phone, own, &[])
        .expect("signed again, on the newest entry");
    // A device that has opened what waited leaves nothing behind.
    assert_eq!(look(house, purse, phone).unwrap().parcel, b"");
}

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
        recovery: Some(purse.recovery.sign(UNFREEZE, &unfreezing(purse.id, old)).0),
        checkpoint: purse.newest.get(),
    };
    house.refuses(Reason::NotPermitted, || {
        block_on(house.mind.set_freeze(house.let_in(&call, replayed)?))
    });
}

#[test]
fn a_frozen_wallet_says_so_and_signs_no_text_either() {
    let family = Family::new();
    let Family {
        house, purse, laptop, ..
    } = &family;
    freeze(house, purse, laptop, true, false).unwrap();
    let asked = house
        .let_in(&laptop.call("ListWallets", None, b""), request::ListWallets)
        .unwrap();
    let told = block_on(house.mind.list_wallets(asked)).unwrap();
    assert_eq!(told.wallets[0].standing, Standing::Frozen);
}

#[test]
fn codes_for_further_machines_are_few_and_work_once() {
    let family = Family::new();
    let Family {
        house, purse, laptop, ..
    } = &family;
    // Two were minted for phone and tablet.
    for _ in 0..3 {
        invite(house, purse, laptop).unwrap();
    }
    house.refuses(Reason::QuotaExceeded, || invite(house, purse, laptop));
    family.pass(2 * DAY);
    let code = invite(house, purse, laptop).unwrap();
    let late = Phone::new();
    late.clock.set(laptop.clock.get());
    late.join(house, code).unwrap();
    assert_eq!(house.user_of(&late), house.user_of(laptop));
    let again = Phone::new();
    again.clock.set(laptop.clock.get());
    house.refuses(Reason::InvitationInvalid, || again.join(house, code));
}

#[rstest]
#[case::asked(false)]
#[case::appended(true)]
fn p08_the_same_wish_again_gets_the_same_bytes(#[case] words: bool) {
    let family = Family::new();
    let Family {
        house,
        purse,
        laptop,
        tablet,
        ..
    } = &family;
    let mut by = vec![&laptop.identity];
    by.extend(words.then_some(&purse.recovery));
    let entry = signed(house, purse, enrol(tablet), &by).to_bytes();
    let call = laptop.call("ChangeDevices", Some(purse.id), &entry);
    let ask = || {
        let asked = request::ChangeDevices {
            wallet: purse.id,
            entry: entry.clone(),
            parcel: Vec::new(),
            checkpoint: purse.newest.get(),
        };
        block_on(house.mind.change_devices(house.let_in(&call, asked).unwrap())).unwrap()
    };
    let first = ask();
    let rows = house.rows();
    assert_eq!(ask(), first);
    assert!(house.rows() == rows);
    assert_eq!(first.waiting.is_none(), words);
}

#[test]
fn a23_a_list_that_was_changed_in_the_database_is_tampered() {
    let family = Family::new();
    let Family {
        house,
        purse,
        laptop,
        tablet,
        ..
    } = &family;
    let entry = signed(house, purse, enrol(tablet), &[&laptop.identity, &purse.recovery]);
    house.store.with(|tables| {
        let chains = tables.chains.get_mut(&purse.id).unwrap();
        // A true entry that nobody has sent.
        chains.device_list.push(entry.to_bytes());
    });
    house.refuses(Reason::StateTampered, || {
        change(house, purse, laptop, Act::Revoke(family.phone.id()), &[&purse.recovery])
    });
    let coin = house.pay(purse, 100_000, 0);
    house.refuses(Reason::DeviceNotListed, || {
        tablet.sign(house, purse, &purse.psbt(&[coin], 40_000))
    });
    assert_ne!(tablet.id(), DeviceId([0; 32]));
}

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

fn pair(house: &House, purse: &Purse, from: &Phone, code: [u8; 16], letter: &[u8]) -> Result<usize, Refusal> {
    let call = from.call("PairDevice", Some(purse.id), letter);
    let asked = request::PairDevice {
        wallet: purse.id,
        code,
        letter: letter.to_vec(),
        checkpoint: None,
    };
    let paired = block_on(house.mind.pair_device(house.let_in(&call, asked)?))?;
    Ok(paired.letters.len())
}

#[test]
fn a23_f19_only_the_machine_of_the_code_and_a_listed_device_that_knows_it_reach_a_mailbox() {
    let family = Family::new();
    let Family {
        house,
        purse,
        laptop,
        phone,
        tablet,
    } = &family;
    let code = invite(house, purse, laptop).unwrap();
    let new = Phone::new();
    new.clock.set(laptop.clock.get());
    // Before it has joined it is nobody.
    house.refuses(Reason::DeviceUnknown, || pair(house, purse, &new, code, b"one"));
    let stranger = Phone::joined(house);
    house.refuses(Reason::WalletNotFound, || pair(house, purse, &stranger, code, b"one"));
    house.refuses(Reason::InvitationInvalid, || pair(house, purse, laptop, [1; 16], b""));
    assert_eq!(pair(house, purse, laptop, code, b"").unwrap(), 0, "nobody came yet");
    house.refuses(Reason::OutOfOrder, || pair(house, purse, laptop, code, b"two"));

    new.join(house, code).unwrap();
    house.refuses(Reason::InvitationInvalid, || pair(house, purse, tablet, code, b"one"));
    assert_eq!(pair(house, purse, &new, code, b"one").unwrap(), 1);
    house.refuses(Reason::OutOfOrder, || pair(house, purse, &new, code, b"other"));
    assert_eq!(pair(house, purse, laptop, code, b"two").unwrap(), 2);
    // Another listed device that knows the code replaces nothing.
    house.refuses(Reason::OutOfOrder, || pair(house, purse, phone, code, b"mine"));
    assert_eq!(pair(house, purse, &new, code, b"one").unwrap(), 2);
    assert_eq!(pair(house, purse, &new, code, b"three").unwrap(), 3);
    assert_eq!(pair(house, purse, laptop, code, b"").unwrap(), 3);
    // It has no part in the wallet by it.
    house.refuses(Reason::DeviceNotListed, || look(house, purse, &new));
    // A machine that joined earlier meets with a code that nobody has used, and then it alone.
    let code = invite(house, purse, laptop).unwrap();
    assert_eq!(pair(house, purse, tablet, code, b"one").unwrap(), 1);
    assert_eq!(pair(house, purse, laptop, code, b"two").unwrap(), 2);
    house.refuses(Reason::InvitationInvalid, || pair(house, purse, &new, code, b"three"));
    assert_eq!(pair(house, purse, tablet, code, b"three").unwrap(), 3);
    // The code of another wallet opens nothing here.
    let own = stranger.create(house);
    let other = invite(house, &own, &stranger).unwrap();
    house.refuses(Reason::InvitationInvalid, || pair(house, purse, laptop, other, b""));
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
