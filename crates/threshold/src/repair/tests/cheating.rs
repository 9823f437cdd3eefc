//! P43: helpers that keep the form and break the repair. Each lie has a name; where only the pair can be named, it is.

use k256::{Scalar, elliptic_curve::PrimeField};

use super::{CASES, Scene};
use crate::{
    Class, Fault, FaultKind,
    envelope::{Purpose, SealPublic},
    id::Party,
    point,
    repair::{part, second},
    secret::Secret32,
};

fn blamed(fault: &Fault, kind: FaultKind, culprits: &[Party]) {
    assert_eq!((fault.kind, fault.culprits.as_slice()), (kind, culprits));
    assert_eq!(fault.class(), Class::Blame);
}

/// A number changed by `by`.
fn plus(secret: &Secret32, by: Scalar) -> Secret32 {
    let scalar = point::scalar(secret.expose()).unwrap() + by;
    Secret32::new(scalar.to_repr().into())
}

impl Scene {
    fn seal(&mut self, way: (Party, Party), key: &SealPublic, purpose: Purpose, plain: &Secret32) -> std::vec::Vec<u8> {
        part::seal(&self.claim(), way, key, purpose, plain, &mut self.parties.rng).unwrap()
    }
}

#[test]
fn p43_a_delta_that_is_not_the_one_shown_is_found_by_its_receiver_and_a_hub_names_the_pair() {
    for case in CASES {
        let mut scene = Scene::new(case);
        let (first, second) = (scene.first, scene.second);

        // The first's, to the second.
        let (_, mut opening) = scene.open();
        let key = scene.second_key.public();
        let sealed = &opening.message.to_second;
        let claim = scene.claim();
        let delta = part::open(&claim, (first, second), &scene.second_key, Purpose::Delta, sealed).unwrap();
        opening.message.to_second = scene.seal((first, second), &key, Purpose::Delta, &plus(&delta, Scalar::ONE));
        scene.resign_opening(&mut opening);
        blamed(&scene.answer(&opening).unwrap_err(), FaultKind::Repair, &[first]);
        // A hub cannot open it: it believes neither.
        let hub = scene.hub().receive(opening).unwrap();
        blamed(&hub.disputed(), FaultKind::Repair, &[first, second]);

        // The second's, to the first.
        scene.run += 1;
        let (state, opening) = scene.open();
        let mut answer = scene.answer(&opening).unwrap();
        let key = opening.message.key;
        answer.message.to_first = scene.seal((second, first), &key, Purpose::Delta, &Secret32::new([5; 32]));
        scene.resign_answer(&mut answer);
        blamed(&scene.close(state, &answer).unwrap_err(), FaultKind::Repair, &[second]);
        let hub = scene.hub().receive(opening).unwrap().receive(answer).unwrap();
        blamed(&hub.disputed(), FaultKind::Repair, &[first, second]);

        scene.still_repairs();
    }
}

#[test]
fn p43_deltas_that_do_not_make_up_the_helper_s_part_are_seen_by_anyone() {
    for case in CASES {
        let mut scene = Scene::new(case);
        let (first, second) = (scene.first, scene.second);
        let doubled = |point: &[u8; 33]| {
            let point = point::decode(point).unwrap();
            point::encode(&(point + point)).unwrap()
        };

        let (_, mut opening) = scene.open();
        opening.message.shown.kept = doubled(&opening.message.shown.kept);
        scene.resign_opening(&mut opening);
        let fault = scene.hub().receive(opening.clone()).unwrap_err();
        blamed(&fault, FaultKind::Repair, &[first]);
        blamed(&scene.answer(&opening).unwrap_err(), FaultKind::Repair, &[first]);

        scene.run += 1;
        let (state, opening) = scene.open();
        let mut answer = scene.answer(&opening).unwrap();
        answer.message.shown.kept = doubled(&answer.message.shown.kept);
        scene.resign_answer(&mut answer);
        let hub = scene.hub().receive(opening).unwrap();
        blamed(&hub.receive(answer.clone()).unwrap_err(), FaultKind::Repair, &[second]);
        blamed(&scene.close(state, &answer).unwrap_err(), FaultKind::Repair, &[second]);

        scene.still_repairs();
    }
}

