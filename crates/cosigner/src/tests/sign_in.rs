//! Joining by a sign-in: who becomes whose device, and what that opens.

use std::future::{Future, pending, ready};

use futures::executor::block_on;
use twofold_api::{Reason, Refusal, reply, request};

use twofold_threshold::id::DeviceId;

use crate::{
    Config, SignedIn,
    fixture::{Call, House, Phone, START, name},
    port::{
        Clock as _,
        record::{Device, User, UserId},
        store::{Batch, Write},
    },
};

pub(super) fn alice() -> SignedIn {
    SignedIn {
        issuer: "https://issuer.example".into(),
        subject: "alice".into(),
        admitted: true,
        stepped_up: false,
    }
}

fn join(
    house: &House,
    call: &Call,
    who: impl Future<Output = Result<SignedIn, Refusal>>,
) -> Result<reply::Joined, Refusal> {
    let newcomer = house.mind.authenticate_newcomer(&call.proof)?.arrived(&call.body)?;
    let asked = request::Join {
        code: None,
        device_name: name("phone"),
    };
    block_on(house.mind.sign_in(newcomer.bind(asked)?, who))
}

pub(super) fn sign_in(house: &House, phone: &Phone, who: SignedIn) -> Result<reply::Joined, Refusal> {
    join(house, &phone.call("Join", None, b""), ready(Ok(who)))
}

#[test]
fn an_issuer_and_a_subject_are_one_user_on_every_device() {
    let house = House::new();
    let (first, second, other) = (Phone::new(), Phone::new(), Phone::new());
    let user = sign_in(&house, &first, alice()).unwrap().user;
    assert_eq!(sign_in(&house, &second, alice()).unwrap().user, user);
    let bob = SignedIn {
        subject: "bob".into(),
        ..alice()
    };
    assert_ne!(sign_in(&house, &other, bob).unwrap().user, user);
    let elsewhere = SignedIn {
        issuer: "https://other.example".into(),
        ..alice()
    };
    assert_ne!(sign_in(&house, &Phone::new(), elsewhere).unwrap().user, user);
    assert_eq!(house.rows().users.len(), 3);
}

#[test]
fn a24_a_stolen_token_reads_and_signs_nothing_of_the_wallets_there_are() {
    let house = House::new();
    let (phone, thief) = (Phone::new(), Phone::new());
    sign_in(&house, &phone, alice()).unwrap();
    let purse = phone.create(&house);
    sign_in(&house, &thief, alice()).unwrap();
    let asked = request::GetWallet {
        wallet: purse.id,
        checkpoint: None,
    };
    let call = thief.call("GetWallet", Some(purse.id), b"");
    house.refuses(Reason::DeviceNotListed, || {
        block_on(house.mind.get_wallet(house.let_in(&call, asked.clone())?))
    });
    let call = phone.call("GetWallet", Some(purse.id), b"");
    block_on(house.mind.get_wallet(house.let_in(&call, asked).unwrap())).unwrap();
}

#[test]
fn a07_the_same_request_gets_the_same_answer_though_the_tokens_time_is_over() {
    let house = House::new();
    let call = Phone::new().call("Join", None, b"");
    let joined = join(&house, &call, ready(Ok(alice()))).unwrap();
    // Nobody is asked a second time.
    assert_eq!(join(&house, &call, pending()).unwrap(), joined);
}

#[test]
fn who_is_not_admitted_becomes_no_user_and_stays_one() {
    let house = House::new();
    let shut_out = SignedIn {
        admitted: false,
        ..alice()
    };
    let phone = Phone::new();
    house.refuses(Reason::SignInRefused, || sign_in(&house, &phone, shut_out.clone()));
    assert!(house.rows().users.is_empty());
    sign_in(&house, &phone, alice()).unwrap();
    // Who may become a user is asked once; whoever is one has wallets here.
    sign_in(&house, &Phone::new(), shut_out).unwrap();
}

#[test]
fn a_user_enrols_no_more_devices_than_the_operator_allows() {
    let mut config = Config::new(bitcoin::Network::Regtest);
    config.devices_per_user = 1;
    let house = House::with(config);
    sign_in(&house, &Phone::new(), alice()).unwrap();
    let phone = Phone::new();
    house.refuses(Reason::QuotaExceeded, || sign_in(&house, &phone, alice()));
    assert_eq!(house.rows().devices.len(), 1);
}

