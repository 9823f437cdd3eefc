//! One party lies.

use k256::{ProjectivePoint, elliptic_curve::PrimeField};

use super::*;
use crate::{
    envelope::Purpose,
    identity::{Domain, IdentitySecret},
    point,
    refresh::increment::{Polynomial, PublicWhole},
};

fn blames(fault: &Fault, kind: FaultKind, party: Party) {
    assert_eq!((fault.kind, fault.culprits.as_slice()), (kind, [party].as_slice()));
}

#[test]
fn p16_a_device_that_deals_what_it_did_not_commit_to_is_named() {
    let mut house = House::new(1);
    let (_, mut opening) = house.open();
    let other = Polynomial::deal(&house.ground.public, &mut house.parties.rng).unwrap();
    opening.commitment = *other.commitment();
    blames(
        &house.answer(opening).unwrap_err(),
        FaultKind::DealtShare,
        Party::Device,
    );
}

#[test]
fn p16_a_server_that_deals_what_it_did_not_commit_to_is_named() {
    let mut house = House::new(2);
    let (waiting, opening) = house.open();
    let (_, mut round, _) = house.answer(opening).unwrap();
    let other = Polynomial::deal(&house.ground.public, &mut house.parties.rng).unwrap();
    round.commitment = *other.commitment();
    blames(
        &house.check(waiting, round).unwrap_err(),
        FaultKind::DealtShare,
        Party::Server,
    );
}

#[test]
fn a_server_that_cancels_the_device_s_polynomial_out_is_named() {
    let mut house = House::new(3);
    let (waiting, opening) = house.open();
    let (_, mut round, _) = house.answer(opening.clone()).unwrap();
    // It has a_D, and answers -a_D: every old share would live on.
    let binding = opening.terms.binding(Party::Device, Party::Server);
    let plain = house
        .seal_key
        .open(&binding, Purpose::Dealt, &opening.to_server)
        .unwrap();
    let theirs: [u8; 32] = plain[..32].try_into().unwrap();
    let minus = -point::scalar(&theirs).unwrap();
    round.commitment = point::encode(&(ProjectivePoint::GENERATOR * minus)).unwrap();
    let at_device: [u8; 32] = (minus + minus).to_repr().into();
    let binding = opening.terms.binding(Party::Server, Party::Device);
    round.to_device = opening
        .device_key
        .seal(&binding, Purpose::Dealt, &at_device, house.rng())
        .unwrap();
    blames(
        &house.check(waiting, round).unwrap_err(),
        FaultKind::DealtShare,
        Party::Server,
    );
}

#[test]
fn commitments_that_cancel_out_make_no_transcript() {
    let plus = point::encode(&ProjectivePoint::GENERATOR).unwrap();
    let minus = point::encode(&-ProjectivePoint::GENERATOR).unwrap();
    assert!(PublicWhole::of(&[plus, minus]).is_err());
    assert!(PublicWhole::of(&[plus, plus]).is_ok());
}

#[test]
fn a_wrong_unlock_key_in_the_opening_is_denied() {
    let mut house = House::new(4);
    let (_, mut opening) = house.open();
    opening.unlock_digest = UnlockKey::generate(house.rng()).digest();
    assert_eq!(house.answer(opening).unwrap_err().kind, FaultKind::UnlockKey);
}

#[test]
fn an_answer_without_an_envelope_for_everybody_is_refused() {
    let mut house = House::new(6);
    let (waiting, opening) = house.open();
    let (_, mut round, _) = house.answer(opening).unwrap();
    round.envelopes = round.envelopes.only(None);
    blames(
        &house.check(waiting, round).unwrap_err(),
        FaultKind::Count,
        Party::Server,
    );

    let (pending, state) = house.until_pending();
    let mut closing = pending.closing();
    closing.envelopes = closing.envelopes.only(None);
    blames(
        &house.close(state, &closing).unwrap_err(),
        FaultKind::Count,
        Party::Device,
    );
}

#[test]
fn a_device_that_signed_another_transcript_is_named_and_nothing_is_made() {
    let mut house = House::new(7);
    let (pending, state) = house.until_pending();
    let mut closing = pending.closing();
    closing.envelopes.spoil();
    blames(
        &house.close(state, &closing).unwrap_err(),
        FaultKind::Equivocation,
        Party::Device,
    );
}

