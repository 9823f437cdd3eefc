//! Who is let in, when, and how often.

use std::thread;

use futures::executor::block_on;
use p256::ecdsa::signature::Signer;
use rstest::rstest;
use twofold_api::{
    Reason, request,
    signature::{Draft, Protocol, Unsigned, Window},
};
use twofold_threshold::{
    id::WalletId,
    identity::{IdentityKey, IdentitySecret},
};

use crate::{
    fixture::{Call, House, Phone, START, URL, name, parse, random, rng},
    port::record::Device,
};

const HOUR: u64 = 3_600;

fn hello(house: &House, call: &Call) -> Result<(), twofold_api::Refusal> {
    block_on(house.mind.hello(house.let_in(call, request::Hello)?)).map(drop)
}

#[rstest]
#[case::on_time(0, true)]
#[case::behind_by_30(-30, true)]
#[case::behind_by_31(-31, false)]
#[case::ahead_by_30(30, true)]
#[case::ahead_by_31(31, false)]
fn a09_f17_a_request_is_let_in_within_thirty_seconds_and_no_more(#[case] offset: i64, #[case] fits: bool) {
    let house = House::new();
    let phone = Phone::joined(&house);
    phone.clock.set(START.checked_add_signed(offset).unwrap());
    let result = hello(&house, &phone.call("Hello", None, b""));
    assert_eq!(
        result.map_err(|refusal| refusal.reason),
        if fits { Ok(()) } else { Err(Reason::ClockSkew) }
    );
}

#[test]
fn the_wallet_that_is_asked_about_is_known_before_the_body() {
    let house = House::new();
    let phone = Phone::joined(&house);
    for wallet in [None, Some(WalletId([7; 16]))] {
        let call = phone.call("Hello", wallet, b"");
        let announced = block_on(house.mind.authenticate(&call.proof)).unwrap();
        // Rates go by it.
        assert_eq!(announced.wallet(), wallet);
    }
}

#[test]
fn f17_a_request_dies_at_its_own_end_even_within_the_skew() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let call = phone.call_within(
        "Hello",
        None,
        b"",
        Window {
            created: START,
            expires: START + 5,
        },
    );
    house.clock.set(START + 5);
    assert!(hello(&house, &call).is_ok());
    house.clock.set(START + 6);
    house.refuses(Reason::ClockSkew, || hello(&house, &call));
}

#[test]
fn a30_a_phone_an_hour_off_is_told_the_signed_time_and_the_next_try_works() {
    let house = House::new();
    let phone = Phone::joined(&house);
    for wrong in [START - HOUR, START + HOUR] {
        phone.clock.set(wrong);
        let call = phone.call("Hello", None, b"");
        let refusal = house.refuses(Reason::ClockSkew, || hello(&house, &call));
        let told = refusal.server_time.expect("the refusal tells the time");
        let time = told
            .verify(&house.mind.identity(), call.proof.digest())
            .expect("the house signed it");
        assert!(
            told.verify(&house.mind.identity(), twofold_threshold::id::RequestDigest(random()))
                .is_err()
        );
        phone.clock.set(time);
        hello(&house, &phone.call("Hello", None, b"")).expect("the offset is right now");
    }
}

#[test]
fn an_altered_body_or_signature_is_refused_before_anything_is_looked_up() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let call = phone.call("Hello", None, b"body");
    let altered = Call {
        body: b"bodY".to_vec(),
        ..call.clone()
    };
    house.refuses(Reason::SignatureInvalid, || hello(&house, &altered));

    // Another key's signature under this phone's name.
    let other = IdentitySecret::generate(&mut rng());
    let forged = forge(&phone, |base| other.sign_raw(base).0);
    house.refuses(Reason::SignatureInvalid, || hello(&house, &forged));
}

