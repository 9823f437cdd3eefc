use std::vec::Vec;

use super::{Deed::*, Leave::*, Voices::*, *};

/// Every cell, written out: one device, two approvers, an approver and recovery, recovery.
const CELLS: [(Deed, [Leave; 4]); 14] = [
    (Sign, [Now, Now, Now, Never]),
    (Freeze, [Now, Now, Now, Never]),
    (Tighten, [Now, Now, Now, Never]),
    (Refresh, [Now, Now, Now, Never]),
    (RevokeSelf, [Now, Now, Now, Never]),
    (Enrol, [AfterNotice, Now, Now, Never]),
    (RevokeOther, [AfterNotice, Now, Now, Never]),
    (Unfreeze, [AfterNotice, Now, Now, Never]),
    (Loosen, [AfterNotice, AfterShort, Now, Never]),
    (AddApprover, [AfterLong, Now, Now, Never]),
    (Recover, [Never, Never, AfterRecovery, AfterRecovery]),
    (Cancel, [Now, Now, Now, Now]),
    (ClearFence, [Never, Never, Now, Now]),
    (ReplaceWords, [AfterLong, AfterLong, Now, Now]),
];

#[test]
fn a24_each_cell_of_who_may_do_what_is_the_protocols() {
    let listed: Vec<Deed> = CELLS.iter().map(|(deed, _)| *deed).collect();
    assert_eq!(listed, Deed::ALL);
    for (deed, row) in CELLS {
        for (voices, expected) in Voices::ALL.into_iter().zip(row) {
            assert_eq!(leave(deed, voices), expected, "{deed:?} by {voices:?}");
        }
    }
}

#[test]
fn a24_one_device_gets_at_once_only_what_gives_it_no_more_power() {
    let at_once: Vec<Deed> = Deed::ALL
        .into_iter()
        .filter(|deed| leave(*deed, OneDevice) == Now)
        .collect();
    assert_eq!(at_once, [Sign, Freeze, Tighten, Refresh, RevokeSelf, Cancel]);
}
