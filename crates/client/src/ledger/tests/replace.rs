//! Replacing what waits, naming coins, freezing them.

use bitcoin::FeeRate;
use proptest::prelude::*;

use super::drafts::{draft, pay, rate, with_coins};
use super::scene::{Scene, signed, stranger};
use super::*;

/// A wallet with these coins, and a payment of 30,000 sat at 2 sat/vB that waits.
fn waiting(coins: &[u64]) -> (Scene, Transaction) {
    let mut scene = with_coins(coins);
    let draft = draft(&mut scene, &pay(&stranger(1), sats(30_000), 2)).expect("drafts");
    let sent = signed(&draft);
    scene.ledger.note_outgoing(&sent);
    scene.sync_mempool(&[&sent]).expect("syncs");
    (scene, sent)
}

fn bump(scene: &mut Scene, txid: Txid, rate: FeeRate) -> Result<Draft, DraftFault> {
    let Scene { ledger, random, .. } = scene;
    ledger.bump(txid, rate, random)
}

fn take_back(scene: &mut Scene, txid: Txid, rate: FeeRate) -> Result<Draft, DraftFault> {
    let Scene { ledger, random, .. } = scene;
    ledger.take_back(txid, rate, random)
}

fn spends_all_of(draft: &Draft, first: &Transaction) -> bool {
    let spent: BTreeSet<OutPoint> = draft.facts().outpoints().collect();
    first.input.iter().all(|input| spent.contains(&input.previous_output))
}

#[test]
fn a_bump_pays_the_same_out_of_its_change_and_spends_the_same_coins() {
    let (mut scene, first) = waiting(&[100_000, 50_000]);
    let replaceable = scene.ledger.replaceable(first.compute_txid()).expect("waits");
    let bumped = bump(&mut scene, first.compute_txid(), rate(20)).expect("drafts");
    let facts = bumped.facts();
    assert_eq!(facts.payments.len(), 1);
    assert_eq!(facts.payments[0].address, Some(stranger(1)));
    assert_eq!(facts.payment_value(), sats(30_000));
    assert!(facts.fee > replaceable.fee && facts.fee_rate() >= rate(19), "{facts}");
    assert!(facts.replaceable, "may be bumped again");
    assert!(spends_all_of(&bumped, &first), "else both could confirm");
    assert_eq!(facts.inputs.len(), first.input.len(), "the change suffices");
}

#[test]
fn a_bump_takes_more_coins_where_the_change_does_not_suffice() {
    let (mut scene, first) = waiting(&[30_700, 90_000]);
    // The first pays out of the small coin, or the large one; either way the other is free.
    let first_inputs = first.input.len();
    let mut bumped = bump(&mut scene, first.compute_txid(), rate(100)).expect("drafts");
    if first.output.len() == 1 {
        assert_eq!(bumped.facts().inputs.len(), first_inputs + 1);
    }
    assert!(spends_all_of(&bumped, &first));
    assert_eq!(bumped.facts().payment_value(), sats(30_000));

    // All of it spent and no other coin: there is nothing to take a fee from.
    let mut scene = with_coins(&[100_000]);
    let all = Order {
        pay: Pay::All(stranger(1)),
        fee_rate: rate(2),
        from: Vec::new(),
    };
    let sent = signed(&draft(&mut scene, &all).expect("drafts"));
    scene.ledger.note_outgoing(&sent);
    let fault = bump(&mut scene, sent.compute_txid(), rate(50)).expect_err("must refuse");
    assert_eq!(fault, DraftFault::NothingToPayWith);
    bumped = take_back(&mut scene, sent.compute_txid(), rate(50)).expect("but the coins can be taken back");
    assert!(spends_all_of(&bumped, &sent));
}

#[test]
fn a_bump_must_pay_more_than_nodes_ask_for_at_least() {
    let (mut scene, first) = waiting(&[100_000]);
    let txid = first.compute_txid();
    let least = scene.ledger.replaceable(txid).expect("waits").least;
    assert!(least > rate(2));
    let below = FeeRate::from_sat_per_kwu(least.to_sat_per_kwu() - 1);
    assert_eq!(bump(&mut scene, txid, below), Err(DraftFault::BumpTooLow { least }));
    assert_eq!(
        take_back(&mut scene, txid, below),
        Err(DraftFault::BumpTooLow { least })
    );
    let bumped = bump(&mut scene, txid, least).expect("drafts");
    let before = first.input.len() as u64 * 100_000 - first.output.iter().map(|out| out.value.to_sat()).sum::<u64>();
    assert!(
        bumped.facts().fee.to_sat() >= before + bumped.facts().vsize(),
        "BIP-125's rule 4"
    );
}

