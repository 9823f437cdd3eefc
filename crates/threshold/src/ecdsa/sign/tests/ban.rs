//! What ends a pair ends it everywhere, once and in time.

use std::{format, thread, vec::Vec};

use super::{
    super::{Half, Unjudged, session::Session},
    Line, SignFault, WHAT, changed, cheat, kind, offer, over,
};
use crate::{
    Fault, FaultKind,
    ecdsa::{
        AccountKey, LIBRARY, Pair, PairId, Standing,
        fixture::{Dealt, Pairs, good, process},
        randomness::SEEDED,
    },
    hash,
    id::{EpochId, Party},
    identity::Domain,
};

fn ended(pair: &Pair, culprit: Party) -> SignFault {
    SignFault::Quarantined {
        pair: pair.id(),
        culprit,
    }
}

/// As far as the second yes, with a half that the device changed and signed.
fn cheated(dealt: &Dealt, pairs: &Pairs) -> Unjudged {
    let mut rng = dealt.rng.clone();
    let (asking, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
    let identity = dealt.identity(Party::Server);
    let (answering, offered) = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
    let (_, half) = dealt.halve(&pairs.asker, asking, &offered).unwrap();
    let mut half: Half = changed(&half.to_bytes(), &|bytes| cheat(bytes)).unwrap();
    half.signature = dealt.identity(Party::Device).sign(Domain::ECDSA_ASK, &half.signed());
    answering.receive(half).unwrap()
}

#[test]
fn p22_ecdsa_sessions_side_by_side_on_loads_of_one_record_tell_of_one_failed_proof() {
    let dealt = Dealt::new(1);
    let house = process();
    let loads: Vec<_> = (0..4).map(|_| dealt.device_and_server().load_again(house)).collect();
    let waiting: Vec<_> = loads.iter().map(|pairs| cheated(&dealt, pairs)).collect();
    let taken: u32 = thread::scope(|scope| {
        let steps: Vec<_> = waiting
            .into_iter()
            .map(|unjudged| {
                let (dealt, pair) = (&dealt, &loads[0].answerer);
                scope.spawn(move || {
                    let before = SEEDED.get();
                    let fault = dealt.release(pair, unjudged).unwrap_err();
                    assert_eq!(fault, ended(pair, Party::Device));
                    u32::from(SEEDED.get() > before)
                })
            })
            .collect();
        steps.into_iter().map(|step| step.join().unwrap()).sum()
    });
    assert_eq!(taken, 1, "the library saw more than one of them");
    assert!(loads.iter().all(|pairs| pairs.answerer.is_quarantined()));
}

#[test]
fn p22_ecdsa_a_session_begun_before_a_ban_ends_at_its_next_step() {
    let dealt = Dealt::new(1);
    let house = process();
    let [first, second] = [(); 2].map(|()| dealt.device_and_server().load_again(house));
    let mut rng = dealt.rng.clone();
    let identity = dealt.identity(Party::Server);
    let (asking, hello) = dealt.ask(&first.asker, &WHAT, &mut rng).unwrap();
    let (answering, offered) = offer(&first.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
    let (_, half) = dealt.halve(&first.asker, asking, &offered).unwrap();
    let (asking, _) = dealt.ask(&first.asker, &WHAT, &mut rng).unwrap();
    second.answerer.quarantine();
    assert_eq!(
        answering.receive(half).unwrap_err(),
        ended(&first.answerer, Party::Device)
    );
    second.asker.quarantine();
    let fault = dealt.halve(&first.asker, asking, &offered).unwrap_err();
    assert_eq!(fault, ended(&first.asker, Party::Server));
}

#[test]
fn p22_ecdsa_a_pair_that_is_ended_within_a_step_lets_nothing_out() {
    let dealt = Dealt::new(1);
    let pair = dealt.device_and_server().answerer;
    let step = pair.0.step(|| {
        pair.quarantine();
        Ok("a message")
    });
    assert_eq!(step.unwrap_err(), ended(&pair, Party::Device));
}

#[test]
fn p22_ecdsa_a_line_that_garbles_what_the_device_said_ends_no_pair() {
    let mut dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let mut rng = dealt.rng.clone();
    let identity = dealt.identity(Party::Server);
    let blamed: SignFault = Fault::of(FaultKind::IdentitySignature, Party::Device).into();
    let (asking, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
    let garbled = changed(&hello.to_bytes(), &|bytes| bytes[2 + 85 + 2] ^= 1).unwrap();
    let fault = offer(&pairs.answerer, &dealt.public, &WHAT, &garbled, identity, &mut rng).unwrap_err();
    assert_eq!(fault, blamed);
    let (answering, offered) = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
    let (_, half) = dealt.halve(&pairs.asker, asking, &offered).unwrap();
    let garbled = changed(&half.to_bytes(), &|bytes| cheat(bytes)).unwrap();
    assert_eq!(answering.receive(garbled).unwrap_err(), blamed);
    over(&mut dealt, &pairs, Line::Quiet).unwrap();
}

#[test]
fn p24_ecdsa_what_a_step_drew_is_gone_from_its_generator_however_the_step_ended() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let mut rng = dealt.rng.clone();
    let identity = dealt.identity(Party::Server);
    let (_asking, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
    let before = SEEDED.get();
    let _said = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
    assert_eq!(SEEDED.get() - before, 2, "before the step and after it");
    let unjudged = cheated(&dealt, &pairs);
    let before = SEEDED.get();
    dealt.release(&pairs.answerer, unjudged).unwrap_err();
    assert_eq!(SEEDED.get() - before, 2, "of a step that failed too");
}

#[test]
fn p39_ecdsa_a_ban_outlives_all_that_its_process_had_of_the_pair() {
    let dealt = Dealt::new(1);
    let house = process();
    let kept = dealt.device_and_server();
    let read = kept.load_again(house);
    read.answerer.quarantine();
    drop(read);
    // The caller has not written it down yet; the record is as it was.
    for _ in 0..50 {
        let again = kept.load_again(house);
        assert!(again.answerer.is_quarantined());
        assert!(!again.asker.is_quarantined(), "it is the server's word");
    }
    assert!(house.len() <= 2, "{} are kept", house.len());
}

#[test]
fn p39_ecdsa_a_record_that_was_put_back_is_ended_by_the_list_beside_it() {
    let dealt = Dealt::new(1);
    let pair = dealt.device_and_server().answerer;
    let record = pair.to_secret_bytes().unwrap();
    let read = |standing| Pair::read_in(process(), &record, standing);
    assert!(!read(good(pair.id())).unwrap().is_quarantined());
    assert!(read(Standing::read(pair.id(), true)).unwrap().is_quarantined());
    let foreign = read(good(PairId([9; 32]))).unwrap_err();
    assert_eq!(
        foreign.kind,
        FaultKind::Internal,
        "another pair's standing says nothing"
    );
}

#[test]
fn p40_ecdsa_a_pair_that_another_process_ended_since_the_first_yes_answers_nothing() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let unjudged = cheated(&dealt, &pairs);
    let (share, identity) = (dealt.share(Party::Server), dealt.identity(Party::Server));
    let before = SEEDED.get();
    let fault = unjudged.release(share, identity, Standing::read(pairs.answerer.id(), true));
    assert_eq!(fault.unwrap_err(), ended(&pairs.answerer, Party::Device));
    assert_eq!(SEEDED.get(), before, "the library is not asked");
    assert!(pairs.answerer.is_quarantined());
}

#[test]
fn p37_ecdsa_a_record_of_another_version_of_the_library_is_refused() {
    let dealt = Dealt::new(1);
    let pair = dealt.device_and_server().answerer;
    let mut record = pair.to_secret_bytes().unwrap();
    record[2 + 4 + LIBRARY.len() - 1] ^= 1;
    let fault = Pair::read_in(process(), &record, good(pair.id())).unwrap_err();
    assert_eq!(fault.kind, FaultKind::UnknownVersion);
    assert!(!pair.is_quarantined());
    // And the version that is named is the one that is built.
    let version = core::str::from_utf8(LIBRARY)
        .unwrap()
        .replace(' ', " = { version = \"=");
    let wanted = include_str!("../../../../../../Cargo.toml");
    assert!(wanted.contains(&format!("{version}\"")), "{version}");
}

#[test]
fn p37_ecdsa_a_session_with_another_version_of_the_library_would_have_another_name() {
    let dealt = Dealt::new(1);
    let pair = dealt.device_and_server().asker;
    let session = Session::new(&pair.0, &dealt.public, Ok(&WHAT)).unwrap();
    let EpochId { number, transcript } = dealt.public.epoch();
    let named = |library: &[u8]| {
        let (wallet, number) = (pair.setting().wallet.0, number.to_be_bytes());
        let parts: [&[u8]; 7] = [library, &wallet, &number, &transcript, &pair.id().0, &[3; 32], &[4; 32]];
        hash::tagged("twofold/ecdsa/sign", &parts).to_vec()
    };
    let data = session.data(&[3; 32], &[4; 32]);
    assert_eq!(data.sign_id, named(LIBRARY));
    assert_ne!(data.sign_id, named(b"dkls23-core 0.6.3"));
}

#[test]
fn p40_ecdsa_an_address_is_shown_by_a_pair_of_its_own_epoch_alone() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    AccountKey::new(&pairs.asker, &dealt.public, WHAT.path).unwrap();
    let next = Dealt::at(
        1,
        EpochId {
            number: 4,
            transcript: [0x44; 32],
        },
    );
    let fault: SignFault = AccountKey::new(&pairs.asker, &next.public, WHAT.path)
        .unwrap_err()
        .into();
    assert_eq!(kind(&fault), FaultKind::StaleEpoch);
}
