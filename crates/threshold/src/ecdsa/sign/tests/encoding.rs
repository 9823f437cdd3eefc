//! Messages that are no messages.

use std::vec::Vec;

use super::{Answer, Half, Hello, Line, Offer, WHAT, offer, over};
use crate::{
    Class, FaultKind,
    ecdsa::fixture::{Again, Dealt, Pairs, again},
    id::Party,
};

/// Version and kind, wallet, epoch, pair, sender.
const HEAD: usize = 2 + 16 + 36 + 32 + 1;
pub(super) const OFFER_FIRST: usize = HEAD + 64;
pub(super) const HALF_FIRST: usize = HEAD + 32;
/// Binding, commitment, nonce, then rows.
pub(super) const FIRST: usize = 3 * 32 + 256 * 78 + 26 + 256 * 26;
pub(super) const HALF_SECOND: usize = HALF_FIRST + FIRST;
pub(super) const ANSWER_SECOND: usize = HEAD + 32;
pub(super) const TAU: usize = 32 + 33 + 33 + 32 + 33 + 33 + 64;
pub(super) const SECOND: usize = TAU + 4 * 416 * 32 + 32 + 32 + 64 + 64;

/// One of each message.
pub(super) fn everything(dealt: &Dealt, pairs: &Pairs) -> Vec<(&'static str, Vec<u8>, Again)> {
    let mut rng = dealt.rng.clone();
    let identity = dealt.identity(Party::Server);
    let (asking, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
    let (answering, offered) = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
    let (_, half) = dealt.halve(&pairs.asker, asking, &offered).unwrap();
    let bytes = half.to_bytes();
    let answer = dealt
        .release(&pairs.answerer, answering.receive(half).unwrap())
        .unwrap();
    std::vec![
        ("hello", hello.to_bytes(), again!(Hello)),
        ("offer", offered.to_bytes(), again!(Offer)),
        ("half", bytes, again!(Half)),
        ("answer", answer.to_bytes(), again!(Answer)),
    ]
}

#[test]
fn every_message_has_one_encoding_of_one_length() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let lengths = [
        HEAD + 32 + 64,
        OFFER_FIRST + FIRST + 64,
        HALF_SECOND + SECOND + 64,
        ANSWER_SECOND + SECOND + 2 * 32 + 64,
    ];
    for ((name, bytes, decode), length) in everything(&dealt, &pairs).into_iter().zip(lengths) {
        assert_eq!(bytes.len(), length, "{name}");
        assert_eq!(decode(&bytes).as_deref(), Ok(bytes.as_slice()), "{name}");
    }
}

#[test]
fn p37_ecdsa_what_is_cut_short_or_too_long_is_malformed_and_ends_no_pair() {
    let mut dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    for (name, bytes, decode) in everything(&dealt, &pairs) {
        let edges = [
            HEAD,
            OFFER_FIRST,
            HALF_FIRST,
            HALF_SECOND,
            HALF_SECOND + TAU,
            bytes.len(),
        ];
        let cuts = (0..bytes.len()).step_by(977).chain(
            edges
                .into_iter()
                .flat_map(|edge| [edge.saturating_sub(1), edge, edge + 1]),
        );
        for cut in cuts.filter(|cut| *cut < bytes.len()) {
            let fault = decode(&bytes[..cut]).unwrap_err();
            assert_eq!(
                (fault.class(), fault.kind),
                (Class::Malformed, FaultKind::Length),
                "{name} cut at {cut}"
            );
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(decode(&longer).unwrap_err().kind, FaultKind::TrailingBytes, "{name}");
        longer.resize(bytes.len() * 3, 0);
        assert_eq!(decode(&longer).unwrap_err().kind, FaultKind::TrailingBytes, "{name}");
    }
    // On the line: whoever gets it is told by its shape, and the pair goes on.
    let short = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1);
    for line in [
        Line::Hello(&short),
        Line::Offer(&short),
        Line::Half(&short),
        Line::Answer(&short),
    ] {
        let fault = over(&mut dealt, &pairs, line).unwrap_err();
        assert_eq!(fault, FaultKind::Length.into());
    }
    over(&mut dealt, &pairs, Line::Quiet).unwrap();
}

#[test]
fn p01_ecdsa_bad_points_are_malformed_and_p02_so_is_the_identity() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let mut not_on_curve = [0; 33];
    not_on_curve[0] = 2;
    not_on_curve[32] = 5; // 5^3 + 7 is no square
    for (name, bytes, decode) in everything(&dealt, &pairs) {
        let second = match name {
            "half" => HALF_SECOND,
            "answer" => ANSWER_SECOND,
            _ => continue,
        };
        for field in [32, 65, 130, 163] {
            let at = second + field;
            for bad in [
                [0; 33],
                not_on_curve,
                [3; 1]
                    .into_iter()
                    .chain([0xff; 32])
                    .collect::<Vec<_>>()
                    .try_into()
                    .unwrap(),
                [4; 33],
            ] {
                let mut bytes = bytes.clone();
                bytes[at..at + 33].copy_from_slice(&bad);
                assert_eq!(decode(&bytes).unwrap_err().kind, FaultKind::Point, "{name} at {field}");
            }
        }
    }
}

#[test]
fn p03_ecdsa_scalars_beyond_the_order_are_malformed() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    for (name, bytes, decode) in everything(&dealt, &pairs) {
        let second = match name {
            "half" => HALF_SECOND,
            "answer" => ANSWER_SECOND,
            _ => continue,
        };
        let tau = second + TAU;
        let rest = tau + 4 * 416 * 32 + 64;
        let mut places = std::vec![
            second + 98,
            tau,
            tau + 415 * 32,
            tau + 4 * 416 * 32 - 32,
            rest,
            rest + 96
        ];
        if name == "answer" {
            places.extend([second + SECOND, second + SECOND + 32]);
        }
        for at in places {
            let mut bytes = bytes.clone();
            bytes[at..at + 32].fill(0xff);
            assert_eq!(decode(&bytes).unwrap_err().kind, FaultKind::Scalar, "{name} at {at}");
        }
    }
}
