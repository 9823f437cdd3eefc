//! From signatures to a transaction.

use bitcoin::{Psbt, TapSighashType, TxOut, Witness};
use rstest::rstest;

use super::{Unfinished, attach, finalize, is_key_spend};
use crate::psbt::tests::scene::{Scene, stranger};

#[rstest]
#[case::default(TapSighashType::Default, 64)]
#[case::all(TapSighashType::All, 65)]
fn signatures_become_a_transaction_with_the_txid_of_the_facts(#[case] kind: TapSighashType, #[case] length: usize) {
    let mut scene = Scene::honest();
    for map in &mut scene.psbt.inputs {
        map.sighash_type = Some(kind.into());
    }
    let facts = scene.facts().unwrap();
    let signatures = scene.signatures(&facts);
    attach(&mut scene.psbt, &facts, &signatures).unwrap();
    // Through a file, as another program would hand it back.
    let tx = finalize(&Psbt::deserialize(&scene.psbt.serialize()).unwrap()).unwrap();
    assert_eq!(tx.compute_txid(), facts.txid);
    assert_eq!(tx.weight(), facts.weight);
    assert!(
        tx.input
            .iter()
            .all(|txin| txin.witness.len() == 1 && txin.witness.nth(0).unwrap().len() == length)
    );
    assert_eq!(scene.reason(), "ALREADY_SIGNED");
}

#[test]
fn a_bad_signature_leaves_the_psbt_as_it_was() {
    let mut scene = Scene::honest();
    let facts = scene.facts().unwrap();
    let before = scene.psbt.clone();
    let good = scene.signatures(&facts);
    let mut flipped = good.clone();
    flipped[1][40] ^= 1;
    assert_eq!(
        attach(&mut scene.psbt, &facts, &flipped),
        Err(Unfinished::BadSignature { input: 1 })
    );
    let swapped = [good[1], good[0]];
    assert_eq!(
        attach(&mut scene.psbt, &facts, &swapped),
        Err(Unfinished::BadSignature { input: 0 })
    );
    let short = Err(Unfinished::Count { expected: 2, got: 1 });
    assert_eq!(attach(&mut scene.psbt, &facts, &good[..1]), short);
    assert_eq!(scene.psbt, before);
}

#[test]
fn facts_of_another_transaction_are_not_used() {
    let mut scene = Scene::honest();
    let facts = scene.facts().unwrap();
    let signatures = scene.signatures(&facts);
    scene.output(0).value -= bitcoin::Amount::from_sat(1);
    assert_eq!(
        attach(&mut scene.psbt, &facts, &signatures),
        Err(Unfinished::OtherTransaction)
    );
}

#[test]
fn inputs_of_others_are_waited_for_by_position() {
    let mut scene = Scene::shared();
    let facts = scene.facts().unwrap();
    assert_eq!(
        finalize(&scene.psbt),
        Err(Unfinished::Missing { inputs: vec![0, 1, 2] })
    );
    let signatures = scene.signatures(&facts);
    attach(&mut scene.psbt, &facts, &signatures).unwrap();
    assert_eq!(finalize(&scene.psbt), Err(Unfinished::Missing { inputs: vec![2] }));
    let theirs = Witness::from_slice(&[vec![1; 71], vec![2; 33]]);
    scene.psbt.inputs[2].final_script_witness = Some(theirs.clone());
    let tx = finalize(&scene.psbt).unwrap();
    assert_eq!(tx.input[2].witness, theirs);
    assert_eq!(tx.weight(), facts.weight);
}

#[test]
fn a_signature_that_a_file_brings_is_verified_again() {
    let mut scene = Scene::honest();
    let facts = scene.facts().unwrap();
    let signatures = scene.signatures(&facts);
    attach(&mut scene.psbt, &facts, &signatures).unwrap();
    let whole = scene.psbt.clone();
    scene.psbt.inputs[0].tap_key_sig = whole.inputs[1].tap_key_sig;
    assert_eq!(finalize(&scene.psbt), Err(Unfinished::BadSignature { input: 0 }));
    scene.psbt = whole.clone();
    scene.psbt.inputs[1].witness_utxo.as_mut().unwrap().value += bitcoin::Amount::from_sat(1);
    assert_eq!(finalize(&scene.psbt), Err(Unfinished::BadSignature { input: 0 }));
    scene.psbt = whole.clone();
    scene.psbt.inputs[1].witness_utxo = Some(TxOut {
        value: facts.inputs[1].value,
        script_pubkey: stranger(1),
    });
    assert!(matches!(finalize(&scene.psbt), Err(Unfinished::BadSignature { .. })));
    scene.psbt = whole;
    scene.psbt.inputs[1].witness_utxo = None;
    assert_eq!(finalize(&scene.psbt), Err(Unfinished::Unnamed { input: 1 }));
}

#[test]
fn every_reason_has_its_stable_name() {
    let named = [
        (Unfinished::OtherTransaction, "OTHER_TRANSACTION"),
        (Unfinished::Count { expected: 2, got: 1 }, "SIGNATURE_COUNT"),
        (Unfinished::BadSignature { input: 0 }, "BAD_SIGNATURE"),
        (Unfinished::Missing { inputs: vec![0] }, "SIGNATURE_MISSING"),
        (Unfinished::Unnamed { input: 0 }, "AMOUNT_MISSING"),
    ];
    for (unfinished, name) in named {
        assert_eq!(unfinished.reason(), name);
    }
}

#[test]
fn a_key_spend_is_told_from_a_witness_that_signs_nothing_or_something_else() {
    let mut scene = Scene::honest();
    let facts = scene.facts().unwrap();
    let coins: Vec<TxOut> = scene
        .psbt
        .inputs
        .iter()
        .map(|map| map.witness_utxo.clone().unwrap())
        .collect();
    let signatures = scene.signatures(&facts);
    attach(&mut scene.psbt, &facts, &signatures).unwrap();
    let tx = finalize(&scene.psbt).unwrap();
    assert!((0..tx.input.len()).all(|input| is_key_spend(&tx, input, &coins)));
    assert!(!is_key_spend(&tx, tx.input.len(), &coins));

    let altered = |change: &dyn Fn(&mut bitcoin::Transaction, &mut Vec<TxOut>)| {
        let (mut tx, mut coins) = (tx.clone(), coins.clone());
        change(&mut tx, &mut coins);
        is_key_spend(&tx, 0, &coins)
    };
    let none = Witness::new();
    let junk = Witness::from_slice(&[[1; 64]]);
    let good = tx.input[0].witness.nth(0).unwrap().to_vec();
    let single = [&good[..64], &[TapSighashType::Single as u8]].concat();
    let annex = [good.clone(), vec![0x50]];
    assert!(!altered(&|tx, _| tx.input[0].witness = none.clone()));
    assert!(!altered(&|tx, _| tx.input[0].witness = junk.clone()));
    assert!(!altered(&|tx, _| tx.input[0].witness = Witness::from_slice(&[&single])));
    assert!(!altered(&|tx, _| tx.input[0].witness = Witness::from_slice(&annex)));
    assert!(
        !altered(&|tx, _| tx.output[0].script_pubkey = stranger(66)),
        "another payment"
    );
    assert!(
        !altered(&|_, coins| coins[1].value += bitcoin::Amount::from_sat(1)),
        "another coin"
    );
    assert!(
        !altered(&|_, coins| coins[0].script_pubkey = stranger(66)),
        "another's coin"
    );
    assert!(!altered(&|_, coins| coins.truncate(1)), "coins unknown");
}
