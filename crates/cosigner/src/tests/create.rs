//! Making a wallet: rounds in order, out of order, twice, mixed up, late, and interrupted.

use futures::executor::block_on;
use rstest::rstest;
use twofold_api::{Reason, Refusal, audit::Event, reply, request, seal_key::Step};
use twofold_threshold::{
    create::Completion,
    id::{CeremonyId, Party},
    rand_core::RngCore,
    secret::UnlockKey,
    sign::Commitment,
};

use crate::{
    Config,
    fixture::{Closed, House, Phone, Purse, START, Started, copy, name, random, rng},
    port::Clock as _,
    testing::memory::Fate,
};

fn test_sign(
    house: &House,
    phone: &Phone,
    purse: &Purse,
    commitment: &Commitment,
) -> Result<reply::TestSigned, Refusal> {
    let call = phone.call("TestSign", Some(purse.id), &commitment.to_bytes());
    let unlock = phone.seal(house, purse.id, 1, Step::TestSign, &purse.unlock);
    let asked = request::TestSign {
        wallet: purse.id,
        epoch: purse.epoch(),
        commitment: *commitment,
        unlock,
        checkpoint: None,
    };
    block_on(house.mind.test_sign(house.let_in(&call, asked)?))
}

fn activate(house: &House, phone: &Phone, wallet: twofold_threshold::id::WalletId) -> Result<reply::Done, Refusal> {
    let call = phone.call("Activate", Some(wallet), b"");
    let asked = request::Activate {
        wallet,
        test_signature: [1; 64],
        checkpoint: None,
    };
    block_on(house.mind.activate(house.let_in(&call, asked)?))
}

#[test]
fn a_wallet_is_pending_until_its_test_signature_is_shown() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create_pending(&house);
    let coin = house.pay(&purse, 100_000, 0);
    let psbt = purse.psbt(&[coin], 40_000);
    house.refuses(Reason::NotActive, || phone.sign(&house, &purse, &psbt));
    house.refuses(Reason::Culprit, || {
        let mut bad = purse.test_signature.0;
        bad[63] ^= 1;
        let call = phone.call("Activate", Some(purse.id), &bad);
        let asked = request::Activate {
            wallet: purse.id,
            test_signature: bad,
            checkpoint: None,
        };
        block_on(house.mind.activate(house.let_in(&call, asked)?))
    });
    phone.activate(&house, &purse).unwrap();
    phone.sign(&house, &purse, &psbt).unwrap();
    let events: Vec<_> = house.audit(&purse).iter().map(|entry| entry.event.name()).collect();
    assert_eq!(events, ["created", "test_signed", "activated", "signed"]);
    // Once more changes nothing but the record of the reply.
    phone.activate(&house, &purse).unwrap();
    assert_eq!(house.audit(&purse).len(), 4);
}

#[test]
fn p09_rounds_out_of_order_are_refused() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let started = phone.start(&house);
    let (wallet, ceremony) = (started.wallet, started.ceremony);
    let begun = started.send(&house).unwrap();

    // Between the rounds the wallet is not there yet for anything else.
    house.refuses(Reason::OutOfOrder, || activate(&house, &phone, wallet));

    // The opening where the closing should be, and the reverse.
    let opening = started.opening.clone();
    let unlock = copy(started.unlock());
    let sealed = phone.seal(&house, wallet, 1, Step::FinishCreate, &unlock);
    house.refuses(Reason::OutOfOrder, || {
        let call = phone.call("FinishCreate", Some(wallet), &opening);
        let asked = request::FinishCreate {
            wallet,
            ceremony,
            closing: opening.clone(),
            unlock: sealed.clone(),
            checkpoint: None,
        };
        block_on(house.mind.finish_create(house.let_in(&call, asked)?))
    });
    let closed = started.go_on(&phone, &begun);
    house.refuses(Reason::OutOfOrder, || {
        let call = phone.call("BeginCreate", Some(wallet), &closed.closing);
        let unlock = phone.seal(&house, wallet, 1, Step::BeginCreate, &closed.unlock);
        let asked = request::BeginCreate {
            wallet,
            name: name("x"),
            opening: closed.closing.clone(),
            unlock,
            recovery_elsewhere: false,
        };
        block_on(house.mind.begin_create(house.let_in(&call, asked)?))
    });
    closed
        .send(&house, &phone)
        .expect("the ceremony goes on as if nothing had been");
}