fn forge(phone: &Phone, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Call {
    signed_by(phone.identity.public(), sign)
}

fn signed_by(key: IdentityKey, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Call {
    let target = format!("{URL}/twofold.v1.CosignerService/Hello");
    let protocol = Protocol::current("twofold-test/0.1.0").unwrap();
    let unsigned = Unsigned::new(&Draft {
        method: "POST",
        target_uri: &target,
        content_type: "application/proto",
        body: b"",
        wallet: None,
        protocol: &protocol,
        key: &key,
        window: Window {
            created: START,
            expires: START + 60,
        },
        nonce: random(),
    })
    .unwrap();
    let signature = sign(unsigned.base());
    Call {
        proof: parse(&target, &unsigned.attach(&signature)),
        body: Vec::new(),
    }
}

#[test]
fn a_p256_device_is_let_in_and_its_broken_signature_is_not() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let secret = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let compressed = secret.verifying_key().to_encoded_point(true);
    let key = IdentityKey::P256(compressed.as_bytes().try_into().unwrap());
    let user = house.user_of(&phone);
    let row = Device {
        id: key.device_id(),
        identity: key.to_bytes(),
        user,
        name: "key".into(),
        enrolled: START,
    };
    house.store.with(|tables| tables.devices.insert(row.id, row));
    let sign = |base: &[u8]| -> [u8; 64] {
        let signature: p256::ecdsa::Signature = secret.sign(base);
        signature.to_bytes().into()
    };
    hello(&house, &signed_by(key, sign)).expect("a good signature");
    let broken = signed_by(key, |base| {
        let mut signature = sign(base);
        signature[40] ^= 1;
        signature
    });
    house.refuses(Reason::SignatureInvalid, || hello(&house, &broken));
}

#[test]
fn a_key_in_whose_name_anybody_can_sign_never_joins() {
    let house = House::new();
    let code = block_on(house.mind.mint_invitation(None)).unwrap().code;
    // The neutral point: s = 0 and R = 0 verify, whatever is signed.
    let neutral = |length| (0..length).map(|place| u8::from(place == 0)).collect::<Vec<_>>();
    let key = IdentityKey::Ed25519(neutral(32).try_into().unwrap());
    let call = signed_by(key, |_| neutral(64).try_into().unwrap());
    house.refuses(Reason::SignatureInvalid, || Phone::send_join(&house, &call, code));
    Phone::new().join(&house, code).expect("the invitation is unused");
}

#[test]
fn an_unknown_device_is_refused_and_may_only_join() {
    let house = House::new();
    let stranger = Phone::new();
    house.refuses(Reason::DeviceUnknown, || {
        hello(&house, &stranger.call("Hello", None, b""))
    });
    house.refuses(Reason::InvitationInvalid, || stranger.join(&house, [0; 16]));
}

#[test]
fn p05_a_body_that_names_another_wallet_than_the_signed_header_is_refused() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let other = WalletId(random());
    let get = |wallet| request::GetWallet {
        wallet,
        checkpoint: None,
    };
    let header_only = phone.call("GetWallet", Some(other), b"");
    house.refuses(Reason::PartyMismatch, || house.let_in(&header_only, get(purse.id)));
    let no_header = phone.call("GetWallet", None, b"");
    house.refuses(Reason::PartyMismatch, || house.let_in(&no_header, get(purse.id)));
    let surplus = phone.call("Hello", Some(purse.id), b"");
    house.refuses(Reason::PartyMismatch, || house.let_in(&surplus, request::Hello));
}

#[test]
fn another_protocol_version_is_told_to_upgrade() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let call = phone.call_speaking("9;sdk=\"twofold-test/9.0.0\"", b"");
    house.refuses(Reason::UpgradeRequired, || hello(&house, &call));
}

#[test]
fn a07_one_request_runs_once_in_series_at_once_and_after_a_restart() {
    let mut house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let coin = house.pay(&purse, 100_000, 0);
    let spend = phone.spend(&house, &purse, &purse.psbt(&[coin], 40_000));

    let entries = house.audit(&purse).len();
    let at_once: Vec<_> = thread::scope(|scope| {
        let sends: Vec<_> = (0..100).map(|_| scope.spawn(|| spend.send(&house))).collect();
        sends.into_iter().map(|send| send.join().expect("no panic")).collect()
    });
    let first = at_once[0].clone().expect("signed");
    assert!(
        at_once.iter().all(|reply| reply.as_ref() == Ok(&first)),
        "copies of a request got different replies"
    );

    let after = house.rows();
    assert_eq!(spend.send(&house).as_ref(), Ok(&first));
    house.restart();
    assert_eq!(spend.send(&house).as_ref(), Ok(&first));
    assert!(house.rows() == after, "a copy changed something");
    assert_eq!(house.audit(&purse).len(), entries + 1);
    assert_eq!(house.oracle.len(), 1);
}

#[test]
fn the_same_nonce_under_another_request_is_refused() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let rename = |text: &str| {
        phone.next_nonce.set(Some([9; 16]));
        let call = phone.call("RenameWallet", Some(purse.id), text.as_bytes());
        let asked = request::RenameWallet {
            wallet: purse.id,
            name: name(text),
            checkpoint: purse.newest.get(),
        };
        block_on(house.mind.rename_wallet(house.let_in(&call, asked)?))
    };
    rename("first").unwrap();
    house.refuses(Reason::NonceReused, || rename("second"));
    assert_eq!(house.rows().wallets[&purse.id].name, "first");
}

