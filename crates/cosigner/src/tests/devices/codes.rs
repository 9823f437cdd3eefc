//! Codes for further machines, and the mailbox in which two machines meet.

use futures::executor::block_on;
use twofold_api::{Reason, Refusal, request};

use super::{DAY, Family, invite, look};
use crate::fixture::{House, Phone, Purse};

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