#[test]
fn p10_the_identical_round_again_gets_the_same_bytes() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let started = phone.start(&house);
    let begun = started.send(&house).unwrap();
    let after = house.rows();
    assert_eq!(started.send(&house).unwrap(), begun);
    assert!(house.rows() == after);

    let closed = started.go_on(&phone, &begun);
    let sealed = phone.seal(&house, closed.wallet, 1, Step::FinishCreate, &closed.unlock);
    let call = closed.call(&phone);
    let finished = closed.send_as(&house, &call, &sealed).unwrap();
    let after = house.rows();
    assert_eq!(closed.send_as(&house, &call, &sealed).unwrap(), finished);
    assert!(house.rows() == after);
    closed.done(&finished);
}

#[test]
fn p10_another_body_under_a_rounds_nonce_is_refused_and_ends_the_ceremony() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let started = phone.start(&house);
    phone.next_nonce.set(Some(started.call.proof.nonce()));
    let begun = started.send(&house).unwrap();

    let other = phone.call("FinishCreate", Some(started.wallet), b"another body");
    let (wallet, ceremony) = (started.wallet, started.ceremony);
    let closed = started.go_on(&phone, &begun);
    let sealed = phone.seal(&house, wallet, 1, Step::FinishCreate, &closed.unlock);
    let refused = closed.send_as(&house, &other, &sealed).unwrap_err();
    assert_eq!(refused.reason, Reason::NonceReused);
    assert!(!house.rows().ceremonies.contains_key(&ceremony), "the ceremony goes on");
    house.refuses(Reason::CeremonyNotFound, || closed.send(&house, &phone));
}

#[test]
fn p15_a_server_that_answers_one_opening_twice_makes_no_wallet_of_both() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let started = phone.start(&house);
    // Two copies of the server deal for one opening; the device hears the first, and the second is the one that goes on.
    let before = house.rows();
    let begun = started.send(&house).unwrap();
    house.store.with(|tables| *tables = before);
    let other = started.send(&house).unwrap();
    assert_ne!(begun.server_round, other.server_round);
    let closed = started.go_on(&phone, &begun);
    let refused = closed.send(&house, &phone).unwrap_err();
    assert_eq!(
        (refused.reason, refused.reason.code(), refused.culprits.as_slice()),
        (
            Reason::CeremonyMismatch,
            twofold_api::Code::Aborted,
            &[Party::Device][..]
        )
    );
    let rows = house.rows();
    assert!(rows.wallets.is_empty() && rows.shares.is_empty() && rows.ceremonies.is_empty());
    phone.create(&house);
}

#[test]
fn p11_messages_of_two_ceremonies_of_one_user_do_not_mix() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let (one, two) = (phone.start(&house), phone.start(&house));
    let (begun_one, begun_two) = (one.send(&house).unwrap(), two.send(&house).unwrap());
    let (one, two) = (one.go_on(&phone, &begun_one), two.go_on(&phone, &begun_two));
    let shares = house.rows().shares;

    // The second's closing in the first ceremony.
    let sealed = phone.seal(&house, one.wallet, 1, Step::FinishCreate, &one.unlock);
    let call = phone.call("FinishCreate", Some(one.wallet), &two.closing);
    let mixed = request::FinishCreate {
        closing: two.closing.clone(),
        ..one.request(&sealed)
    };
    let refused = block_on(house.mind.finish_create(house.let_in(&call, mixed).unwrap())).unwrap_err();
    assert_eq!(
        (refused.reason, refused.culprits),
        (Reason::CeremonyMismatch, vec![Party::Device])
    );
    assert!(house.rows().shares == shares && house.rows().wallets.is_empty());
    two.send(&house, &phone).expect("the other ceremony is untouched");
}

