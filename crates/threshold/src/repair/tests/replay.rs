//! Messages of other runs, old or at the same time, and openings for somebody else.

use super::Scene;
use crate::{
    Class, FaultKind,
    envelope::SealSecret,
    id::Party,
    repair::{
        Claim,
        hub::Carried,
        message::{Answer, Closing, Opening},
        repaired::AwaitSigmas,
    },
};

#[test]
fn p06_an_opening_of_an_old_run_is_answered_in_no_other_whether_or_not_it_is_renamed() {
    let mut scene = Scene::usual();
    let (_, mut old) = scene.open();
    scene.run += 1;
    let fault = scene.answer(&old).unwrap_err();
    assert_eq!((fault.kind, fault.class()), (FaultKind::ForeignCeremony, Class::Blame));
    old.message.claim = scene.claim();
    let fault = scene.answer(&old).unwrap_err();
    assert_eq!(fault.kind, FaultKind::IdentitySignature);
    // Signed by one that means it, the delta of the old run still opens in none but the old.
    scene.resign_opening(&mut old);
    let fault = scene.answer(&old).unwrap_err();
    assert_eq!(
        (fault.kind, fault.culprits.as_slice()),
        (FaultKind::SealedPackage, &[scene.first][..])
    );
    scene.still_repairs();
}

#[test]
fn p07_an_answer_or_a_closing_of_another_run_is_refused_by_first_hub_and_repaired() {
    let mut scene = Scene::usual();
    let old = scene.run();
    scene.run += 1;
    let (state, opening) = scene.open();
    let record = state.to_secret_bytes();
    let fault = scene.close(state, &old.answer).unwrap_err();
    assert_eq!(
        (fault.kind, fault.culprits.as_slice()),
        (FaultKind::ForeignCeremony, &[scene.second][..])
    );

    // Under the new run's name it answers another opening.
    let mut renamed = old.answer.clone();
    renamed.message.ceremony = scene.claim().ceremony;
    scene.resign_answer(&mut renamed);
    let read = super::AwaitAnswer::from_secret_bytes(&record, scene.helpers(), &scene.public).unwrap();
    let fault = scene.close(read, &renamed).unwrap_err();
    assert_eq!((fault.kind, fault.class()), (FaultKind::Equivocation, Class::Blame));
    assert_eq!(fault.culprits, [scene.second, scene.first]);

    let answer = scene.answer(&opening).unwrap();
    let fault = scene
        .carry(opening.clone(), answer.clone(), old.closing.clone())
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::ForeignCeremony);
    let mut renamed = old.closing.clone();
    renamed.message.ceremony = scene.claim().ceremony;
    scene.resign_closing(&mut renamed);
    let fault = scene.carry(opening, answer, renamed).unwrap_err();
    assert_eq!((fault.kind, fault.class()), (FaultKind::Equivocation, Class::Blame));

    assert_eq!(scene.receive(&old).unwrap_err().kind, FaultKind::ForeignCeremony);
    scene.still_repairs();
}

#[test]
fn p11_single_fields_of_one_run_in_another_s_messages_are_all_found() {
    let mut scene = Scene::usual();
    let old = scene.run();
    let openings: [fn(&mut Opening, &Opening); 3] = [
        |a, b| a.key = b.key,
        |a, b| a.shown = b.shown,
        |a, b| a.to_second.clone_from(&b.to_second),
    ];
    for (n, mix) in openings.into_iter().enumerate() {
        scene.run += 1;
        let (state, mut opening) = scene.open();
        mix(&mut opening.message, &old.opening.message);
        scene.resign_opening(&mut opening);
        // The first helper's key alone is its own business, until the answer comes back to it.
        let Ok(answer) = scene.answer(&opening) else { continue };
        assert_eq!(n, 0, "field {n}");
        assert!(scene.close(state, &answer).is_err(), "field {n}");
    }
    let answers: [fn(&mut Answer, &Answer); 4] = [
        |a, b| a.opening = b.opening,
        |a, b| a.shown = b.shown,
        |a, b| a.to_first.clone_from(&b.to_first),
        |a, b| a.to_repaired.clone_from(&b.to_repaired),
    ];
    for (n, mix) in answers.into_iter().enumerate() {
        scene.run += 1;
        let (state, opening) = scene.open();
        let mut answer = scene.answer(&opening).unwrap();
        mix(&mut answer.message, &old.answer.message);
        scene.resign_answer(&mut answer);
        // What is sealed to the one repaired only that one can open.
        let fault = match scene.close(state, &answer) {
            Err(fault) => fault,
            Ok(closing) => {
                assert_eq!(n, 3, "field {n}");
                let carried = scene.carry(opening, answer, closing).unwrap();
                scene.receive(&carried).unwrap_err()
            }
        };
        assert_eq!(fault.class(), Class::Blame, "field {n}");
        assert!(fault.culprits.contains(&scene.second), "field {n}");
    }
    let closings: [fn(&mut Closing, &Closing); 3] = [
        |a, b| a.answer = b.answer,
        |a, b| a.to_repaired.clone_from(&b.to_repaired),
        |a, b| a.unlock.clone_from(&b.unlock),
    ];
    for (n, mix) in closings.into_iter().enumerate() {
        scene.run += 1;
        let mut carried = scene.run();
        mix(&mut carried.closing.message, &old.closing.message);
        let mut closing = carried.closing.clone();
        scene.resign_closing(&mut closing);
        let mixed = Carried { closing, ..carried };
        let fault = scene.receive(&mixed).unwrap_err();
        assert_eq!(fault.class(), Class::Blame, "field {n}");
        assert!(fault.culprits.contains(&scene.first), "field {n}");
    }
    scene.still_repairs();
}

#[test]
fn a_hub_that_changes_for_whom_or_by_whose_leave_is_refused_by_the_second_helper() {
    let mut scene = Scene::usual();
    let thief = SealSecret::generate(&mut scene.parties.rng);
    let stranger = scene.parties.device.public();
    let changes: [&dyn Fn(&mut Claim); 5] = [
        &|claim| claim.key = thief.public(),
        &|claim| claim.identity = stranger,
        &|claim| claim.mandate[0] ^= 1,
        &|claim| claim.unlock_digest[0] ^= 1,
        &|claim| claim.wallet.0[0] ^= 1,
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let (_, mut opening) = scene.open();
        change(&mut opening.message.claim);
        assert_eq!(
            scene.answer(&opening).unwrap_err().kind,
            FaultKind::IdentitySignature,
            "{n}"
        );
        // A first helper that signs it does not get it from a second that knows better.
        scene.resign_opening(&mut opening);
        assert_eq!(
            scene.answer(&opening).unwrap_err().kind,
            FaultKind::ForeignCeremony,
            "{n}"
        );
    }
    scene.still_repairs();
}

#[test]
fn the_one_repaired_opens_with_the_key_of_its_own_claim_only() {
    let mut scene = Scene::usual();
    let carried = scene.run();
    let other = SealSecret::generate(&mut scene.parties.rng);
    let waiting = AwaitSigmas::new(scene.claim(), scene.helpers(), scene.public.clone()).unwrap();
    let fault = waiting.receive(&carried, &other).unwrap_err();
    assert_eq!(fault.kind, FaultKind::PublicKey);
    assert_eq!(scene.receive(&carried).unwrap().share.party(), Party::Device);
}
