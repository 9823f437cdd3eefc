//! Checkpoints and the fence.

use futures::executor::block_on;
use rstest::rstest;
use twofold_api::{Reason, Refusal, reply, request, seal_key::Step};
use twofold_threshold::{checkpoint::Checkpoint, identity::IdentitySecret};

use super::create::some_commitment;
use crate::fixture::{House, Phone, Purse, name, rng};

fn get(house: &House, phone: &Phone, purse: &Purse, checkpoint: Checkpoint) -> Result<reply::Wallet, Refusal> {
    let call = phone.call("GetWallet", Some(purse.id), &checkpoint.to_bytes());
    let asked = request::GetWallet {
        wallet: purse.id,
        checkpoint: Some(checkpoint),
    };
    block_on(house.mind.get_wallet(house.let_in(&call, asked)?))
}

fn rename(house: &House, phone: &Phone, purse: &Purse, text: &str) -> Result<reply::Done, Refusal> {
    let call = phone.call("RenameWallet", Some(purse.id), text.as_bytes());
    let asked = request::RenameWallet {
        wallet: purse.id,
        name: name(text),
        checkpoint: purse.newest.get(),
    };
    let done = block_on(house.mind.rename_wallet(house.let_in(&call, asked)?))?;
    purse.note(&done.head, &house.mind.identity());
    Ok(done)
}

#[test]
fn a22_an_invented_checkpoint_or_one_of_another_wallet_is_refused_and_fences_nothing() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let (purse, other) = (phone.create(&house), phone.create(&house));
    let mut head = *purse.newest.get().verify(&house.mind.identity()).unwrap();
    head.seq += 5;
    let invented = head.sign(&IdentitySecret::generate(&mut rng()));
    house.refuses(Reason::CheckpointInvalid, || get(&house, &phone, &purse, invented));
    house.refuses(Reason::CheckpointInvalid, || {
        get(&house, &phone, &purse, other.newest.get())
    });
    // A true signature on other words.
    let mut bytes = purse.newest.get().to_bytes();
    bytes[25] ^= 1;
    let changed = Checkpoint::try_from(bytes.as_slice()).unwrap();
    house.refuses(Reason::CheckpointInvalid, || get(&house, &phone, &purse, changed));
    assert!(house.state(&purse).fence.is_none());
    let coin = house.pay(&purse, 100_000, 0);
    phone.sign(&house, &purse, &purse.psbt(&[coin], 40_000)).unwrap();
}

#[test]
fn an_older_checkpoint_of_the_same_chain_is_fine() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let old = purse.newest.get();
    for text in ["one", "two", "three"] {
        rename(&house, &phone, &purse, text).unwrap();
    }
    let told = get(&house, &phone, &purse, old).unwrap();
    assert_eq!(told.line.name, "three");
    purse.newest.set(old);
    rename(&house, &phone, &purse, "four").unwrap();
}