#[test]
fn p43_a_corrupted_sigma_is_named_even_where_the_other_makes_up_for_it() {
    for case in CASES {
        let mut scene = Scene::new(case);
        let (first, second, to) = (scene.first, scene.second, scene.repaired);
        let key = scene.key.public();
        // What is added to the first's sigma and to the second's; and who is named.
        let one = Scalar::ONE;
        for (to_first, to_second, named) in [
            (one, Scalar::ZERO, first),
            (Scalar::ZERO, one, second),
            // Their sum would be the true share: frost alone would take it.
            (one, -one, first),
        ] {
            scene.run += 1;
            let claim = scene.claim();
            let (state, opening) = scene.open();
            let mut answer = scene.answer(&opening).unwrap();
            let sealed = &answer.message.to_repaired;
            let sigma = part::open(&claim, (second, to), &scene.key, Purpose::Sigma, sealed).unwrap();
            answer.message.to_repaired = scene.seal((second, to), &key, Purpose::Sigma, &plus(&sigma, to_second));
            scene.resign_answer(&mut answer);
            let mut closing = scene.close(state, &answer).unwrap();
            let sealed = &closing.message.to_repaired;
            let sigma = part::open(&claim, (first, to), &scene.key, Purpose::Sigma, sealed).unwrap();
            closing.message.to_repaired = scene.seal((first, to), &key, Purpose::Sigma, &plus(&sigma, to_first));
            scene.resign_closing(&mut closing);
            let carried = scene.carry(opening, answer, closing).unwrap();
            blamed(&scene.receive(&carried).unwrap_err(), FaultKind::Repair, &[named]);
        }
        scene.still_repairs();
    }
}

#[test]
fn p43_a_sum_that_is_not_the_lost_share_is_refused_by_its_verifying_share_alone() {
    let scene = Scene::usual();
    let claim = scene.claim();
    let lost = Secret32::new(*scene.share(Party::Device).secret_bytes());
    let rest = |by: Scalar| plus(&lost, by);
    // sigma_1 = 1, sigma_2 = share - 1.
    let one = Secret32::new(Scalar::ONE.to_repr().into());
    part::share(&claim, &scene.public, [&one, &rest(-Scalar::ONE)]).unwrap();
    let fault = part::share(&claim, &scene.public, [&one, &rest(Scalar::ONE)]).unwrap_err();
    blamed(&fault, FaultKind::ShareMismatch, &[]);
}

#[test]
fn p43_a_sealed_rest_that_does_not_open_names_who_sealed_it() {
    let mut scene = Scene::usual();
    let (first, second) = (scene.first, scene.second);

    let (_, mut opening) = scene.open();
    opening.message.to_second[50] ^= 1;
    scene.resign_opening(&mut opening);
    blamed(&scene.answer(&opening).unwrap_err(), FaultKind::SealedPackage, &[first]);

    scene.run += 1;
    let (state, opening) = scene.open();
    let mut answer = scene.answer(&opening).unwrap();
    answer.message.to_first[50] ^= 1;
    scene.resign_answer(&mut answer);
    blamed(
        &scene.close(state, &answer).unwrap_err(),
        FaultKind::SealedPackage,
        &[second],
    );

    for part in 0..3 {
        scene.run += 1;
        let (state, opening) = scene.open();
        let mut answer = scene.answer(&opening).unwrap();
        if part == 0 {
            answer.message.to_repaired[50] ^= 1;
            scene.resign_answer(&mut answer);
        }
        let mut closing = scene.close(state, &answer).unwrap();
        match part {
            1 => closing.message.to_repaired[50] ^= 1,
            2 => closing.message.unlock[50] ^= 1,
            _ => {}
        }
        scene.resign_closing(&mut closing);
        let carried = scene.carry(opening, answer, closing).unwrap();
        let named = if part == 0 { second } else { first };
        blamed(
            &scene.receive(&carried).unwrap_err(),
            FaultKind::SealedPackage,
            &[named],
        );
    }
    scene.still_repairs();
}

#[test]
fn p33_an_unlock_key_that_is_not_the_epoch_s_names_the_helper_that_sealed_it() {
    let mut scene = Scene::usual();
    let (first, to) = (scene.first, scene.repaired);
    let (state, opening) = scene.open();
    let answer = scene.answer(&opening).unwrap();
    let mut closing = scene.close(state, &answer).unwrap();
    let key = scene.key.public();
    closing.message.unlock = scene.seal((first, to), &key, Purpose::UnlockKey, &Secret32::new([3; 32]));
    scene.resign_closing(&mut closing);
    let carried = scene.carry(opening, answer, closing).unwrap();
    blamed(
        &scene.receive(&carried).unwrap_err(),
        FaultKind::SealedPackage,
        &[first],
    );
    scene.still_repairs();
}

#[test]
fn a_helper_that_is_not_who_it_should_be_is_refused() {
    let mut scene = Scene::usual();
    let (_, opening) = scene.open();
    let (claim, mut helpers) = (scene.claim(), scene.helpers());
    helpers.first.1 = scene.newcomer.public();
    let share = &scene.shares[scene.second.index()];
    let fault = second::answer(
        claim,
        helpers,
        &opening,
        share,
        &scene.public,
        &scene.second_key,
        &mut scene.parties.rng,
    )
    .unwrap_err();
    blamed(&fault, FaultKind::IdentitySignature, &[scene.first]);
}