#[test]
fn p12_a_strangers_ceremony_and_wallet_are_answered_like_missing_ones() {
    let house = House::new();
    let (phone, stranger) = (Phone::joined(&house), Phone::joined(&house));
    let started = phone.start(&house);
    let begun = started.send(&house).unwrap();
    let closed = started.go_on(&phone, &begun);

    let as_stranger = |closed: &Closed, ceremony: CeremonyId| {
        let sealed = stranger.seal(&house, closed.wallet, 1, Step::FinishCreate, &closed.unlock);
        let call = stranger.call("FinishCreate", Some(closed.wallet), &closed.closing);
        let asked = request::FinishCreate {
            ceremony,
            ..closed.request(&sealed)
        };
        block_on(house.mind.finish_create(house.let_in(&call, asked)?))
    };
    let known = house.refuses(Reason::CeremonyNotFound, || as_stranger(&closed, closed.ceremony));
    let missing = house.refuses(Reason::CeremonyNotFound, || as_stranger(&closed, CeremonyId(random())));
    assert_eq!(known, missing);

    let wallet = closed.wallet;
    house.refuses(Reason::WalletNotFound, || activate(&house, &stranger, wallet));
    let intruding = stranger.start_as(&house, wallet, CeremonyId(random()));
    house.refuses(Reason::WalletNotFound, || intruding.send(&house));
    let finished = closed.send(&house, &phone).unwrap();
    let purse = closed.done(&finished);
    house.refuses(Reason::WalletNotFound, || activate(&house, &stranger, purse.id));
    let intruding = stranger.start_as(&house, wallet, CeremonyId(random()));
    house.refuses(Reason::WalletNotFound, || intruding.send(&house));
}

#[test]
fn p06_an_opening_that_began_already_does_not_begin_again() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let started = phone.start(&house);
    started.send(&house).unwrap();
    house.refuses(Reason::CeremonyMismatch, || {
        let call = phone.call("BeginCreate", Some(started.wallet), &started.opening);
        block_on(house.mind.begin_create(house.let_in(&call, started.request())?))
    });
}

#[test]
fn p05_an_opening_of_another_device_is_refused() {
    let house = House::new();
    let (phone, other) = (Phone::joined(&house), Phone::joined(&house));
    let started = other.start(&house);
    house.refuses(Reason::PartyMismatch, || {
        let call = phone.call("BeginCreate", Some(started.wallet), &started.opening);
        block_on(house.mind.begin_create(house.let_in(&call, started.request())?))
    });
}

#[test]
fn a25_a_wrong_unlock_key_in_either_round_changes_nothing() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let mut started = phone.start(&house);
    let right = started.sealed.clone();
    started.sealed = phone.seal(
        &house,
        started.wallet,
        1,
        Step::BeginCreate,
        &UnlockKey::generate(&mut rng()),
    );
    house.refuses(Reason::WrongUnlockKey, || started.send(&house));
    started.sealed = right;
    let begun = started.send(&house).unwrap();
    let closed = started.go_on(&phone, &begun);
    for _ in 0..10 {
        let wrong = phone.seal(
            &house,
            closed.wallet,
            1,
            Step::FinishCreate,
            &UnlockKey::generate(&mut rng()),
        );
        house.refuses(Reason::WrongUnlockKey, || {
            closed.send_as(&house, &closed.call(&phone), &wrong)
        });
    }
    closed.send(&house, &phone).expect("the right one still works");
}

