//! Drafts: what they pay, cost, spend and leave.

use bitcoin::FeeRate;
use bitcoin::absolute::LockTime;
use proptest::prelude::*;

use super::scene::{Scene, signed, stranger};
use super::*;

pub(super) fn rate(sat_per_vb: u32) -> FeeRate {
    FeeRate::from_sat_per_vb_u32(sat_per_vb)
}

pub(super) fn pay(address: &Address, value: Amount, fee: u32) -> Order {
    Order {
        pay: Pay::Each(vec![(address.clone(), value)]),
        fee_rate: rate(fee),
        from: Vec::new(),
    }
}

/// A wallet with these coins in blocks.
pub(super) fn with_coins(coins: &[u64]) -> Scene {
    let mut scene = Scene::new();
    let payments: Vec<Transaction> = coins.iter().map(|coin| scene.payment(sats(*coin))).collect();
    let all: Vec<&Transaction> = payments.iter().collect();
    scene.mine(&all);
    for told in all.chunks(50) {
        scene.sync(told).expect("syncs");
    }
    scene
}

pub(super) fn draft(scene: &mut Scene, order: &Order) -> Result<Draft, DraftFault> {
    let Scene { ledger, random, .. } = scene;
    ledger.draft(order, random)
}

#[test]
fn a_payment_pays_what_was_ordered_and_brings_the_rest_back() {
    let mut scene = with_coins(&[100_000]);
    let to = stranger(1);
    let draft = draft(&mut scene, &pay(&to, sats(30_000), 5)).expect("drafts");
    let facts = draft.facts();
    assert_eq!(facts.payments.len(), 1);
    assert_eq!(
        (facts.payments[0].address.as_ref(), facts.payments[0].value),
        (Some(&to), sats(30_000))
    );
    assert_eq!(facts.change_value() + facts.fee + sats(30_000), sats(100_000));
    assert!(facts.replaceable, "must signal replacement (BIP-125)");
    assert_eq!(
        facts.lock_time,
        LockTime::from_height(scene.tip()).expect("a height"),
        "must not invite fee sniping"
    );
    assert_eq!(draft.left(), None);
}

#[test]
fn the_fee_rate_is_what_was_asked_for() {
    let mut scene = with_coins(&[100_000, 90_000, 80_000]);
    let to = stranger(1);
    for asked in [1, 7, 100] {
        let draft = draft(&mut scene, &pay(&to, sats(150_000), asked)).expect("drafts");
        let real = draft.facts().fee / signed(&draft).weight();
        // Without change the fee also takes what change would have cost.
        let most = if draft.facts().change.is_empty() {
            rate(2 * asked)
        } else {
            rate(asked + 1)
        };
        assert!(real >= rate(asked) && real <= most, "{asked}: {real}");
    }
}

#[test]
fn several_may_be_paid_at_once() {
    let mut scene = with_coins(&[100_000]);
    let each: Vec<(Address, Amount)> = (1..=5).map(|n| (stranger(n), sats(u64::from(n) * 1_000))).collect();
    let order = Order {
        pay: Pay::Each(each.clone()),
        fee_rate: rate(2),
        from: Vec::new(),
    };
    let draft = draft(&mut scene, &order).expect("drafts");
    let mut paid: Vec<_> = draft
        .facts()
        .payments
        .iter()
        .map(|paid| (paid.address.clone(), paid.value))
        .collect();
    paid.sort_by_key(|(_, value)| *value);
    assert_eq!(
        paid,
        each.into_iter()
            .map(|(address, value)| (Some(address), value))
            .collect::<Vec<_>>()
    );
}

#[test]
fn everything_may_be_sent_at_once() {
    let mut scene = with_coins(&[100_000, 50_000, 60]);
    let to = stranger(1);
    let draft = draft(
        &mut scene,
        &Order {
            pay: Pay::All(to),
            fee_rate: rate(3),
            from: Vec::new(),
        },
    )
    .expect("drafts");
    assert_eq!(
        draft.facts().inputs.len(),
        2,
        "a coin that costs more than it brings stays"
    );
    assert_eq!(draft.facts().change, []);
    assert_eq!(draft.facts().payment_value() + draft.facts().fee, sats(150_000));
}

