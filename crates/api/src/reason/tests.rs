use alloc::collections::BTreeSet;

use super::{Reason, Refusal};

#[test]
fn every_reason_reads_back_from_its_text_and_no_two_share_one() {
    let texts = Reason::ALL
        .iter()
        .map(|reason| reason.as_str())
        .collect::<BTreeSet<_>>();
    assert_eq!(texts.len(), Reason::ALL.len());
    for reason in Reason::ALL {
        assert_eq!(Reason::parse(reason.as_str()), Some(*reason));
        assert!(reason.as_str().bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
        assert!(!reason.help().is_empty());
    }
    assert_eq!(Reason::parse("stale_epoch"), None);
}

#[test]
fn reasons_and_their_codes_never_change() {
    let table = Reason::ALL
        .iter()
        .map(|r| alloc::format!("{} {:?}\n", r.as_str(), r.code()))
        .collect::<alloc::vec::Vec<_>>();
    insta::assert_snapshot!(table.concat());
}

#[test]
fn what_comes_out_of_order_is_told_to_people_by_what_they_can_run() {
    let refusal = Refusal::new(Reason::OutOfOrder, "there is nothing to repair");
    let refusal = alloc::string::ToString::to_string(&refusal);
    assert!(
        refusal.contains("twofold wallet list") && !refusal.contains("round"),
        "{refusal}"
    );
}

#[test]
fn a_refusal_says_what_and_what_next() {
    let refusal = Refusal::new(Reason::StaleEpoch, "the share is of epoch 3, the key of epoch 4");
    assert_eq!(
        alloc::string::ToString::to_string(&refusal),
        "the share is of epoch 3, the key of epoch 4; bring this device up to date (STALE_EPOCH)"
    );
    // Where nothing more is known, the help stands alone and once.
    assert_eq!(
        alloc::string::ToString::to_string(&Refusal::from(Reason::StaleEpoch)),
        "bring this device up to date (STALE_EPOCH)"
    );
}

#[test]
fn a_refusal_stays_cheap_to_return() {
    assert!(size_of::<Refusal>() <= 128);
}