#[test]
fn p08_a_round_that_comes_too_late_is_told_so_and_its_ceremony_is_freed() {
    let mut config = Config::new(bitcoin::Network::Regtest);
    config.ceremonies_per_user = 1;
    let house = House::with(config);
    let phone = Phone::joined(&house);
    let started = phone.start(&house);
    let begun = started.send(&house).unwrap();
    let closed = started.go_on(&phone, &begun);
    let end = START + house.config.ceremony_seconds;
    house.clock.set(end + 1);
    phone.clock.set(end + 1);
    house.refuses(Reason::CeremonyExpired, || closed.send(&house, &phone));
    // It is in nobody's way any more, and nothing secret of it is left; for a day it still says what became of it.
    phone.start(&house).send(&house).expect("there is room for another");
    house.let_time_settle();
    phone.clock.set(house.clock.now());
    assert!(house.rows().ceremonies.values().all(|row| row.sealed.is_empty()));
    house.refuses(Reason::CeremonyExpired, || closed.send(&house, &phone));
    house.clock.pass(86_400);
    house.let_time_settle();
    phone.clock.set(house.clock.now());
    assert!(house.rows().ceremonies.is_empty());
    house.refuses(Reason::CeremonyNotFound, || closed.send(&house, &phone));
    assert!(house.rows().wallets.is_empty() && house.rows().shares.is_empty());
    phone.create(&house);
}

#[test]
fn p08_a_ceremony_whose_recovery_is_elsewhere_waits_seven_days_and_not_longer() {
    for (late, reason) in [(0, None), (1, Some(Reason::CeremonyExpired))] {
        let house = House::new();
        let phone = Phone::joined(&house);
        let mut started = phone.start(&house);
        started.elsewhere = true;
        let begun = started.send(&house).unwrap();
        let closed = started.go_on(&phone, &begun);
        house.clock.pass(7 * 86_400 + late);
        phone.clock.set(house.clock.now());
        match (closed.send(&house, &phone), reason) {
            (Ok(_), None) => {}
            (answer, reason) => assert_eq!(answer.map(drop).map_err(|refusal| refusal.reason).err(), reason),
        }
    }
}

#[test]
fn a_user_has_few_ceremonies_that_wait_for_days_and_room_for_others_beside_them() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let begin = |elsewhere| {
        let mut started = phone.start(&house);
        started.elsewhere = elsewhere;
        started.send(&house).map(drop).map_err(|refusal| refusal.reason)
    };
    let most = house.config.elsewhere_per_user;
    for _ in 0..most {
        begin(true).expect("there is room");
    }
    assert_eq!(begin(true), Err(Reason::QuotaExceeded));
    begin(false).expect("one that is over in minutes");
    // Others have theirs, up to what the server waits for in all.
    let mut config = Config::new(bitcoin::Network::Regtest);
    config.elsewhere = 1;
    let house = House::with(config);
    let phones = [Phone::joined(&house), Phone::joined(&house)];
    let begin = |phone: &Phone| {
        let mut started = phone.start(&house);
        started.elsewhere = true;
        started.send(&house).map(drop).map_err(|refusal| refusal.reason)
    };
    begin(&phones[0]).expect("the first");
    assert_eq!(begin(&phones[1]), Err(Reason::QuotaExceeded));
}

#[test]
fn what_finish_stored_never_expires() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create_pending(&house);
    house.clock.pass(365 * 86_400);
    house.let_time_settle();
    phone.clock.set(house.clock.now());
    phone.activate(&house, &purse).expect("a year later");
}

#[test]
fn a_wallet_that_is_there_is_not_made_again() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let again = phone.start_as(&house, purse.id, CeremonyId(random()));
    house.refuses(Reason::WalletExists, || again.send(&house));
}

