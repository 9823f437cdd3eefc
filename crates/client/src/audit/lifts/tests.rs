use twofold_api::audit::Lift;
use twofold_threshold::id::{EpochId, WalletId};

use super::*;

fn epoch(number: u32) -> EpochId {
    EpochId {
        number,
        transcript: [1; 32],
    }
}

fn lift(generation: u32, fork: u64, number: u32) -> Entry {
    let event = Event::Lifted {
        generation,
        fork,
        epoch: epoch(number),
        by: Lift::Anchor,
    };
    Entry { at: 1, event }
}

fn head(generation: u32, number: u32) -> Head {
    Head {
        wallet: WalletId([1; 16]),
        generation,
        seq: 9,
        epoch: epoch(number),
        list: [2; 32],
        chain: [3; 32],
    }
}

#[test]
fn a_generation_that_no_entry_opens_is_refused() {
    let lifts = Lifts::of(&[lift(1, 5, 1), lift(2, 9, 1)]);
    assert_eq!(lifts.lead(0, 2), Ok(()));
    assert_eq!(Lifts::default().lead(2, 2), Ok(()));
    assert_eq!(Lifts::of(&[lift(7, 9, 1)]).lead(2, 7), Ok(()), "numbers may be skipped");
    for (from, to) in [(0, 3), (0, 1), (3, 2)] {
        assert_eq!(lifts.lead(from, to), Err(Breach::NoLift { shows: to }));
    }
    assert_eq!(Lifts::default().lead(0, 1), Err(Breach::NoLift { shows: 1 }));
    let back = Lifts::of(&[lift(2, 5, 1), lift(1, 9, 1)]);
    assert_eq!(
        back.lead(0, 1),
        Err(Breach::NoLift { shows: 1 }),
        "generations only grow"
    );
}

#[test]
fn s24_a_head_is_given_up_only_by_a_lift_that_is_not_behind_its_epoch() {
    let lifts = Lifts::of(&[lift(1, 5, 2), lift(2, 9, 3)]);
    assert!(lifts.forget(&head(0, 2), 2));
    assert!(
        !lifts.forget(&head(0, 3), 2),
        "the first lift had forgotten its refresh"
    );
    assert!(lifts.forget(&head(1, 3), 2));
    assert!(!lifts.forget(&head(2, 3), 2), "no lift came after it");
    assert_eq!(lifts.fork(), 9);
}