#[test]
fn too_little_money_says_what_is_needed_and_what_is_on_its_way() {
    let mut scene = with_coins(&[10_000]);
    let waiting = scene.payment(sats(50_000));
    scene.sync_mempool(&[&waiting]).expect("syncs");
    let to = stranger(1);
    match draft(&mut scene, &pay(&to, sats(20_000), 5)).expect_err("must refuse") {
        DraftFault::TooLittle {
            needed,
            spendable,
            pending,
            ..
        } => {
            assert!(needed > sats(20_000));
            assert_eq!((spendable, pending), (sats(10_000), sats(50_000)));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn strangers_unconfirmed_money_is_not_spent_and_our_own_change_is() {
    let mut scene = with_coins(&[100_000]);
    let to = stranger(1);
    let first = draft(&mut scene, &pay(&to, sats(30_000), 2)).expect("drafts");
    let first = signed(&first);
    scene.ledger.note_outgoing(&first);
    let fault = draft(&mut scene, &pay(&to, sats(30_000), 2)).expect_err("the network does not have it yet");
    assert!(matches!(fault, DraftFault::TooLittle { .. }), "{fault}");
    scene.ledger.note_sent(first.compute_txid());
    let left = scene.ledger.balance();
    assert_eq!((left.confirmed, left.pending), (Amount::ZERO, Amount::ZERO));
    let second = draft(&mut scene, &pay(&to, sats(30_000), 2)).expect("spends our own change");
    assert_eq!(second.facts().inputs[0].outpoint.txid, first.compute_txid());
    assert_eq!(left.change, second.facts().own_value());
}

#[test]
fn c09_what_we_sent_is_pushed_until_a_block_holds_it() {
    let mut scene = with_coins(&[100_000]);
    let to = stranger(1);
    let sent = draft(&mut scene, &pay(&to, sats(30_000), 2)).expect("drafts");
    let sent = signed(&sent);
    scene.ledger.note_outgoing(&sent);
    scene.restart();
    assert_eq!(
        scene.ledger.unseen().as_slice(),
        core::slice::from_ref(&sent),
        "must outlive the command"
    );
    scene.sync_mempool(&[&sent]).expect("syncs");
    assert_eq!(scene.ledger.unseen(), []);
    scene.sync_gone(&[&sent]).expect("syncs");
    assert_eq!(
        scene.ledger.unseen().as_slice(),
        core::slice::from_ref(&sent),
        "must be pushed again"
    );
    assert_eq!(
        scene.ledger.balance().confirmed,
        Amount::ZERO,
        "its coins stay spent meanwhile"
    );
    scene.mine(&[&sent]);
    scene.sync(&[&sent]).expect("syncs");
    assert_eq!((scene.ledger.unseen(), scene.ledger.history().len()), (Vec::new(), 2));
    scene.sync_gone(&[&sent]).expect("syncs");
}

#[test]
fn c09_what_the_node_refuses_is_offered_again_ever_more_seldom_as_blocks_come() {
    let mut scene = with_coins(&[100_000]);
    let sent = signed(&draft(&mut scene, &pay(&stranger(1), sats(30_000), 2)).expect("drafts"));
    scene.ledger.note_outgoing(&sent);
    for blocks in [1, 2, 4] {
        scene.ledger.note_refused(sent.compute_txid());
        scene.restart();
        for _ in 0..blocks {
            assert_eq!(scene.ledger.unseen(), [], "{blocks}");
            scene.mine(&[]);
            scene.sync(&[]).expect("syncs");
        }
        assert_eq!(
            scene.ledger.unseen().as_slice(),
            core::slice::from_ref(&sent),
            "{blocks}"
        );
    }
    scene.ledger.note_sent(sent.compute_txid());
    scene.sync_gone(&[&sent]).expect("syncs");
    assert_eq!(
        scene.ledger.unseen().len(),
        1,
        "one that it once took is offered at once"
    );
    let refused = |times| Refused { times, height: 1_000 };
    for times in [9, 32, 33, u32::MAX] {
        assert!(
            !refused(times).is_over(1_143) && refused(times).is_over(1_144),
            "{times}"
        );
    }
}

#[test]
fn c08_a_replacement_in_a_block_frees_what_was_sent_before() {
    let mut scene = with_coins(&[100_000]);
    let to = stranger(1);
    let sent = draft(&mut scene, &pay(&to, sats(30_000), 2)).expect("drafts");
    let sent = signed(&sent);
    scene.ledger.note_outgoing(&sent);
    let mut other = sent.clone();
    other.output.retain(|output| output.script_pubkey != to.script_pubkey());
    scene.mine(&[&other]);
    scene.sync(&[&other]).expect("syncs");
    assert_eq!(scene.ledger.unseen(), []);
    assert_eq!(scene.ledger.balance().confirmed, other.output[0].value);
    assert!(
        scene
            .ledger
            .history()
            .iter()
            .all(|entry| entry.txid != sent.compute_txid())
    );
}

#[test]
fn history_tells_payments_from_receipts() {
    let mut scene = with_coins(&[100_000]);
    let to = stranger(1);
    let sent = draft(&mut scene, &pay(&to, sats(30_000), 2)).expect("drafts");
    let fee = sent.facts().fee;
    scene.ledger.note_outgoing(&signed(&sent));
    let entry = &scene.ledger.history()[0];
    assert_eq!((entry.fee, entry.height, entry.confirmations), (Some(fee), None, 0));
    assert_eq!(
        entry.net.to_sat(),
        -30_000 - i64::try_from(fee.to_sat()).expect("small")
    );
    assert_eq!(
        entry.paid,
        [Paid {
            address: Some(to),
            value: sats(30_000)
        }]
    );
}

#[test]
fn a_sum_in_too_many_coins_says_how_many_sends_it_takes() {
    let mut scene = with_coins(&[10_000; 250]);
    let to = stranger(1);
    let fault = draft(&mut scene, &pay(&to, sats(1_900_000), 1)).expect_err("must refuse");
    let DraftFault::TooManyCoins { most, sends } = fault else {
        panic!("{fault}")
    };
    assert_eq!(sends, 2);
    let first = draft(&mut scene, &pay(&to, most, 1)).expect("what it says can be sent, can be");
    assert_eq!(first.facts().inputs.len(), 100);

    let all = draft(
        &mut scene,
        &Order {
            pay: Pay::All(to),
            fee_rate: rate(1),
            from: Vec::new(),
        },
    )
    .expect("drafts");
    assert_eq!(all.facts().inputs.len(), 100);
    assert_eq!(
        all.left(),
        Some(Left {
            coins: 150,
            value: sats(1_500_000),
            sends: 2
        })
    );
}

#[test]
fn fees_are_held_to_bounds_and_dust_is_named() {
    let mut scene = with_coins(&[100_000]);
    let to = stranger(1);
    let order = |value, fee_rate| Order {
        pay: Pay::Each(vec![(to.clone(), sats(value))]),
        fee_rate,
        from: Vec::new(),
    };
    let fault = draft(&mut scene, &order(5_000, FeeRate::from_sat_per_kwu(1))).expect_err("must refuse");
    assert!(matches!(fault, DraftFault::FeeTooLow { .. }), "{fault}");
    let fault = draft(&mut scene, &order(5_000, FeeRate::MAX)).expect_err("must refuse");
    assert!(matches!(fault, DraftFault::FeeTooHigh { .. }), "{fault}");
    let fault = draft(&mut scene, &order(100, rate(1))).expect_err("must refuse");
    assert_eq!(fault, DraftFault::Dust { place: 1 });
    let nobody = Order {
        pay: Pay::Each(Vec::new()),
        fee_rate: rate(1),
        from: Vec::new(),
    };
    assert_eq!(draft(&mut scene, &nobody), Err(DraftFault::Nobody));
}

#[test]
fn an_address_of_another_network_is_refused() {
    let mut scene = with_coins(&[100_000]);
    let main: Address = Address::from_script(&stranger(1).script_pubkey(), Network::Bitcoin).expect("an address");
    let fault = draft(&mut scene, &pay(&main, sats(5_000), 1)).expect_err("must refuse");
    assert!(matches!(fault, DraftFault::Network { .. }), "{fault}");
}

#[test]
fn c16_a_foreign_psbt_with_the_change_swapped_shows_it_as_a_payment() {
    let mut scene = with_coins(&[100_000]);
    let to = stranger(1);
    let honest = draft(&mut scene, &pay(&to, sats(30_000), 2)).expect("drafts");
    let mut psbt = honest.psbt().clone();
    let change = honest.facts().change[0].index;
    psbt.unsigned_tx.output[change].script_pubkey = stranger(66).script_pubkey();
    let seen = scene.ledger.examine(psbt).map(|seen| seen.facts().payments.len());
    assert!(
        !matches!(seen, Ok(1)),
        "the thief's output must be seen as a payment or the PSBT refused: {seen:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_draft_makes_or_loses_money(
        coins in prop::collection::vec(1_000u64..5_000_000, 1..12),
        value in 600u64..6_000_000,
        fee in 1u32..60,
    ) {
        let mut scene = with_coins(&coins);
        let to = stranger(1);
        match draft(&mut scene, &pay(&to, sats(value), fee)) {
            Ok(draft) => {
                let facts = draft.facts();
                let spent = facts.own_value();
                prop_assert_eq!(spent, facts.payment_value() + facts.change_value() + facts.fee);
                prop_assert_eq!(facts.payment_value(), sats(value));
                let real = facts.fee / signed(&draft).weight();
                prop_assert!(real >= rate(fee));
            }
            Err(DraftFault::TooLittle { spendable, .. }) => {
                prop_assert_eq!(spendable, sats(coins.iter().sum()));
            }
            Err(DraftFault::Refused(_)) => {} // a fee out of all proportion to a tiny payment
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