#[test]
fn s09_a_server_that_was_rolled_back_fences_the_wallet_when_a_device_has_seen_more() {
    let mut house = House::new();
    let phone = Phone::joined(&house);
    let (purse, other) = (phone.create(&house), phone.create(&house));
    let coin = house.pay(&purse, 100_000, 0);
    let backup = house.rows();
    let ahead = {
        phone.sign(&house, &purse, &purse.psbt(&[coin], 40_000)).unwrap();
        purse.newest.get()
    };
    house.store.with(|tables| *tables = backup.clone());
    house.restart();

    let spend = phone.spend(&house, &purse, &purse.psbt(&[coin], 50_000));
    assert_eq!(spend.send(&house).unwrap_err().reason, Reason::RestoreFence);
    // Its chain stays a beginning of the one that was lost, which a device may bring back.
    let entries = house.audit(&purse);
    let seen = house
        .state(&purse)
        .fence
        .and_then(|fence| fence.seen)
        .expect("evidence");
    let truth = *ahead.verify(&house.mind.identity()).unwrap();
    assert_eq!((seen.seq, seen.chain), (truth.seq, truth.chain));
    assert!(house.state(&purse).head().seq < seen.seq);
    assert_eq!(house.oracle.len(), 1, "a fenced wallet signed");

    // It stays so, through a restart, for a device that shows nothing newer too; and it is noted once.
    house.restart();
    let told = get(&house, &phone, &purse, ahead).expect("reading works");
    assert_eq!(told.line.standing, reply::Standing::Fenced);
    purse.note(&told.head, &house.mind.identity());
    house.refuses(Reason::RestoreFence, || {
        phone.spend(&house, &purse, &purse.psbt(&[coin], 50_000)).send(&house)
    });
    house.refuses(Reason::RestoreFence, || rename(&house, &phone, &purse, "no"));
    assert_eq!(house.audit(&purse).len(), entries.len());
    // No other wallet is fenced.
    let coin = house.pay(&other, 100_000, 0);
    phone.sign(&house, &other, &other.psbt(&[coin], 40_000)).unwrap();
}

#[rstest]
#[case::as_long(1)]
#[case::longer(2)]
fn s09_a_fork_is_noticed_by_a_read_however_long_it_grew(#[case] entries: usize) {
    let mut house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let backup = house.rows();
    rename(&house, &phone, &purse, "seen").unwrap();
    let seen = purse.newest.get();
    house.store.with(|tables| *tables = backup.clone());
    house.restart();
    purse
        .newest
        .set(Checkpoint::try_from(told(&house, &phone, &purse).as_slice()).unwrap());
    for _ in 0..entries {
        rename(&house, &phone, &purse, "unseen").unwrap();
    }
    let told = get(&house, &phone, &purse, seen).expect("reading works");
    assert_eq!(told.line.standing, reply::Standing::Fenced);
}

/// The newest checkpoint, asked for by a device that shows none.
fn told(house: &House, phone: &Phone, purse: &Purse) -> Vec<u8> {
    let call = phone.call("GetWallet", Some(purse.id), b"");
    let asked = request::GetWallet {
        wallet: purse.id,
        checkpoint: None,
    };
    let told = block_on(house.mind.get_wallet(house.let_in(&call, asked).unwrap())).unwrap();
    told.head.checkpoint.unwrap()
}

#[test]
fn every_reply_about_a_wallet_carries_its_newest_checkpoint() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    rename(&house, &phone, &purse, "one").unwrap();
    let head = house.state(&purse).head();
    let seen = Checkpoint::try_from(told(&house, &phone, &purse).as_slice()).unwrap();
    let seen = seen.verify(&house.mind.identity()).unwrap();
    assert_eq!((seen.seq, seen.chain), (head.seq, head.chain));
}

/// Asks with a checkpoint.
fn ask(house: &House, phone: &Phone, purse: &Purse, method: &str, seen: Checkpoint) -> Result<reply::Head, Refusal> {
    let mind = &house.mind;
    let (wallet, checkpoint) = (purse.id, Some(seen));
    let call = phone.call(method, Some(wallet), &seen.to_bytes());
    let unlock = |step| phone.seal(house, wallet, 1, step, &purse.unlock);
    match method {
        "TestSign" => {
            let asked = request::TestSign {
                wallet,
                epoch: purse.epoch(),
                commitment: some_commitment(phone, purse),
                unlock: unlock(Step::TestSign),
                checkpoint,
            };
            block_on(mind.test_sign(house.let_in(&call, asked)?)).map(|reply| reply.head)
        }
        "FinishCreate" => {
            let asked = request::FinishCreate {
                wallet,
                ceremony: purse.ceremony,
                closing: purse.closing.clone(),
                unlock: unlock(Step::FinishCreate),
                checkpoint,
            };
            block_on(mind.finish_create(house.let_in(&call, asked)?)).map(|reply| reply.head)
        }
        "Activate" => {
            let asked = request::Activate {
                wallet,
                test_signature: purse.test_signature.0,
                checkpoint,
            };
            block_on(mind.activate(house.let_in(&call, asked)?)).map(|reply| reply.head)
        }
        "GetAudit" => {
            let asked = request::GetAudit {
                wallet,
                from: 1,
                checkpoint,
            };
            block_on(mind.get_audit(house.let_in(&call, asked)?)).map(|reply| reply.head)
        }
        "EstimateFees" => {
            let asked = request::EstimateFees { wallet, checkpoint };
            block_on(mind.estimate_fees(house.let_in(&call, asked)?)).map(|reply| reply.head)
        }
        "DeriveAddress" => {
            let asked = request::DeriveAddress {
                wallet,
                index: 0,
                checkpoint,
            };
            block_on(mind.derive_address(house.let_in(&call, asked)?)).map(|reply| reply.head)
        }
        other => panic!("{other} is asked elsewhere"),
    }
}