#[test]
fn a09_a_clock_that_goes_back_an_hour_lets_no_request_run_again() {
    for restarts in [false, true] {
        let mut house = House::new();
        let phone = Phone::joined(&house);
        let purse = phone.create(&house);
        let coin = house.pay(&purse, 100_000, 0);
        let spend = phone.spend(&house, &purse, &purse.psbt(&[coin], 40_000));
        let first = spend.send(&house).unwrap();

        // The record is there: the clock going back finds it.
        house.clock.set(START - HOUR);
        if restarts {
            house.restart();
        }
        match spend.send(&house) {
            Ok(again) => assert_eq!(again, first),
            Err(refusal) => assert_eq!(refusal.reason, Reason::ClockSkew),
        }

        // The record is gone: the request must not come in any more, at whatever time the clock says it is.
        house.clock.set(START);
        if restarts {
            house.restart();
        }
        house.let_time_settle();
        assert!(house.rows().replays.is_empty());
        let after = house.rows();
        for clock in [START, START + 1, START - HOUR, 0] {
            house.clock.set(clock);
            if restarts {
                house.restart();
            }
            assert_eq!(
                spend.send(&house).unwrap_err().reason,
                Reason::ClockSkew,
                "the clock says {clock}"
            );
        }
        assert!(house.rows() == after);
    }
}

#[test]
fn a_copy_that_was_let_in_and_then_waited_past_its_record_does_not_run() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let coin = house.pay(&purse, 100_000, 0);
    let spend = phone.spend(&house, &purse, &purse.psbt(&[coin], 40_000));
    let waiting = house.let_in(&spend.call, spend.request()).unwrap();
    spend.send(&house).unwrap();
    house.let_time_settle();
    house.refuses(Reason::ClockSkew, || block_on(house.mind.sign(waiting)));
}

#[test]
fn a09_one_moment_of_a_wrong_clock_refuses_nobody_afterwards() {
    for restarts in [false, true] {
        let mut house = House::new();
        let phone = Phone::joined(&house);
        let purse = phone.create(&house);
        let coin = house.pay(&purse, 100_000, 0);
        let spend = phone.spend(&house, &purse, &purse.psbt(&[coin], 40_000));
        let first = spend.send(&house).unwrap();
        let year_2100 = 4_102_444_800;
        house.clock.set(year_2100);
        assert_eq!(spend.send(&house).unwrap_err().reason, Reason::ClockSkew);
        block_on(house.mind.purge()).unwrap();
        // Somebody whose clock is as wrong is served, and remembered.
        phone.clock.set(year_2100);
        phone.activate(&house, &purse).unwrap();
        phone.clock.set(START);

        house.clock.set(START + 1);
        if restarts {
            house.restart();
        }
        assert_eq!(spend.send(&house).unwrap(), first, "the record went by a wrong clock");
        let coin = house.pay(&purse, 100_000, 0);
        phone.sign(&house, &purse, &purse.psbt(&[coin], 40_000)).unwrap();
    }
}

#[test]
fn f16_a_flood_evicts_no_live_record() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    // The clock has kept time for long enough that records go by it.
    house.clock.pass(3_600);
    phone.clock.set(START + 3_600);
    let old = house.store.with(|tables| tables.replays.len());
    let coin = house.pay(&purse, 100_000, 0);
    let spend = phone.spend(&house, &purse, &purse.psbt(&[coin], 40_000));
    let first = spend.send(&house).unwrap();
    for round in 0..300_u32 {
        let call = phone.call("RenameWallet", Some(purse.id), &round.to_be_bytes());
        let asked = request::RenameWallet {
            wallet: purse.id,
            name: name(&format!("n{round}")),
            checkpoint: purse.newest.get(),
        };
        block_on(house.mind.rename_wallet(house.let_in(&call, asked).unwrap())).unwrap();
        let bad = forge(&phone, |_| [1; 64]);
        assert_eq!(hello(&house, &bad).unwrap_err().reason, Reason::SignatureInvalid);
    }
    block_on(house.mind.purge()).unwrap();
    let kept = house.store.with(|tables| tables.replays.len());
    assert!(
        old > 0 && kept == 301,
        "{old} old ones go, and the {kept} of this minute stay"
    );
    assert_eq!(spend.send(&house).unwrap(), first);
}

#[test]
fn f09_no_clock_makes_anything_panic() {
    let mut house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    for clock in [0, 1, u64::MAX, u64::MAX / 2, START] {
        house.clock.set(clock);
        let call = phone.call("Hello", None, b"");
        let _ = hello(&house, &call);
        let _ = block_on(house.mind.purge());
        let _ = block_on(house.mind.mint_invitation(Some(u64::MAX)));
        house.restart();
        let _ = phone.activate(&house, &purse);
    }
}

#[test]
fn a_reply_that_cannot_be_read_any_more_is_spent() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let coin = house.pay(&purse, 100_000, 0);
    let spend = phone.spend(&house, &purse, &purse.psbt(&[coin], 40_000));
    spend.send(&house).unwrap();
    house.store.with(|tables| {
        for record in tables.replays.values_mut() {
            record.sealed_reply.pop();
        }
    });
    house.refuses(Reason::RequestSpent, || spend.send(&house));
}
