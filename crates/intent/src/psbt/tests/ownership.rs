//! Whose is it? Paths lie; scripts do not.

use bitcoin::bip32::{ChildNumber, DerivationPath, Fingerprint};
use bitcoin::hashes::Hash as _;
use bitcoin::key::Secp256k1;
use bitcoin::{Amount, ScriptBuf, TapLeafHash, TapNodeHash, TxOut};
use rstest::rstest;

use super::scene::{HORIZON, Scene, stranger};
use crate::Keychain;

const LAST: u32 = (1 << 31) - 1;

#[rstest]
#[case::just_past_the_look_ahead(HORIZON + 1)]
#[case::at_the_last_index(LAST)]
fn c16_an_own_input_beyond_the_look_ahead_is_charged_as_ours(#[case] child: u32) {
    let mut scene = Scene::honest();
    let index = scene.spend_own(Keychain::External, child, 30_000);
    scene.view.coins.clear();
    scene.pay(stranger(2), 30_000);
    let facts = scene.facts().unwrap();
    assert_eq!(facts.inputs[index].child, child);
    assert!(facts.foreign_inputs.is_empty());
    assert_eq!(facts.charge(), Amount::from_sat(91_000));
}

#[test]
fn c16_an_own_input_hidden_past_the_look_ahead_does_not_lower_the_charge() {
    let mut scene = Scene::empty();
    scene.spend_own(Keychain::External, 1_000, 100_000);
    scene.spend_own(Keychain::External, 2_000, 100_000);
    scene.pay(stranger(1), 199_000);
    scene.view.coins.clear();
    let whole = scene.facts().unwrap();
    for hidden in 0..2 {
        let shown = std::mem::take(&mut scene.psbt.inputs[hidden].tap_key_origins);
        let part = scene.facts().unwrap();
        assert_eq!((part.txid, part.inputs.len()), (whole.txid, 1));
        assert_eq!(part.charge(), whole.charge());
        scene.psbt.inputs[hidden].tap_key_origins = shown;
    }
    assert_eq!(whole.charge(), Amount::from_sat(200_000));
}

#[rstest]
#[case::just_past_the_horizon(HORIZON + 1)]
#[case::at_the_last_index(LAST)]
fn c16_change_past_the_horizon_is_a_payment(#[case] child: u32) {
    let mut scene = Scene::empty();
    scene.spend_own(Keychain::External, 3, 100_000);
    scene.pay(stranger(1), 60_000);
    scene.keep(Keychain::Internal, child, 39_000);
    let facts = scene.facts().unwrap();
    assert!(facts.change.is_empty());
    assert!(facts.payments[1].to_self);
    assert!(!facts.payments[0].to_self);
    assert_eq!(facts.charge(), Amount::from_sat(100_000));
}

#[test]
fn change_at_the_horizon_itself_is_change() {
    let mut scene = Scene::empty();
    scene.spend_own(Keychain::External, 3, 100_000);
    scene.pay(stranger(1), 60_000);
    scene.keep(Keychain::Internal, HORIZON, 39_000);
    assert_eq!(scene.facts().unwrap().charge(), Amount::from_sat(61_000));
}

#[test]
fn without_a_path_the_index_of_scripts_finds_what_is_ours() {
    let mut scene = Scene::honest();
    for map in &mut scene.psbt.inputs {
        *map = bitcoin::psbt::Input {
            witness_utxo: map.witness_utxo.take(),
            ..Default::default()
        };
    }
    scene.psbt.outputs[1] = bitcoin::psbt::Output::default();
    assert_eq!(scene.reason(), "NO_OWN_INPUT");
    for (keychain, child) in [
        (Keychain::External, 3),
        (Keychain::Internal, 7),
        (Keychain::Internal, 8),
    ] {
        scene
            .view
            .scripts
            .insert(scene.account.script(keychain, child).unwrap(), (keychain, child));
    }
    assert_eq!(scene.facts().unwrap(), Scene::honest().facts().unwrap());
}

#[test]
fn an_index_that_is_wrong_makes_nothing_ours() {
    let mut scene = Scene::honest();
    let thief = ScriptBuf::new_p2tr_tweaked(bitcoin::key::TweakedPublicKey::dangerous_assume_tweaked(
        scene.account.internal_key(Keychain::External, 99).unwrap(),
    ));
    scene.view.scripts.insert(thief.clone(), (Keychain::Internal, 8));
    scene.output(0).script_pubkey = thief;
    let facts = scene.facts().unwrap();
    assert_eq!(facts.charge(), Amount::from_sat(61_000));
    assert!(!facts.payments[0].to_self);
}

#[test]
fn a_path_under_another_fingerprint_makes_nothing_ours() {
    let mut scene = Scene::honest();
    let origins = &mut scene.psbt.outputs[1].tap_key_origins;
    for (_, (fingerprint, _)) in origins.values_mut() {
        *fingerprint = Fingerprint::from([9; 4]);
    }
    // Not known to be ours, so charged: the careful mistake.
    assert_eq!(scene.facts().unwrap().charge(), Amount::from_sat(150_000));
}

#[rstest]
#[case::a_key_hash(stranger(5))]
#[case::a_key_of_ours_without_its_tweak(untweaked())]
#[case::a_neighbour_of_ours(Scene::empty().account.script(Keychain::External, 8).unwrap())]
fn p26_change_swapped_for_another_script_is_refused(#[case] script: ScriptBuf) {
    let mut scene = Scene::honest();
    scene.output(1).script_pubkey = script;
    assert_eq!(scene.reason(), "FALSE_CHANGE");
}