#[rstest]
#[case::test_sign("TestSign", false)]
#[case::finish_create("FinishCreate", false)]
#[case::activate("Activate", false)]
#[case::get_audit("GetAudit", true)]
#[case::estimate_fees("EstimateFees", true)]
#[case::derive_address("DeriveAddress", true)]
fn a22_every_request_about_a_wallet_checks_the_checkpoint_it_shows(#[case] method: &str, #[case] reads: bool) {
    let mut house = House::new();
    let phone = Phone::joined(&house);
    let (purse, other) = (phone.create_pending(&house), phone.create_pending(&house));
    let mut head = *purse.newest.get().verify(&house.mind.identity()).unwrap();
    head.seq += 5;
    let invented = head.sign(&IdentitySecret::generate(&mut rng()));
    for false_one in [invented, other.newest.get()] {
        house.refuses(Reason::CheckpointInvalid, || {
            ask(&house, &phone, &purse, method, false_one)
        });
    }
    assert!(house.state(&purse).fence.is_none());
    let backup = house.rows();
    ask(&house, &phone, &purse, method, purse.newest.get()).expect("a true one is welcome");

    // One that the server signed and then forgot.
    phone.activate(&house, &purse).unwrap();
    let ahead = purse.newest.get();
    house.store.with(|tables| *tables = backup);
    house.restart();
    match ask(&house, &phone, &purse, method, ahead) {
        Ok(_) => assert!(reads, "{method} changes something"),
        Err(refusal) => assert_eq!((refusal.reason, reads), (Reason::RestoreFence, false)),
    }
    assert!(house.state(&purse).fence.is_some(), "{method} noticed nothing");
}

#[test]
fn a_wallet_that_was_forgotten_whole_is_not_made_a_second_time() {
    let mut house = House::new();
    let phone = Phone::joined(&house);
    let started = phone.start(&house);
    let begun = started.send(&house).unwrap();
    let closed = started.go_on(&phone, &begun);
    let backup = house.rows();
    let finished = closed.send(&house, &phone).unwrap();
    let seen = Checkpoint::try_from(finished.head.checkpoint.unwrap().as_slice()).unwrap();
    house.store.with(|tables| *tables = backup);
    house.restart();
    let closing = |seen| {
        let unlock = phone.seal(&house, closed.wallet, 1, Step::FinishCreate, &closed.unlock);
        let asked = request::FinishCreate {
            checkpoint: Some(seen),
            ..closed.request(&unlock)
        };
        block_on(house.mind.finish_create(house.let_in(&closed.call(&phone), asked)?))
    };
    house.refuses(Reason::RestoreFence, || closing(seen));
    let stranger = seen.verify(&house.mind.identity()).unwrap();
    let stranger = stranger.sign(&IdentitySecret::generate(&mut rng()));
    house.refuses(Reason::CheckpointInvalid, || closing(stranger));
}