#[test]
fn a_server_that_signed_another_transcript_is_named() {
    let mut house = House::new(8);
    let (pending, state) = house.until_pending();
    let (_, mut completion) = house.close(state, &pending.closing()).unwrap();
    completion.signature = house.parties.server.sign(Domain::TRANSCRIPT, &[0; 32]);
    blames(
        &pending.finish(&completion).unwrap_err(),
        FaultKind::Equivocation,
        Party::Server,
    );
}

#[test]
fn a_run_is_over_where_the_wallet_stands_elsewhere_when_it_is_closed() {
    let mut house = House::new(9);
    // Another refresh was faster.
    let (pending, state) = house.until_pending();
    let _ = house.refresh();
    let fault = house.close(state, &pending.closing()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::StaleEpoch);
    // The list is another one.
    let (pending, state) = house.until_pending();
    let change = pending.closing().reseal.unwrap();
    house.ground.list.append(&change).unwrap();
    house.list.push(change.to_bytes());
    // The device has another sealing key: its envelope would open for nobody.
    let fault = house.close(state, &pending.closing()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::ForeignCeremony);
    let _ = house.refresh();
}

#[test]
fn p27_an_opening_of_another_epoch_is_stale() {
    let mut house = House::new(10);
    let (_, old) = house.open();
    let _ = house.refresh();
    assert_eq!(house.answer(old).unwrap_err().kind, FaultKind::StaleEpoch);
}

#[test]
fn a_stranger_s_opening_is_refused() {
    let mut house = House::new(11);
    let (_, opening) = house.open();
    let mut other = opening.clone();
    other.device = house.parties.server.public();
    assert_eq!(house.answer(other).unwrap_err().kind, FaultKind::UnexpectedIdentity);
    let mut other = opening.clone();
    other.list_head = [1; 32];
    assert_eq!(house.answer(other).unwrap_err().kind, FaultKind::ForeignCeremony);
    let mut start = house.start();
    start.device = house.parties.server.public();
    assert!(start.begin(house.rng()).is_err());
    let _ = house.answer(opening).unwrap();
}

#[test]
fn messages_of_another_run_are_refused_with_whoever_sent_them() {
    let mut house = House::new(12);
    let (waiting, _) = house.open();
    let (_, other) = house.open();
    let (_, round, _) = house.answer(other).unwrap();
    blames(
        &house.check(waiting, round).unwrap_err(),
        FaultKind::ForeignCeremony,
        Party::Server,
    );
    let (first, _) = house.until_pending();
    let (second, state) = house.until_pending();
    blames(
        &house.close(state, &first.closing()).unwrap_err(),
        FaultKind::ForeignCeremony,
        Party::Device,
    );
    drop(second);
}

#[test]
fn an_entry_that_gives_another_device_a_key_or_does_more_is_refused() {
    use crate::device_list::{Act, Proposal, Signer};
    let mut house = House::new(13);
    let sealing = SealSecret::generate(house.rng()).public();
    let stranger = IdentitySecret::generate(house.rng());
    let own = house.parties.device.public().device_id();
    let sign = |house: &House, act, who: &IdentitySecret| {
        let proposal = Proposal::new(&house.ground.list, act);
        let signature = who.sign_raw(&proposal.signing_bytes());
        proposal.signed(Signer::Device(who.public()), signature)
    };
    let device = IdentitySecret::from_seed(&house.parties.device.expose_seed());
    let enrol = Act::Enrol {
        identity: stranger.public(),
        sealing,
    };
    let bad = [
        sign(&house, enrol, &device),
        sign(&house, Act::Reseal { device: own, sealing }, &stranger),
        sign(&house, Act::MakeApprover(own), &device),
    ];
    for change in bad {
        let (pending, state) = house.until_pending();
        let mut closing = pending.closing();
        closing.reseal = Some(change);
        blames(
            &house.close(state, &closing).unwrap_err(),
            FaultKind::UnexpectedIdentity,
            Party::Device,
        );
    }
    // On a list that is too long the key stays.
    let (pending, state) = house.until_pending();
    let mut closing = pending.closing();
    closing.reseal = None;
    assert_eq!(house.close(state, &closing).unwrap().0.reseal, None);
}
