//! Every field of every message, changed by the side that sends it.

use std::{vec, vec::Vec};

use super::{
    Line, SignFault,
    encoding::{ANSWER_SECOND, FIRST, HALF_FIRST, HALF_SECOND, OFFER_FIRST, SECOND, TAU},
    over,
};
use crate::{Fault, FaultKind, ecdsa::fixture::Dealt, id::Party};

/// What comes of it: the session is over, or the pair is.
#[derive(Clone, Copy, Debug)]
enum Expected {
    Refused(FaultKind),
    /// The same, and nobody's fault.
    NoBlame(FaultKind),
    Quarantined,
}
use Expected::{NoBlame, Quarantined, Refused};

/// A field: its name, a byte of it, the bits to change in that byte, what comes of it.
type Field = (&'static str, usize, u8, Expected);

fn head() -> Vec<Field> {
    vec![
        ("wallet", 2, 1, Refused(FaultKind::ForeignCeremony)),
        ("epoch number", 2 + 16 + 3, 1, NoBlame(FaultKind::StaleEpoch)),
        ("epoch transcript", 2 + 16 + 4, 1, NoBlame(FaultKind::StaleEpoch)),
        ("pair", 2 + 16 + 36, 1, Refused(FaultKind::ForeignCeremony)),
        // 1 and 2 both become 3's or each other's.
        ("sender", 2 + 16 + 36 + 32, 3, Refused(FaultKind::ForeignCeremony)),
    ]
}

fn first(at: usize) -> Vec<Field> {
    let u = at + 96;
    let x = u + 256 * 78;
    vec![
        ("binding", at, 1, Refused(FaultKind::ForeignCeremony)),
        ("commitment", at + 32, 1, Refused(FaultKind::CommitmentReplaced)),
        ("nonce", at + 64, 1, Quarantined),
        ("first row of u", u, 1, Quarantined),
        ("last row of u", x - 1, 0x80, Quarantined),
        ("x", x, 1, Quarantined),
        ("first row of t", x + 26, 1, Quarantined),
        ("last row of t", at + FIRST - 1, 0x80, Quarantined),
    ]
}

fn second(at: usize) -> Vec<Field> {
    let tau = at + TAU;
    let salt = tau + 4 * 416 * 32;
    vec![
        ("second binding", at, 1, Refused(FaultKind::ForeignCeremony)),
        ("gamma u", at + 32, 1, Quarantined),
        ("gamma v", at + 65, 1, Quarantined),
        ("psi", at + 98 + 31, 1, Refused(FaultKind::CommitmentReplaced)),
        ("public share", at + 130, 1, Quarantined),
        ("instance point", at + 163, 1, Refused(FaultKind::CommitmentReplaced)),
        ("salt", at + 196, 1, Refused(FaultKind::CommitmentReplaced)),
        ("first tau", tau + 31, 1, Quarantined),
        ("last tau", salt - 1, 1, Quarantined),
        ("transfer salt", salt, 1, Quarantined),
        ("r", salt + 32, 1, Quarantined),
        ("first u", salt + 64 + 31, 1, Quarantined),
        ("last u", salt + 96 + 31, 1, Quarantined),
        ("first gamma", salt + 128 + 31, 1, Quarantined),
        ("last gamma", at + SECOND - 1, 1, Quarantined),
    ]
}

/// Tries each field on a pair of its own that has no memory of the others.
fn each(fields: Vec<Field>, cheat: Party, line: impl for<'a> Fn(&'a dyn Fn(&mut Vec<u8>)) -> Line<'a>) {
    let mut dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    for (name, at, bits, expected) in fields {
        let pairs = pairs.copy();
        let change = |bytes: &mut Vec<u8>| bytes[at] ^= bits;
        let fault = over(&mut dealt, &pairs, line(&change)).unwrap_err();
        let wanted: SignFault = match expected {
            Refused(kind) => Fault::of(kind, cheat).into(),
            NoBlame(kind) => kind.into(),
            Quarantined => SignFault::Quarantined {
                pair: pairs.asker.id(),
                culprit: cheat,
            },
        };
        assert_eq!(fault, wanted, "{name} at {at}");
        // The one who was lied to, and nobody else, has ended the pair.
        let (cheated, other) = match cheat {
            Party::Server => (&pairs.asker, &pairs.answerer),
            _ => (&pairs.answerer, &pairs.asker),
        };
        assert_eq!(cheated.is_quarantined(), matches!(expected, Quarantined), "{name}");
        assert!(!other.is_quarantined(), "{name}");
        if !cheated.is_quarantined() {
            over(&mut dealt, &pairs, Line::Quiet).unwrap();
        }
    }
}

#[test]
fn p23_ecdsa_each_field_of_a_hello_changed_is_told() {
    each(head(), Party::Device, |change| Line::Hello(change));
    // The server answers what it was asked, which is not what the device asked.
    each(
        vec![("fresh", 2 + 85, 1, Refused(FaultKind::ForeignReply))],
        Party::Server,
        |change| Line::Hello(change),
    );
}

#[test]
fn p23_ecdsa_each_field_of_an_offer_changed_is_told() {
    let mut fields = head();
    fields.extend([
        ("fresh", 2 + 85, 1, Refused(FaultKind::ForeignCeremony)),
        ("before", 2 + 85 + 32, 1, Refused(FaultKind::ForeignReply)),
    ]);
    fields.extend(first(OFFER_FIRST));
    each(fields, Party::Server, |change| Line::Offer(change));
}

#[test]
fn p23_ecdsa_each_field_of_a_half_changed_is_told() {
    let mut fields = head();
    fields.push(("before", 2 + 85, 1, Refused(FaultKind::ForeignReply)));
    fields.extend(first(HALF_FIRST));
    fields.extend(second(HALF_SECOND));
    each(fields, Party::Device, |change| Line::Half(change));
}

#[test]
fn p23_ecdsa_each_field_of_an_answer_changed_is_told() {
    let mut fields = head();
    fields.push(("before", 2 + 85, 1, Refused(FaultKind::ForeignReply)));
    fields.extend(second(ANSWER_SECOND));
    let last = ANSWER_SECOND + SECOND;
    fields.extend([
        ("u", last + 31, 1, Refused(FaultKind::Signature)),
        ("w", last + 63, 1, Refused(FaultKind::Signature)),
    ]);
    each(fields, Party::Server, |change| Line::Answer(change));
}
