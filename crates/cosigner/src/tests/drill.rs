//! The operator's drill.

use futures::executor::block_on;

use crate::{
    fixture::{House, Phone},
    testing::memory::Tables,
};

/// Something that befalls the rows.
type Harm<'a> = &'a dyn Fn(&mut Tables);

#[test]
fn s16_a_drill_finds_what_does_not_open_and_names_the_wallet() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let (purse, other) = (phone.create(&house), phone.create(&house));
    let whole = house.rows();
    let drilled = block_on(house.mind.drill(None)).unwrap();
    assert_eq!((drilled.wallets, drilled.next), (2, None));
    assert!(drilled.wrong.is_empty(), "{drilled:?}");
    let harm: [(&str, Harm<'_>); 4] = [
        ("record", &|tables| {
            tables.wallets.get_mut(&purse.id).unwrap().state[3] ^= 1;
        }),
        ("seal", &|tables| {
            let share = tables
                .shares
                .values_mut()
                .find(|share| share.wallet == purse.id)
                .unwrap();
            share.sealed[30] ^= 1;
        }),
        ("missing", &|tables| {
            tables.shares.retain(|(wallet, ..), _| *wallet != purse.id);
        }),
        ("log", &|tables| {
            let mut entries = tables.audit.range((purse.id, 0)..=(purse.id, u64::MAX));
            let name = *entries.next_back().unwrap().0;
            tables.audit.remove(&name);
        }),
    ];
    for (said, harm) in harm {
        house.store.with(|tables| harm(tables));
        let drilled = block_on(house.mind.drill(None)).unwrap();
        let [(wallet, what)] = drilled.wrong.as_slice() else {
            panic!("{said}: {drilled:?}")
        };
        assert_eq!(*wallet, purse.id);
        assert_ne!(*wallet, other.id);
        assert!(what.contains(said), "{what}");
        house.store.with(|tables| tables.clone_from(&whole));
    }
}
