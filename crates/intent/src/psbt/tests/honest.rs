//! What honest PSBTs come to.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::key::Secp256k1;
use bitcoin::psbt::PsbtSighashType;
use bitcoin::secp256k1::{Message, schnorr};
use bitcoin::taproot::Signature;
use bitcoin::{
    Amount, OutPoint, PubkeyHash, Script, ScriptBuf, ScriptHash, Sequence, TapSighashType, Transaction, TxOut,
    WScriptHash, Witness, XOnlyPublicKey,
};
use rstest::rstest;

use super::scene::{HORIZON, NOW, Scene, TIP, data, stranger};
use crate::psbt::{Facts, WalletView};
use crate::{ChildKeys, Keychain};

/// The transaction with our inputs signed, as the wallet's whole key would.
fn signed(scene: &Scene, facts: &Facts) -> Transaction {
    let mut tx = scene.psbt.unsigned_tx.clone();
    for (input, bytes) in facts.inputs.iter().zip(scene.signatures(facts)) {
        let signature = schnorr::Signature::from_slice(&bytes).unwrap();
        let signature = Signature {
            signature,
            sighash_type: input.sighash_type,
        };
        tx.input[input.index].witness = Witness::p2tr_key_spend(&signature);
    }
    tx
}

#[test]
fn a_spend_with_change_charges_payment_and_fee() {
    let facts = Scene::honest().facts().unwrap();
    assert_eq!(facts.inputs.len(), 2);
    assert!(facts.foreign_inputs.is_empty());
    assert_eq!(facts.payment_value(), Amount::from_sat(60_000));
    assert_eq!(facts.change_value(), Amount::from_sat(89_000));
    assert_eq!(facts.fee, Amount::from_sat(1_000));
    assert_eq!(facts.charge(), Amount::from_sat(61_000));
    assert!(facts.replaceable);
    let change = &facts.change[0];
    assert_eq!(
        (change.index, change.keychain, change.child),
        (1, Keychain::Internal, 8)
    );
    let address = facts.payments[0].address.as_ref().unwrap().to_string();
    assert!(address.starts_with("bcrt1q"), "{address}");
}

#[test]
fn the_txid_and_the_outpoints_are_those_of_the_signed_transaction() {
    let scene = Scene::shared();
    let facts = scene.facts().unwrap();
    assert_eq!(facts.txid, signed(&scene, &facts).compute_txid());
    assert_eq!(
        facts.outpoints().collect::<Vec<_>>(),
        [scene.outpoint(0), scene.outpoint(1)]
    );
}

#[rstest]
#[case::default(None, TapSighashType::Default)]
#[case::named_default(Some(TapSighashType::Default), TapSighashType::Default)]
#[case::all(Some(TapSighashType::All), TapSighashType::All)]
fn each_digest_is_the_one_its_output_key_verifies(
    #[case] asked: Option<TapSighashType>,
    #[case] expected: TapSighashType,
) {
    let mut scene = Scene::shared();
    for map in &mut scene.psbt.inputs {
        map.sighash_type = asked.map(PsbtSighashType::from);
    }
    let facts = scene.facts().unwrap();
    let tx = signed(&scene, &facts);
    for input in &facts.inputs {
        assert_eq!(input.sighash_type, expected);
        let coin = scene.psbt.inputs[input.index].witness_utxo.as_ref().unwrap();
        let output_key = XOnlyPublicKey::from_slice(&coin.script_pubkey.as_bytes()[2..]).unwrap();
        let signature = Signature::from_slice(tx.input[input.index].witness.nth(0).unwrap()).unwrap();
        // The digest from the same rule over the finished transaction, not over the PSBT.
        let coins: Vec<TxOut> = scene
            .psbt
            .inputs
            .iter()
            .map(|map| map.witness_utxo.clone().unwrap())
            .collect();
        let digest = bitcoin::sighash::SighashCache::new(&tx)
            .taproot_key_spend_signature_hash(input.index, &bitcoin::sighash::Prevouts::All(&coins), expected)
            .unwrap();
        Secp256k1::new()
            .verify_schnorr(&signature.signature, &Message::from(digest), &output_key)
            .unwrap();
    }
    assert_ne!(facts.inputs[0].sighash, facts.inputs[1].sighash);
}