#[test]
fn what_is_mined_foreign_unknown_or_spent_on_is_not_replaced() {
    let (mut scene, first) = waiting(&[100_000]);
    let txid = first.compute_txid();
    let unknown = Txid::from_raw_hash(bitcoin::hashes::Hash::all_zeros());
    assert_eq!(
        bump(&mut scene, unknown, rate(9)),
        Err(DraftFault::NotWaiting { txid: unknown })
    );

    let theirs = scene.payment(sats(5_000));
    scene.sync_mempool(&[&theirs]).expect("syncs");
    let id = theirs.compute_txid();
    assert_eq!(bump(&mut scene, id, rate(9)), Err(DraftFault::NotOurs { txid: id }));

    let child = draft(&mut scene, &pay(&stranger(2), sats(10_000), 2)).expect("spends the change");
    let child = signed(&child);
    scene.ledger.note_outgoing(&child);
    let by = child.compute_txid();
    assert_eq!(
        bump(&mut scene, txid, rate(9)),
        Err(DraftFault::SpentOn { txid, by }),
        "the second payment would be lost with the first"
    );
    assert_eq!(
        take_back(&mut scene, txid, rate(9)),
        Err(DraftFault::SpentOn { txid, by })
    );
    assert!(bump(&mut scene, by, rate(9)).is_ok(), "the last one can be replaced");

    scene.mine(&[&first]);
    scene.sync(&[&first]).expect("syncs");
    assert_eq!(bump(&mut scene, txid, rate(9)), Err(DraftFault::InBlock { txid }));
}

#[test]
fn c08_history_shows_a_replacement_in_place_of_what_it_replaced_and_counts_it_once() {
    let (mut scene, first) = waiting(&[100_000]);
    let bumped = bump(&mut scene, first.compute_txid(), rate(20)).expect("drafts");
    let second = signed(&bumped);
    scene.ledger.note_outgoing(&second);
    let waits = |scene: &Scene| {
        let history = scene.ledger.history();
        let waits: Vec<_> = history.into_iter().filter(|entry| entry.height.is_none()).collect();
        waits
    };
    let entries = waits(&scene);
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(
        (entries[0].txid, &entries[0].replaces[..]),
        (second.compute_txid(), &[first.compute_txid()][..])
    );
    assert_eq!(scene.ledger.balance().total(), sats(70_000) - bumped.facts().fee);

    // The server hears of both, in whatever order.
    scene.sync_gone(&[&first]).expect("syncs");
    scene.sync_mempool(&[&second]).expect("syncs");
    scene.restart();
    assert_eq!(waits(&scene).len(), 1);
    assert_eq!(scene.ledger.unseen(), [], "the replaced one is not pushed any more");

    // A miner may still have taken the first.
    scene.mine(&[&first]);
    scene.sync(&[&first]).expect("syncs");
    assert_eq!(waits(&scene), []);
    assert_eq!(scene.ledger.history()[0].txid, first.compute_txid());
    assert_eq!(scene.ledger.unseen(), []);
}

#[test]
fn c09_what_the_node_refused_is_taken_back_and_never_pushed_again() {
    let mut scene = with_coins(&[100_000]);
    let refused = signed(&draft(&mut scene, &pay(&stranger(1), sats(30_000), 2)).expect("drafts"));
    scene.ledger.note_outgoing(&refused);
    assert_eq!(scene.ledger.balance().confirmed, Amount::ZERO);
    assert!(scene.ledger.history()[0].unsent);
    let replaceable = scene.ledger.replaceable(refused.compute_txid()).expect("waits");
    let back = take_back(&mut scene, refused.compute_txid(), replaceable.least).expect("drafts");
    assert_eq!(back.facts().payments, []);
    let asked = replaceable.fee.to_sat() + back.facts().vsize();
    assert!(
        back.facts().fee.to_sat() >= asked,
        "it is smaller than the first, and nodes ask for the whole fee of the first and more"
    );
    assert!(
        spends_all_of(&back, &refused),
        "else the refused one could still confirm"
    );
    let back = signed(&back);
    scene.ledger.note_outgoing(&back);
    scene.mine(&[&back]);
    scene.sync(&[&back]).expect("syncs");
    assert_eq!(scene.ledger.unseen(), []);
    assert_eq!(scene.ledger.balance().confirmed, back.output[0].value);
}

