//! Steps that are taken again, out of turn, or not at all.

use std::vec::Vec;

use super::{
    super::{Offer, ToSign},
    Line, SignFault, WHAT, changed,
    encoding::OFFER_FIRST,
    offer, over,
};
use crate::{
    Fault, FaultKind,
    ecdsa::{
        fixture::{Dealt, Pairs, process},
        randomness::SEEDED,
    },
    id::Party,
    identity::Domain,
};

/// What a first phase commits to.
fn commitment(offer: &Offer) -> [u8; 32] {
    let at = OFFER_FIRST + 32;
    offer.to_bytes()[at..at + 32].try_into().unwrap()
}

fn refused(kind: FaultKind) -> SignFault {
    Fault::of(kind, Party::Device).into()
}

#[test]
fn p05_ecdsa_a_message_that_names_another_sender_than_its_signer_is_refused() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let mut rng = dealt.rng.clone();
    let identity = dealt.identity(Party::Server);
    for from in [Party::Server, Party::Recovery] {
        let (_, mut hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
        hello.head.from = from;
        hello.signature = dealt.identity(Party::Device).sign(Domain::ECDSA_ASK, &hello.signed());
        let before = SEEDED.get();
        let fault = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap_err();
        assert_eq!(fault, refused(FaultKind::ForeignCeremony));
        assert_eq!(SEEDED.get(), before, "the library is not asked");
    }
}

#[test]
fn p18_ecdsa_a_device_that_alters_the_server_s_commitment_gets_no_share_of_it() {
    let mut dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let mut rng = dealt.rng.clone();
    let identity = dealt.identity(Party::Server);
    let (asking, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
    let (answering, offered) = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
    let mut altered: Offer = changed(&offered.to_bytes(), &|bytes| bytes[OFFER_FIRST + 32] ^= 1).unwrap();
    assert_ne!(commitment(&altered), commitment(&offered));
    // Its own code would not take it without the server's signature: it does without.
    altered.signature = identity.sign(Domain::ECDSA_ANSWER, &altered.signed());
    let (_, half) = dealt.halve(&pairs.asker, asking, &altered).unwrap();
    let before = SEEDED.get();
    assert_eq!(answering.receive(half).unwrap_err(), refused(FaultKind::ForeignReply));
    assert_eq!(SEEDED.get(), before, "the library is not asked");
    assert!(!pairs.answerer.is_quarantined());
    over(&mut dealt, &pairs, Line::Quiet).unwrap();
}

#[test]
fn p20_ecdsa_sessions_that_end_at_any_step_leave_a_pair_that_signs_afresh() {
    let mut dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let mut rng = dealt.rng.clone();
    let identity = dealt.identity(Party::Server);
    // Device or server dies: what they had of a session was in memory alone.
    let (_, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
    let _ = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
    let (asking, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
    let (answering, offered) = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
    let (_, half) = dealt.halve(&pairs.asker, asking, &offered).unwrap();
    let unjudged = answering.receive(half).unwrap();
    let _lost = dealt.release(&pairs.answerer, unjudged).unwrap();
    // Both come up again with their records.
    let Pairs { asker, answerer } = pairs.load_again(process());
    let pairs = Pairs { asker, answerer };
    dealt.sign(&pairs, &WHAT).unwrap();
}

#[test]
fn p29_ecdsa_of_three_offers_for_one_request_the_device_uses_one_and_the_others_make_no_share() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let mut rng = dealt.rng.clone();
    let identity = dealt.identity(Party::Server);
    let (asking, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
    let offers: Vec<_> = (0..3)
        .map(|_| offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap())
        .collect();
    // The one that is taken consumes what waits: there is nothing left to give another to.
    let (asking, half) = dealt.halve(&pairs.asker, asking, &offers[1].1).unwrap();
    let mut taken = None;
    for (nth, (answering, _)) in offers.into_iter().enumerate() {
        let received = answering.receive(half.clone());
        if nth == 1 {
            taken = Some(received.unwrap());
        } else {
            assert_eq!(received.unwrap_err(), refused(FaultKind::ForeignReply));
        }
    }
    let answer = dealt.release(&pairs.answerer, taken.unwrap()).unwrap();
    asking.receive(&answer).unwrap();
}

#[test]
fn p30_ecdsa_an_old_hello_with_another_request_meets_fresh_commitments_of_the_server() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let mut rng = dealt.rng.clone();
    let identity = dealt.identity(Party::Server);
    let other = ToSign {
        digest: [0xd2; 32],
        ..WHAT
    };
    let (_, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
    let mut offered = |what| {
        let (_, offered) = offer(&pairs.answerer, &dealt.public, what, &hello, identity, &mut rng).unwrap();
        offered
    };
    let offers = [offered(&WHAT), offered(&other), offered(&WHAT)];
    for (one, another) in [(0, 1), (0, 2), (1, 2)] {
        assert_ne!(commitment(&offers[one]), commitment(&offers[another]));
        assert_ne!(offers[one].fresh, offers[another].fresh);
    }
}

#[test]
fn p31_ecdsa_a_server_whose_randomness_repeats_repeats_no_commitment() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let identity = dealt.identity(Party::Server);
    let (_, hello) = dealt.ask(&pairs.asker, &WHAT, &mut dealt.rng.clone()).unwrap();
    // The machine was copied between two steps: what comes from outside repeats, what a step draws does not.
    let offered = || {
        let mut rng = crate::fixture::rng(5);
        let (_, offered) = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
        offered
    };
    let (one, another) = (offered(), offered());
    assert_eq!(one.fresh, another.fresh);
    assert_ne!(commitment(&one), commitment(&another));
}
