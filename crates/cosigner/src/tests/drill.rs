//! The operator's drill.

use futures::executor::block_on;

use twofold_threshold::{id::Party, seal, secret::Secret32};

use crate::{
    Kek,
    fixture::{House, Phone, rng},
    testing::memory::Tables,
};

/// Something that befalls the rows.
type Harm<'a> = &'a dyn Fn(&mut Tables);

#[test]
fn s16_a_drill_finds_what_does_not_open_and_names_the_wallet() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let (purse, other) = (phone.create(&house), phone.create(&house));
    let coin = house.pay(&purse, 100_000, 0);
    phone.sign(&house, &purse, &purse.psbt(&[coin], 40_000)).unwrap();
    let whole = house.rows();
    let drilled = block_on(house.mind.drill(None)).unwrap();
    assert_eq!((drilled.wallets, drilled.next), (2, None));
    assert!(drilled.wrong.is_empty(), "{drilled:?}");
    assert_eq!(drilled.proved, 1, "one of them has signed");
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

#[test]
fn s16_a_drill_finds_a_share_that_opens_and_is_not_the_one_that_signed() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let coin = house.pay(&purse, 100_000, 0);
    phone.sign(&house, &purse, &purse.psbt(&[coin], 40_000)).unwrap();
    let aad = purse.public.share_aad(purse.id, Party::Server);
    let keys = Kek::new(Secret32::new([1; 32])).subkeys();
    house.store.with(|tables| {
        for share in tables.shares.values_mut() {
            share.sealed = seal::seal(&keys.outer, &aad, b"whatever opens", &mut rng());
        }
    });
    let drilled = block_on(house.mind.drill(None)).unwrap();
    let [(wallet, what)] = drilled.wrong.as_slice() else {
        panic!("{drilled:?}")
    };
    assert_eq!(*wallet, purse.id);
    assert!(what.contains("signed last"), "{what}");
}