#[rstest]
#[case::default(TapSighashType::Default)]
#[case::all(TapSighashType::All)]
fn the_weight_of_our_own_inputs_is_exact(#[case] asked: TapSighashType) {
    let mut scene = Scene::honest();
    for map in &mut scene.psbt.inputs {
        map.sighash_type = Some(asked.into());
    }
    let facts = scene.facts().unwrap();
    let tx = signed(&scene, &facts);
    assert_eq!(facts.weight, tx.weight());
    assert_eq!(facts.vsize(), u64::try_from(tx.vsize()).unwrap());
    assert_eq!(facts.fee_rate().to_sat_per_kwu(), 1_000_000 / tx.weight().to_wu());
}

#[test]
fn foreign_inputs_are_named_and_left_alone() {
    let scene = Scene::shared();
    let facts = scene.facts().unwrap();
    let [foreign] = facts.foreign_inputs.as_slice() else {
        panic!("one foreign input")
    };
    assert_eq!((foreign.index, foreign.outpoint), (2, scene.outpoint(2)));
    assert_eq!(
        (foreign.value, &foreign.script),
        (Amount::from_sat(40_000), &stranger(9))
    );
    assert!(facts.inputs.iter().all(|own| own.index != 2));
    // The stranger's hundred sat are part of the fee and none of our share; charged is all that is not change.
    assert_eq!(facts.fee, Amount::from_sat(1_100));
    assert_eq!(facts.share(), Amount::from_sat(61_000));
    assert_eq!(facts.charge(), Amount::from_sat(60_000 + 39_900 + 1_100));
}

#[test]
fn what_others_give_us_is_no_loss() {
    let mut scene = Scene::empty();
    scene.spend_own(Keychain::External, 0, 10_000);
    scene.spend(TxOut {
        value: Amount::from_sat(40_000),
        script_pubkey: stranger(9),
    });
    scene.keep(Keychain::Internal, 0, 49_000);
    let facts = scene.facts().unwrap();
    assert_eq!(facts.share(), Amount::ZERO);
    assert_eq!(facts.charge(), facts.fee);
    assert_eq!(
        facts.own_value() + facts.foreign_value(),
        facts.change_value() + facts.fee
    );
}

#[test]
fn a_signature_over_a_foreign_input_is_not_made_though_it_asks_for_a_strange_sighash() {
    let mut scene = Scene::shared();
    scene.psbt.inputs[2].sighash_type = Some(PsbtSighashType::from(TapSighashType::None));
    assert_eq!(scene.facts().unwrap().inputs.len(), 2);
}

#[test]
fn an_output_to_our_own_receiving_address_is_change() {
    let mut scene = Scene::honest();
    scene.keep(Keychain::External, HORIZON, 10_000);
    scene.output(1).value -= Amount::from_sat(10_000);
    let facts = scene.facts().unwrap();
    assert_eq!(facts.change.len(), 2);
    assert_eq!(facts.charge(), Amount::from_sat(61_000));
}

#[rstest]
#[case::now(LockTime::from_consensus(TIP))]
#[case::a_day_ahead(LockTime::from_consensus(TIP + 144))]
#[case::by_time(LockTime::from_consensus(NOW + 86_400))]
fn a_lock_that_a_wallet_would_set_is_shown(#[case] lock: LockTime) {
    let mut scene = Scene::honest();
    scene.psbt.unsigned_tx.lock_time = lock;
    assert_eq!(scene.facts().unwrap().lock_time, lock);
}

#[test]
fn a_lock_that_no_input_enables_does_not_bind() {
    let mut scene = Scene::honest();
    scene.psbt.unsigned_tx.lock_time = LockTime::from_consensus(TIP + 100_000);
    for txin in &mut scene.psbt.unsigned_tx.input {
        txin.sequence = Sequence::MAX;
    }
    let facts = scene.facts().unwrap();
    assert_eq!(facts.lock_time, LockTime::ZERO);
    assert!(!facts.replaceable);
}

#[test]
fn the_previous_transaction_alone_proves_a_coin() {
    let mut scene = Scene::honest();
    let coin = scene.psbt.inputs[0].witness_utxo.take().unwrap();
    let mut previous = scene.psbt.unsigned_tx.clone();
    previous.output = vec![
        TxOut {
            value: Amount::from_sat(1),
            script_pubkey: stranger(3),
        },
        coin.clone(),
    ];
    scene.psbt.unsigned_tx.input[0].previous_output.txid = previous.compute_txid();
    scene.psbt.inputs[0].non_witness_utxo = Some(previous);
    assert_eq!(scene.facts().unwrap().inputs[0].value, coin.value);
}