fn untweaked() -> ScriptBuf {
    let key = Scene::empty().account.internal_key(Keychain::Internal, 8).unwrap();
    ScriptBuf::new_p2tr_tweaked(bitcoin::key::TweakedPublicKey::dangerous_assume_tweaked(key))
}

#[rstest]
#[case::hardened(vec![ChildNumber::Normal { index: 1 }, ChildNumber::Hardened { index: 8 }])]
#[case::no_such_keychain(vec![ChildNumber::Normal { index: 2 }, ChildNumber::Normal { index: 8 }])]
#[case::too_short(vec![ChildNumber::Normal { index: 8 }])]
#[case::too_long(vec![ChildNumber::Normal { index: 86 }, ChildNumber::Normal { index: 1 }, ChildNumber::Normal { index: 8 }])]
#[case::none(Vec::new())]
fn p26_change_under_a_path_that_cannot_be_ours_is_refused(#[case] path: Vec<ChildNumber>) {
    let mut scene = Scene::honest();
    for (_, (_, claimed)) in scene.psbt.outputs[1].tap_key_origins.values_mut() {
        *claimed = DerivationPath::from(path.clone());
    }
    assert_eq!(scene.reason(), "FALSE_CHANGE");
}

#[test]
fn p26_change_claimed_by_an_old_style_path_is_refused() {
    let mut scene = Scene::honest();
    let key = scene.account.child_key(Keychain::Internal, 9).unwrap();
    let source = scene.account.origin(Keychain::Internal, 9).unwrap();
    scene.psbt.outputs[0].bip32_derivation.insert(key, source);
    assert_eq!(scene.reason(), "FALSE_CHANGE");
}

#[rstest]
#[case::one_before_the_true_one(1, "accepted")]
#[case::two_before_the_true_one(2, "FALSE_CHANGE")]
#[case::a_hundred_before_the_true_one(100, "FALSE_CHANGE")]
fn paths_are_not_followed_for_ever(#[case] decoys: usize, #[case] reason: &str) {
    let mut scene = Scene::honest();
    let truth = scene.account.internal_key(Keychain::Internal, 8).unwrap();
    // Maps are kept in the order of their keys.
    let before = (100..).map(|child| (child, scene.account.internal_key(Keychain::External, child).unwrap()));
    for (child, key) in before.filter(|(_, key)| *key < truth).take(decoys) {
        let source = scene.account.origin(Keychain::External, child).unwrap();
        scene.psbt.outputs[1].tap_key_origins.insert(key, (Vec::new(), source));
    }
    assert_eq!(scene.reason(), reason);
}

#[test]
fn our_key_in_somebodys_script_tree_is_no_claim_to_change() {
    let mut scene = Scene::honest();
    let key = scene.account.internal_key(Keychain::External, 4).unwrap();
    let source = scene.account.origin(Keychain::External, 4).unwrap();
    scene.psbt.outputs[0]
        .tap_key_origins
        .insert(key, (vec![TapLeafHash::all_zeros()], source));
    assert_eq!(scene.facts().unwrap().charge(), Amount::from_sat(61_000));
}

#[test]
fn p42_a_merkle_root_on_an_own_input_is_refused() {
    let mut scene = Scene::honest();
    scene.psbt.inputs[0].tap_merkle_root = Some(TapNodeHash::all_zeros());
    assert_eq!(scene.reason(), "FOREIGN_MERKLE_ROOT");
}

#[test]
fn p42_another_internal_key_on_an_own_input_is_refused() {
    let mut scene = Scene::honest();
    scene.psbt.inputs[1].tap_internal_key = Some(scene.account.internal_key(Keychain::Internal, 8).unwrap());
    assert_eq!(scene.reason(), "FOREIGN_INTERNAL_KEY");
}

#[test]
fn p42_our_key_under_a_script_tree_is_refused() {
    let mut scene = Scene::honest();
    let key = scene.account.internal_key(Keychain::External, 3).unwrap();
    let root = TapNodeHash::from_byte_array([5; 32]);
    let script_pubkey = ScriptBuf::new_p2tr(&Secp256k1::new(), key, Some(root));
    scene.view.coins.clear();
    scene.psbt.inputs[0].witness_utxo = Some(TxOut {
        value: Amount::from_sat(100_000),
        script_pubkey,
    });
    scene.psbt.inputs[0].tap_merkle_root = Some(root);
    assert_eq!(scene.reason(), "FALSE_PATH");
}

#[test]
fn p42_a_foreign_input_keeps_its_own_tree() {
    let mut scene = Scene::shared();
    let key = scene.account.internal_key(Keychain::External, 500).unwrap();
    let script_pubkey = ScriptBuf::new_p2tr(&Secp256k1::new(), key, Some(TapNodeHash::all_zeros()));
    scene.psbt.inputs[2].witness_utxo = Some(TxOut {
        value: Amount::from_sat(40_000),
        script_pubkey,
    });
    scene.psbt.inputs[2].tap_merkle_root = Some(TapNodeHash::all_zeros());
    scene.psbt.inputs[2].tap_internal_key = Some(key);
    assert_eq!(scene.facts().unwrap().foreign_inputs[0].index, 2);
}