#[test]
fn coins_that_are_named_are_spent_all_of_them_and_no_others() {
    let mut scene = with_coins(&[10_000, 20_000, 40_000, 80_000]);
    let coins = scene.ledger.coins();
    assert_eq!(coins.iter().map(|coin| coin.value.to_sat()).sum::<u64>(), 150_000);
    let small: Vec<OutPoint> = coins[2..].iter().map(|coin| coin.outpoint).collect();
    let mut order = pay(&stranger(1), sats(5_000), 2);
    order.from.clone_from(&small);
    let spent = draft(&mut scene, &order).expect("drafts");
    let spent: BTreeSet<OutPoint> = spent.facts().outpoints().collect();
    assert_eq!(spent, small.iter().copied().collect());

    order.pay = Pay::All(stranger(1));
    let all = draft(&mut scene, &order).expect("drafts");
    assert_eq!(all.facts().own_value(), sats(30_000));

    order.pay = pay(&stranger(1), sats(50_000), 2).pay;
    match draft(&mut scene, &order).expect_err("must refuse") {
        DraftFault::NamedTooLittle { named, .. } => assert_eq!(named, sats(30_000)),
        other => panic!("{other}"),
    }
    let strange = OutPoint::new(Txid::from_raw_hash(bitcoin::hashes::Hash::all_zeros()), 3);
    order.from = vec![strange];
    assert_eq!(draft(&mut scene, &order), Err(DraftFault::NoSuchCoin { coin: strange }));
}

#[test]
fn a_frozen_coin_is_never_chosen_whatever_is_asked_for() {
    let mut scene = with_coins(&[10_000, 90_000]);
    let large = scene.ledger.coins()[0].outpoint;
    scene.ledger.set_frozen([large].into_iter());
    assert!(scene.ledger.coins()[0].frozen);
    let balance = scene.ledger.balance();
    assert_eq!(
        (balance.confirmed, balance.frozen, balance.spendable(), balance.total()),
        (sats(100_000), sats(90_000), sats(10_000), sats(100_000))
    );
    let fault = draft(&mut scene, &pay(&stranger(1), sats(50_000), 2)).expect_err("must refuse");
    assert!(fault.to_string().contains("frozen"), "{fault}");
    let mut order = pay(&stranger(1), sats(5_000), 2);
    order.from = vec![large];
    assert_eq!(draft(&mut scene, &order), Err(DraftFault::Frozen { coin: large }));
    order.from = Vec::new();
    order.pay = Pay::All(stranger(1));
    let all = draft(&mut scene, &order).expect("drafts");
    assert_eq!(all.facts().own_value(), sats(10_000));

    // A bump takes no frozen coin either.
    let sent = signed(&all);
    scene.ledger.note_outgoing(&sent);
    assert_eq!(
        bump(&mut scene, sent.compute_txid(), rate(30)),
        Err(DraftFault::NothingToPayWith)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_replacement_always_conflicts_with_the_first_and_pays_the_same(
        coins in prop::collection::vec(2_000u64..2_000_000, 1..8),
        value in 1_000u64..3_000_000,
        first in 1u32..20,
        second in 1u32..60,
    ) {
        let mut scene = with_coins(&coins);
        let Ok(sent) = draft(&mut scene, &pay(&stranger(1), sats(value), first)) else { return Ok(()) };
        let sent = signed(&sent);
        scene.ledger.note_outgoing(&sent);
        if let Ok(bumped) = bump(&mut scene, sent.compute_txid(), rate(second)) {
            prop_assert!(spends_all_of(&bumped, &sent));
            prop_assert_eq!(bumped.facts().payment_value(), sats(value));
            let old: u64 = sent.output.iter().map(|output| output.value.to_sat()).sum();
            let spent: u64 = scene.ledger.replaceable(sent.compute_txid()).expect("waits").fee.to_sat() + old;
            prop_assert!(bumped.facts().fee.to_sat() >= spent - old + bumped.facts().vsize());
        }
    }
}