#[test]
fn a_coin_that_two_places_name_alike_is_taken() {
    let mut scene = Scene::honest();
    let coin = scene.psbt.inputs[0].witness_utxo.clone().unwrap();
    let mut previous = scene.psbt.unsigned_tx.clone();
    previous.output = vec![coin.clone(), coin.clone()];
    scene.psbt.unsigned_tx.input[0].previous_output.txid = previous.compute_txid();
    scene.psbt.inputs[0].non_witness_utxo = Some(previous);
    assert_eq!(scene.facts().unwrap().inputs[0].value, coin.value);
}

/// A witness, or a script, of so many bytes for each item.
fn items(lengths: &[usize]) -> Witness {
    Witness::from_slice(&lengths.iter().map(|length| vec![1; *length]).collect::<Vec<_>>())
}

#[rstest]
#[case::taproot(ScriptBuf::from_bytes([&[0x51, 32], [2; 32].as_slice()].concat()), 0, &[64])]
#[case::key_hash(stranger(9), 0, &[71, 33])]
#[case::nested_key_hash(ScriptBuf::new_p2sh(&ScriptHash::from_byte_array([9; 20])), 23, &[71, 33])]
#[case::old_key_hash(ScriptBuf::new_p2pkh(&PubkeyHash::from_byte_array([9; 20])), 1 + 71 + 1 + 33, &[])]
#[case::any_script(ScriptBuf::new_p2wsh(&WScriptHash::from_byte_array([9; 32])), 0, &[])]
fn the_weight_of_a_foreign_input_is_the_least_that_its_script_needs(
    #[case] script_pubkey: ScriptBuf,
    #[case] script_sig: usize,
    #[case] witness: &[usize],
) {
    let mut scene = Scene::honest();
    let value = Amount::from_sat(40_000);
    let index = scene.spend(TxOut { value, script_pubkey });
    scene.pay(stranger(8), 39_900);
    let facts = scene.facts().unwrap();
    let mut tx = signed(&scene, &facts);
    tx.input[index].script_sig = ScriptBuf::from_bytes(vec![0; script_sig]);
    tx.input[index].witness = items(witness);
    assert_eq!(facts.weight, tx.weight());
}

/// Knows something else of everything than [`Scene`]'s view does.
struct Sage;

impl WalletView for Sage {
    fn coin(&self, _: OutPoint) -> Option<TxOut> {
        Some(TxOut::NULL)
    }

    fn change_horizon(&self, _: Keychain) -> u32 {
        7
    }

    fn script(&self, _: &Script) -> Option<(Keychain, u32)> {
        Some((Keychain::Internal, 9))
    }

    fn kept(&self, keychain: Keychain, index: u32) -> Option<ChildKeys> {
        Scene::empty().account.child_keys(keychain, index).ok()
    }

    fn tip_height(&self) -> Option<u32> {
        Some(11)
    }

    fn median_time(&self) -> Option<u32> {
        Some(13)
    }
}

#[test]
fn a_view_that_is_lent_knows_what_the_view_itself_knows() {
    fn ask<V: WalletView>(view: V) {
        assert_eq!(view.coin(OutPoint::null()), Some(TxOut::NULL));
        assert_eq!(view.change_horizon(Keychain::External), 7);
        assert_eq!(view.script(Script::new()), Some((Keychain::Internal, 9)));
        let kept = view.kept(Keychain::External, 3).map(|keys| keys.script);
        assert_eq!(kept, Scene::empty().account.script(Keychain::External, 3).ok());
        assert_eq!((view.tip_height(), view.median_time()), (Some(11), Some(13)));
    }
    ask::<&Sage>(&Sage);
}

#[test]
fn data_of_zero_value_is_a_payment_without_address() {
    let mut scene = Scene::honest();
    scene.pay(data(80), 0);
    let facts = scene.facts().unwrap();
    assert_eq!(facts.payments[1].address, None);
    assert_eq!(facts.charge(), Amount::from_sat(61_000));
}

#[test]
fn a_version_three_transaction_is_read() {
    let mut scene = Scene::honest();
    scene.psbt.unsigned_tx.version = bitcoin::transaction::Version(3);
    assert!(scene.facts().is_ok());
}
