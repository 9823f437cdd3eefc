use std::collections::BTreeMap;

use super::*;
use crate::keys::Kek;
use proptest::prelude::*;
use twofold_threshold::secret::Secret32;

const WALLET: WalletId = WalletId([1; 16]);

fn key() -> MacKey {
    Kek::new(Secret32::new([1; 32])).subkeys().charges
}

fn coin(name: u8) -> Outpoint {
    [name; 36]
}

/// The groups of a wallet, as a store keeps them.
#[derive(Default)]
struct Groups(BTreeMap<Outpoint, ChargeGroup>);

impl Groups {
    /// Charges a transaction and says what was added.
    fn charge(&mut self, inputs: &[u8], amount: u64) -> u64 {
        let inputs: Vec<_> = inputs.iter().copied().map(coin).collect();
        let known: Vec<_> = inputs.iter().filter_map(|input| self.0.get(input).cloned()).collect();
        let charge = charge(&key(), None, WALLET, "btc", &inputs, &known, amount).expect("authentic groups");
        if let Some(group) = charge.group {
            self.0.insert(group.outpoint, group);
        }
        charge.added
    }

    fn sum(&self) -> u64 {
        self.0.values().map(|group| group.amount).sum()
    }
}

#[test]
fn c15_what_can_both_confirm_is_both_charged_in_every_order() {
    // {A} and {B} can both confirm; {A,B} excludes both. Whatever the order, {A} + {B} is covered.
    let spends: [(&[u8], u64); 3] = [(&[1], 100), (&[1, 2], 150), (&[2], 70)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut groups = Groups::default();
        let added: u64 = order
            .iter()
            .map(|place| groups.charge(spends[*place].0, spends[*place].1))
            .sum();
        assert_eq!(added, groups.sum(), "{order:?}");
        assert!(groups.sum() >= 170, "{order:?} is charged {}", groups.sum());
    }
}

#[test]
fn a_retry_is_free_and_a_replacement_costs_the_difference() {
    let mut groups = Groups::default();
    assert_eq!(groups.charge(&[1, 2], 100), 100);
    assert_eq!(groups.charge(&[1, 2], 100), 0);
    assert_eq!(groups.charge(&[1, 2], 130), 30);
    assert_eq!(groups.charge(&[1, 2], 90), 0, "a cheaper version gives nothing back");
    assert_eq!(
        groups.charge(&[2], 50),
        50,
        "the other coin is free to be spent beside the first"
    );
    assert_eq!(groups.charge(&[1, 2], 130), 0, "the same again is charged twice");
}

#[test]
fn a_spend_of_nothing_opens_a_group_of_nothing() {
    let mut groups = Groups::default();
    assert_eq!(groups.charge(&[1], 0), 0);
    assert_eq!(groups.charge(&[1], 10), 10);
}

#[test]
fn a_row_that_was_changed_or_moved_is_refused() {
    let inputs = [coin(1)];
    let group = charge(&key(), None, WALLET, "btc", &inputs, &[], 100)
        .unwrap()
        .group
        .unwrap();
    let forged = [
        ChargeGroup {
            amount: 1_000,
            ..group.clone()
        },
        ChargeGroup {
            asset: "eth".into(),
            ..group.clone()
        },
        ChargeGroup {
            mac: [0; 32],
            ..group.clone()
        },
        ChargeGroup {
            wallet: WalletId([2; 16]),
            ..group.clone()
        },
    ];
    for row in forged {
        assert_eq!(charge(&key(), None, WALLET, "btc", &inputs, &[row], 100), Err(Tampered));
    }
    let elsewhere = ChargeGroup {
        outpoint: coin(2),
        ..group
    };
    assert_eq!(
        charge(&key(), None, WALLET, "btc", &[coin(2)], &[elsewhere], 100),
        Err(Tampered)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// At any time the groups' sum covers the dearest set of charged transactions that can all confirm.
    #[test]
    fn c15_the_sum_of_groups_covers_every_set_that_can_confirm_together(
        spends in prop::collection::vec((prop::collection::btree_set(0_u8..6, 1..4), 0_u64..1_000), 1..9),
    ) {
        let mut groups = Groups::default();
        let (mut added, mut charged) = (0, Vec::new());
        for (inputs, amount) in spends {
            let inputs: Vec<_> = inputs.into_iter().collect();
            added += groups.charge(&inputs, amount);
            prop_assert_eq!(groups.charge(&inputs, amount), 0, "a retry is charged");
            charged.push((inputs, amount));
            prop_assert_eq!(added, groups.sum());
            prop_assert!(groups.sum() >= dearest(&charged, &[]), "too little is charged");
            prop_assert!(groups.sum() <= charged.iter().map(|(_, amount)| amount).sum(), "more than was asked for");
        }
    }
}

/// The highest sum over sets of transactions that share no input.
fn dearest(left: &[(Vec<u8>, u64)], taken: &[u8]) -> u64 {
    let Some(((inputs, amount), rest)) = left.split_first() else {
        return 0;
    };
    let without = dearest(rest, taken);
    if inputs.iter().any(|input| taken.contains(input)) {
        return without;
    }
    let taken: Vec<_> = taken.iter().chain(inputs).copied().collect();
    without.max(amount + dearest(rest, &taken))
}