/// A crash of either side at any commit: sending the round again, or the next request, brings the wallet to life.
#[rstest]
#[case::before_the_opening_is_stored(&[Fate::Refuse])]
#[case::after_the_opening_is_stored(&[Fate::CommitUnheard])]
#[case::before_the_closing_is_stored(&[Fate::Commit, Fate::Refuse])]
#[case::after_the_closing_is_stored(&[Fate::Commit, Fate::CommitUnheard])]
#[case::before_it_is_active(&[Fate::Commit, Fate::Commit, Fate::Refuse])]
#[case::after_it_is_active(&[Fate::Commit, Fate::Commit, Fate::CommitUnheard])]
fn p21_create_finishes_after_a_crash_at_any_commit(#[case] fates: &[Fate]) {
    let mut house = House::new();
    let phone = Phone::joined(&house);
    let started = phone.start(&house);
    house.store.fates(fates.iter().copied());
    let mut crashes = 0;
    let begun = started.send(&house).unwrap_or_else(|refusal| {
        crashes += 1;
        assert_eq!(refusal.reason, Reason::StoreUnavailable);
        started.send(&house).expect("the same request again")
    });
    let closed = started.go_on(&phone, &begun);
    let sealed = phone.seal(&house, closed.wallet, 1, Step::FinishCreate, &closed.unlock);
    let call = closed.call(&phone);
    let finished = closed.send_as(&house, &call, &sealed).unwrap_or_else(|refusal| {
        crashes += 1;
        assert_eq!(refusal.reason, Reason::StoreUnavailable);
        closed.send_as(&house, &call, &sealed).expect("the same request again")
    });
    let purse = closed.done(&finished);
    if phone.activate(&house, &purse).is_err() {
        crashes += 1;
        house.restart();
        phone.activate(&house, &purse).expect("once more");
    }
    assert_eq!(crashes, 1, "the fault did not strike");
    let coin = house.pay(&purse, 100_000, 0);
    phone.sign(&house, &purse, &purse.psbt(&[coin], 40_000)).unwrap();
}

#[test]
fn p21_a_device_that_lost_the_answer_gets_a_test_share_for_fresh_commitments() {
    let mut house = House::new();
    let phone = Phone::joined(&house);
    let started = phone.start(&house);
    let begun = started.send(&house).unwrap();
    let closed = started.go_on(&phone, &begun);
    let first = closed.send(&house, &phone).unwrap();
    house.restart();

    // The closing of the same ceremony, signed anew, is answered from what is stored.
    let again = closed.send(&house, &phone).expect("the same ceremony is closed again");
    let completions = [&first, &again].map(|reply| Completion::try_from(reply.completion.as_slice()).unwrap());
    assert_ne!(completions[0], completions[1], "a nonce was used twice");
    let purse = closed.done(&again);
    phone.activate(&house, &purse).unwrap();

    // So is a request for a test share alone.
    let commitment = some_commitment(&phone, &purse);
    test_sign(&house, &phone, &purse, &commitment).unwrap();
    let tests = house
        .audit(&purse)
        .iter()
        .filter(|entry| matches!(entry.event, Event::TestSigned { .. }))
        .count();
    assert_eq!(tests, 3, "a test share is missing from the audit chain");
}

#[test]
fn p27_a_test_share_is_refused_at_another_epoch() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let commitment = some_commitment(&phone, &purse);
    let unlock = phone.seal(&house, purse.id, 1, Step::TestSign, &purse.unlock);
    for number in [0, 2] {
        let epoch = twofold_threshold::id::EpochId {
            number,
            ..purse.epoch()
        };
        let asked = request::TestSign {
            wallet: purse.id,
            epoch,
            commitment,
            unlock: unlock.clone(),
            checkpoint: None,
        };
        let call = phone.call("TestSign", Some(purse.id), &[]);
        house.refuses(Reason::StaleEpoch, || {
            block_on(house.mind.test_sign(house.let_in(&call, asked)?))
        });
    }
}

