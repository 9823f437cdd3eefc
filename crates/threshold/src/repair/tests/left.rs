//! The first helper is gone when the second answers, and has left what it waits with to the one repaired.

use super::*;

impl Scene {
    /// What the one repaired gets by what the first left and the second answers.
    fn receive_left(
        &self,
        left: AwaitAnswer,
        answer: &Signed<Answer>,
        unlock: [u8; 32],
        key: &SealSecret,
    ) -> Result<Repaired, Fault> {
        let waiting = AwaitSigmas::new(self.claim(), self.helpers(), self.public.clone())?;
        waiting.receive_left(left, answer, UnlockKey::new(Secret32::new(unlock)), key)
    }

    fn unlock_bytes(&self) -> [u8; 32] {
        *self.unlock.expose().expose()
    }
}

#[test]
fn whoever_is_repaired_takes_the_answer_in_the_place_of_a_first_helper_that_is_gone() {
    for case in CASES {
        let mut scene = Scene::new(case);
        let (waiting, opening) = scene.open();
        // As it travels: sealed to the one repaired, and read there.
        let bytes = waiting.to_secret_bytes();
        for _ in 0..2 {
            // A crash after an answer: the second answers the same opening again, by other numbers.
            let answer = scene.answer(&opening).unwrap();
            let left = AwaitAnswer::from_secret_bytes(&bytes, scene.helpers(), &scene.public).unwrap();
            let repaired = scene
                .receive_left(left, &answer, scene.unlock_bytes(), &scene.key)
                .unwrap();
            assert_eq!(
                *repaired.share.to_secret_bytes(),
                *scene.share(scene.repaired).to_secret_bytes()
            );
            assert_eq!(repaired.unlock.digest(), scene.unlock.digest());
        }
    }
}

#[test]
fn p35_what_a_helper_left_serves_its_own_repair_its_own_key_and_the_epochs_unlock_key_alone() {
    let mut scene = Scene::usual();
    let (waiting, opening) = scene.open();
    let bytes = waiting.to_secret_bytes();
    let left = |scene: &Scene| AwaitAnswer::from_secret_bytes(&bytes, scene.helpers(), &scene.public).unwrap();
    let answer = scene.answer(&opening).unwrap();
    let unlock = scene.unlock_bytes();

    let fault = scene
        .receive_left(left(&scene), &answer, [1; 32], &scene.key)
        .unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::SealedPackage, Party::Recovery));

    let other = SealSecret::generate(&mut scene.parties.rng);
    let fault = scene.receive_left(left(&scene), &answer, unlock, &other).unwrap_err();
    assert_eq!(fault.kind, FaultKind::PublicKey);

    // The answer to another opening of the same run, and of another run.
    let (_, second) = scene.open();
    let foreign = scene.answer(&second).unwrap();
    let fault = scene
        .receive_left(left(&scene), &foreign, unlock, &scene.key)
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Equivocation);
    let kept = left(&scene);
    scene.run = 2;
    let fault = scene.receive_left(kept, &answer, unlock, &scene.key).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::ForeignCeremony, Party::Recovery));
}

#[test]
fn p35_a_second_helper_that_lies_to_whoever_stands_in_for_the_first_is_named() {
    let mut scene = Scene::usual();
    let (waiting, opening) = scene.open();
    let bytes = waiting.to_secret_bytes();
    let wrong = Secret32::generate(&mut scene.parties.rng);
    let claim = scene.claim();
    let signer = scene.identity(Party::Server);
    for purpose in [Delta, Sigma] {
        let mut answer = scene.answer(&opening).unwrap();
        let (to, key) = match purpose {
            Delta => (Party::Recovery, opening.message.key),
            _ => (Party::Device, claim.key),
        };
        let binding = claim.binding(Party::Server, to);
        let rng = &mut scene.parties.rng;
        let sealed = key.seal(&binding, purpose, wrong.expose(), rng).unwrap();
        if purpose == Delta {
            answer.message.to_first = sealed;
        } else {
            answer.message.to_repaired = sealed;
        }
        answer.signature = signer.sign(Domain::REPAIR, &answer.message.body());
        let left = AwaitAnswer::from_secret_bytes(&bytes, scene.helpers(), &scene.public).unwrap();
        let fault = scene
            .receive_left(left, &answer, scene.unlock_bytes(), &scene.key)
            .unwrap_err();
        assert_eq!(fault, Fault::of(FaultKind::Repair, Party::Server), "{purpose:?}");
    }
}
