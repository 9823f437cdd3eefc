//! The same sums for an ECDSA key.

use super::{CASES, Scene};
use crate::{FaultKind, ecdsa::fixture::Dealt, envelope::Purpose, id::KeyKind, repair::part, secret::Secret32};

fn scene(case: [crate::id::Party; 3]) -> Scene {
    let mut scene = Scene::new(case);
    let Dealt { public, shares, .. } = Dealt::of(scene.parties.wallet, 1, scene.public.epoch());
    (scene.public, scene.shares) = (public, shares);
    scene
}

#[test]
fn p43_ecdsa_any_two_give_the_third_its_share_back_and_a_corrupted_sigma_is_named() {
    for case in CASES {
        let mut scene = scene(case);
        let carried = scene.run();
        let repaired = scene.receive(&carried).unwrap();
        assert_eq!(repaired.share.kind(), KeyKind::Ecdsa);
        assert_eq!(
            *repaired.share.secret_bytes(),
            *scene.share(scene.repaired).secret_bytes()
        );
        scene.run += 1;
        let (state, opening) = scene.open();
        let answer = scene.answer(&opening).unwrap();
        let mut closing = scene.close(state, &answer).unwrap();
        let (way, key) = ((scene.first, scene.repaired), scene.key.public());
        let claim = scene.claim();
        let wrong = Secret32::new([5; 32]);
        closing.message.to_repaired =
            part::seal(&claim, way, &key, Purpose::Sigma, &wrong, &mut scene.parties.rng).unwrap();
        scene.resign_closing(&mut closing);
        let carried = scene.carry(opening, answer, closing).unwrap();
        let fault = scene.receive(&carried).unwrap_err();
        assert_eq!(
            (fault.kind, fault.culprits.as_slice()),
            (FaultKind::Repair, &[scene.first][..])
        );
        scene.still_repairs();
    }
}
