//! Bytes that are no message of a repair.

use std::vec::Vec;

use super::Scene;
use crate::{
    Class, FaultKind,
    repair::{
        hub::Carried,
        message::{Answer, Closing, Opening, Signed},
    },
};

fn messages(scene: &mut Scene) -> [Vec<u8>; 4] {
    let carried = scene.run();
    [
        carried.opening.to_bytes(),
        carried.answer.to_bytes(),
        carried.closing.to_bytes(),
        carried.to_bytes(),
    ]
}

fn parse(n: usize, bytes: &[u8]) -> Result<Vec<u8>, crate::Fault> {
    match n {
        0 => Signed::<Opening>::try_from(bytes).map(|message| message.to_bytes()),
        1 => Signed::<Answer>::try_from(bytes).map(|message| message.to_bytes()),
        2 => Signed::<Closing>::try_from(bytes).map(|message| message.to_bytes()),
        _ => Carried::try_from(bytes).map(|message| message.to_bytes()),
    }
}

#[test]
fn p01_every_message_has_one_encoding_and_no_prefix_of_it_is_one() {
    let all = messages(&mut Scene::usual());
    for (n, bytes) in all.iter().enumerate() {
        assert_eq!(&parse(n, bytes).unwrap(), bytes);
        for end in 0..bytes.len() {
            assert_eq!(
                parse(n, &bytes[..end]).unwrap_err().class(),
                Class::Malformed,
                "{n} to {end}"
            );
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(parse(n, &longer).unwrap_err().kind, FaultKind::TrailingBytes);
    }
}

#[test]
fn p09_a_message_of_another_step_is_out_of_order() {
    let all = messages(&mut Scene::usual());
    for (n, bytes) in all.iter().enumerate() {
        for (other, _) in all.iter().enumerate().filter(|(other, _)| *other != n) {
            let fault = parse(other, bytes).unwrap_err();
            assert_eq!(
                (fault.kind, fault.class()),
                (FaultKind::UnexpectedMessage, Class::WrongOrder)
            );
        }
    }
}

#[test]
fn p01_p02_points_that_are_none_and_the_identity_are_malformed() {
    let mut scene = Scene::usual();
    let carried = scene.run();
    let mut not_on_curve = [0xff; 33];
    not_on_curve[0] = 2;
    for bad in [[0; 33], not_on_curve, [4; 33]] {
        let mut opening = carried.opening.clone();
        opening.message.shown.kept = bad;
        assert_eq!(parse(0, &opening.to_bytes()).unwrap_err().kind, FaultKind::Point);
        let mut answer = carried.answer.clone();
        answer.message.shown.given = bad;
        assert_eq!(parse(1, &answer.to_bytes()).unwrap_err().kind, FaultKind::Point);
    }
}

#[test]
fn a_sealed_part_has_one_length() {
    let mut scene = Scene::usual();
    let carried = scene.run();
    let mut closing = carried.closing.clone();
    closing.message.unlock.pop();
    assert_eq!(parse(2, &closing.to_bytes()).unwrap_err().kind, FaultKind::Length);
    let mut opening = carried.opening;
    opening.message.to_second.push(0);
    assert_eq!(parse(0, &opening.to_bytes()).unwrap_err().kind, FaultKind::Length);
}
