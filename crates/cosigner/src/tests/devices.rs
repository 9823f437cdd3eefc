//! Which devices a wallet has, who may do what, and what waits.

mod asking;
mod codes;
mod freezing;
mod room;

use futures::executor::block_on;
use rstest::rstest;
use twofold_api::{
    Reason, Refusal,
    reply::{self, Asked, Shape},
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

pub(super) fn enrol(phone: &Phone) -> Act {
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

pub(super) fn change(
    house: &House,
    purse: &Purse,
    from: &Phone,
    act: Act,
    with: &[&IdentitySecret],
) -> Result<Asked, Refusal> {
    let mut by = vec![&from.identity];
    by.extend_from_slice(with);
    send(house, purse, from, &signed(house, purse, act, &by), b"parcel")
}

/// Recovery's word that a freeze may end.
fn word_of_recovery(purse: &Purse, since: u64, seal_key: SealPublic) -> request::Word {
    let said = unfreezing(purse.id, since, &seal_key);
    let signature = purse.recovery.sign(UNFREEZE, &said).0;
    request::Word { seal_key, signature }
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
        recovery: recovery.then(|| word_of_recovery(purse, since, from.offer(house).public())),
        checkpoint: purse.newest.get(),
    };
    let done = block_on(house.mind.set_freeze(house.let_in(&call, asked)?))?;
    purse.note(&done.head, &house.mind.identity());
    Ok(done)
}

pub(super) fn cancel(house: &House, purse: &Purse, from: &Phone, number: u64) -> Result<reply::Done, Refusal> {
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
pub(super) fn further(house: &House, purse: &Purse, from: &Phone) -> Phone {
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
        .let_in(&tablet.call("ListWallets", None, b""), request::ListWallets::default())
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