pub(super) fn some_commitment(phone: &Phone, purse: &Purse) -> Commitment {
    let input = twofold_threshold::sign::InputToSign {
        path: [0, 0],
        message: [1; 32],
    };
    let (_, commitments) = twofold_threshold::sign::DeviceSession::commit(
        &purse.share,
        &purse.public,
        &phone.id(),
        &[input],
        &[2; 32],
        &[3; 16],
        &mut rng(),
    )
    .unwrap();
    commitments[0]
}

#[test]
fn rubbish_for_an_opening_or_closing_is_malformed() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let started = phone.start(&house);
    let begun = started.send(&house).unwrap();
    let closed = started.go_on(&phone, &begun);
    let sealed = phone.seal(&house, closed.wallet, 1, Step::FinishCreate, &closed.unlock);
    for cut in [0, 1, 2, 40, closed.closing.len() - 1] {
        let asked = request::FinishCreate {
            closing: closed.closing[..cut].to_vec(),
            ..closed.request(&sealed)
        };
        house.refuses(Reason::Malformed, || {
            block_on(house.mind.finish_create(house.let_in(&closed.call(&phone), asked)?))
        });
    }
    let mut noise = vec![0; 500];
    rng().fill_bytes(&mut noise);
    noise[0] = 200;
    let asked = request::FinishCreate {
        closing: noise,
        ..closed.request(&sealed)
    };
    house.refuses(Reason::Malformed, || {
        block_on(house.mind.finish_create(house.let_in(&closed.call(&phone), asked)?))
    });
    closed.send(&house, &phone).expect("the ceremony is untouched");
}

#[test]
fn the_first_gap_limit_of_both_keychains_is_watched() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let rows = house.rows();
    for keychain in [0_u8, 1] {
        let mut indexes: Vec<_> = rows
            .scripts
            .values()
            .filter(|script| script.wallet == purse.id && script.keychain == keychain)
            .map(|script| script.index)
            .collect();
        indexes.sort_unstable();
        assert_eq!(indexes, (0..house.config.gap_limit).collect::<Vec<_>>());
    }
}

/// Finishes a wallet, and holds what it watches against what its own account derives.
fn finishes_and_watches_its_own(house: &House, phone: &Phone, started: Started, begun: &reply::CreateBegun) {
    let closed = started.go_on(phone, begun);
    let finished = closed.send(house, phone).unwrap();
    let purse = closed.done(&finished);
    let watched: Vec<_> = house
        .rows()
        .scripts
        .into_values()
        .filter(|row| row.wallet == purse.id)
        .collect();
    assert_eq!(watched.len(), 40);
    for row in watched {
        let keychain = u32::from(row.keychain).try_into().unwrap();
        let script = purse.account.script(keychain, row.index).unwrap();
        assert_eq!(crate::wallet::output_key(&script), Some(row.output_key));
    }
}

#[test]
fn what_is_foreseen_of_a_ceremony_is_what_its_wallet_watches() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let started = phone.start(&house);
    let begun = started.send(&house).unwrap();
    let wallet = started.request().wallet;
    house.mind.foresee(wallet);
    assert!(house.mind.foreseen.get(&wallet).is_some());
    finishes_and_watches_its_own(&house, &phone, started, &begun);
}

#[test]
fn a15_a_first_round_trip_that_is_sent_again_is_foreseen_once() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let started = phone.start(&house);
    let wallet = started.request().wallet;
    started.send(&house).unwrap();
    house.mind.foresee(wallet);
    let first = house.mind.foreseen.get(&wallet).unwrap();
    started.send(&house).unwrap();
    house.mind.foresee(wallet);
    let again = house.mind.foreseen.get(&wallet).unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &again));
}

#[test]
fn what_was_foreseen_of_a_replaced_ceremony_is_not_watched() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let first = phone.start(&house);
    first.send(&house).unwrap();
    let wallet = first.request().wallet;
    house.mind.foresee(wallet);
    let second = phone.start_as(&house, wallet, CeremonyId(random()));
    let begun = second.send(&house).unwrap();
    finishes_and_watches_its_own(&house, &phone, second, &begun);
}