#[test]
fn a32_a_token_that_is_good_for_a_day_leaves_its_owner_room_for_devices() {
    let house = House::new();
    let phone = || {
        let phone = Phone::new();
        phone.clock.set(house.clock.now());
        phone
    };
    let joins = || {
        for _ in 0..5 {
            sign_in(&house, &phone(), alice()).unwrap();
        }
        let one_more = phone();
        house.refuses(Reason::QuotaExceeded, || sign_in(&house, &one_more, alice()));
    };
    joins();
    house.clock.pass(24 * 60 * 60);
    let early = phone();
    house.refuses(Reason::QuotaExceeded, || sign_in(&house, &early, alice()));
    // Whoever stole it has lost it by then, and she joins.
    house.clock.pass(1);
    joins();
    // Somebody else has devices of their own.
    let bob = SignedIn {
        subject: "bob".into(),
        ..alice()
    };
    sign_in(&house, &phone(), bob).unwrap();
}

/// What another device of the person commits, who is or becomes the user `n`.
fn another_device(n: u8, user: Option<UserId>) -> Batch {
    let id = user.unwrap_or(UserId([n; 16]));
    let added = Write::AddUser(User {
        id,
        issuer: alice().issuer,
        subject: alice().subject,
    });
    let device = Write::AddDevice(Device {
        id: DeviceId([n; 32]),
        identity: vec![n; 33],
        user: id,
        name: "laptop".into(),
        enrolled: START,
    });
    let writes = if user.is_some() {
        vec![device]
    } else {
        vec![added, device]
    };
    Batch {
        expect: Vec::new(),
        writes,
    }
}

#[test]
fn a32_two_first_devices_of_a_person_at_once_are_one_users() {
    let house = House::new();
    house.store.quicker([another_device(7, None)]);
    let joined = sign_in(&house, &Phone::new(), alice()).unwrap();
    assert_eq!(joined.user, [7; 16]);
    assert_eq!((house.rows().users.len(), house.rows().devices.len()), (1, 2));
}

#[test]
fn a32_devices_that_join_at_once_are_no_more_than_the_operator_allows() {
    let mut config = Config::new(bitcoin::Network::Regtest);
    config.devices_per_user = 2;
    let house = House::with(config);
    let user = UserId(sign_in(&house, &Phone::new(), alice()).unwrap().user);
    house.store.quicker([another_device(7, Some(user))]);
    let late = Phone::new();
    let refused = sign_in(&house, &late, alice()).unwrap_err();
    assert_eq!(refused.reason, Reason::QuotaExceeded);
    assert_eq!(house.rows().devices.len(), 2);
}

#[test]
fn a_fault_of_the_sign_in_enrols_nobody() {
    let house = House::new();
    let phone = Phone::new();
    for reason in [Reason::TokenInvalid, Reason::SignInUnavailable] {
        let refused = || join(&house, &phone.call("Join", None, b""), ready(Err(reason.into())));
        house.refuses(reason, refused);
    }
    assert!(house.rows().devices.is_empty());
}

#[test]
fn an_invitation_and_a_token_do_not_come_together() {
    let house = House::new();
    let minted = block_on(house.mind.mint_invitation(None)).unwrap();
    let call = Phone::new().call("Join", None, &minted.code);
    let asked = request::Join {
        code: Some(minted.code),
        device_name: name("phone"),
    };
    let newcomer = house
        .mind
        .authenticate_newcomer(&call.proof)
        .unwrap()
        .arrived(&call.body)
        .unwrap();
    let refused = block_on(house.mind.sign_in(newcomer.bind(asked).unwrap(), ready(Ok(alice()))));
    assert_eq!(refused.unwrap_err().reason, Reason::Malformed);
    // Nor is there a way in without either.
    let nothing = request::Join {
        code: None,
        device_name: name("phone"),
    };
    let call = Phone::new().call("Join", None, b"");
    let newcomer = house
        .mind
        .authenticate_newcomer(&call.proof)
        .unwrap()
        .arrived(&call.body)
        .unwrap();
    let refused = block_on(house.mind.join(newcomer.bind(nothing).unwrap()));
    assert_eq!(refused.unwrap_err().reason, Reason::InvitationInvalid);
    assert_eq!(minted.expires, START + house.mind.config().invitation_seconds);
}
