//! One spoiled thing at a time, in a transaction that is otherwise accepted.

use bitcoin::absolute::LockTime;
use bitcoin::bip32::{DerivationPath, Fingerprint, Xpriv, Xpub};
use bitcoin::hashes::Hash as _;
use bitcoin::key::Secp256k1;
use bitcoin::opcodes::all::OP_PUSHNUM_2;
use bitcoin::psbt::PsbtSighashType;
use bitcoin::script::Builder;
use bitcoin::taproot::{LeafVersion, Signature, TaprootBuilder};
use bitcoin::transaction::Version;
use bitcoin::{Amount, FeeRate, Network, OutPoint, ScriptBuf, Sequence, TxOut, Weight, Witness};
use rstest::rstest;

use super::scene::{NOW, Scene, TIP, data, stranger};
use crate::psbt::{Limits, MAX_BYTES, Refused, from_base64, from_bytes, read, to_base64};
use crate::{AccountError, Keychain};

fn sats(value: u64) -> Amount {
    Amount::from_sat(value)
}

fn a_signature() -> Signature {
    Signature::from_slice(&[1; 64]).unwrap()
}

/// Gives an input a previous transaction that truly holds its coin.
fn with_previous(scene: &mut Scene) {
    let coin = scene.psbt.inputs[0].witness_utxo.clone().unwrap();
    let mut previous = scene.psbt.unsigned_tx.clone();
    previous.output = vec![
        TxOut {
            value: sats(1),
            script_pubkey: stranger(3),
        },
        coin,
    ];
    scene.psbt.unsigned_tx.input[0].previous_output.txid = previous.compute_txid();
    scene.psbt.inputs[0].non_witness_utxo = Some(previous);
}

#[rstest]
#[case::no_inputs(|s: &mut Scene| { s.psbt.unsigned_tx.input.clear(); s.psbt.inputs.clear(); }, "EMPTY_TRANSACTION")]
#[case::no_outputs(|s: &mut Scene| { s.psbt.unsigned_tx.output.clear(); s.psbt.outputs.clear(); }, "EMPTY_TRANSACTION")]
#[case::a_map_too_few(|s: &mut Scene| { s.psbt.inputs.pop(); }, "PSBT_MALFORMED")]
#[case::a_map_too_many(|s: &mut Scene| s.psbt.outputs.push(<_>::default()), "PSBT_MALFORMED")]
#[case::psbt_version_two(|s: &mut Scene| s.psbt.version = 2, "PSBT_MALFORMED")]
#[case::version_zero(|s: &mut Scene| s.psbt.unsigned_tx.version = Version(0), "TRANSACTION_VERSION")]
#[case::version_four(|s: &mut Scene| s.psbt.unsigned_tx.version = Version(4), "TRANSACTION_VERSION")]
#[case::version_negative(|s: &mut Scene| s.psbt.unsigned_tx.version = Version(-1), "TRANSACTION_VERSION")]
#[case::null_outpoint(|s: &mut Scene| s.psbt.unsigned_tx.input[1].previous_output = OutPoint::null(), "COINBASE_INPUT")]
#[case::one_coin_twice(|s: &mut Scene| {
    s.psbt.unsigned_tx.input[1] = s.psbt.unsigned_tx.input[0].clone();
    s.psbt.inputs[1] = s.psbt.inputs[0].clone();
}, "DUPLICATE_INPUT")]
#[case::script_sig(|s: &mut Scene| s.psbt.unsigned_tx.input[0].script_sig = stranger(1), "NOT_UNSIGNED")]
#[case::witness(|s: &mut Scene| s.psbt.unsigned_tx.input[1].witness = Witness::from_slice(&[[1; 64]]), "NOT_UNSIGNED")]
#[case::xpub_of_mainnet(|s: &mut Scene| {
    let secret = Xpriv::new_master(Network::Bitcoin, &[1; 32]).unwrap();
    let source = (Fingerprint::default(), DerivationPath::master());
    s.psbt.xpub.insert(Xpub::from_priv(&Secp256k1::new(), &secret), source);
}, "NETWORK_MISMATCH")]
#[case::locked_blocks_ahead(|s: &mut Scene| s.psbt.unsigned_tx.lock_time = LockTime::from_consensus(TIP + 145), "LOCK_TIME_TOO_FAR")]
#[case::locked_days_ahead(|s: &mut Scene| s.psbt.unsigned_tx.lock_time = LockTime::from_consensus(NOW + 86_401), "LOCK_TIME_TOO_FAR")]
#[case::locked_for_ever(|s: &mut Scene| s.psbt.unsigned_tx.lock_time = LockTime::from_consensus(u32::MAX), "LOCK_TIME_TOO_FAR")]
#[case::waits_a_block(|s: &mut Scene| s.psbt.unsigned_tx.input[0].sequence = Sequence::from_height(1), "RELATIVE_LOCK")]
#[case::waits_a_while(|s: &mut Scene| s.psbt.unsigned_tx.input[1].sequence = Sequence::from_512_second_intervals(1), "RELATIVE_LOCK")]
fn p26_a_misshapen_transaction_is_refused(#[case] spoil: fn(&mut Scene), #[case] reason: &str) {
    refuses(Scene::honest(), spoil, reason);
}

#[rstest]
#[case::unnamed(|s: &mut Scene| s.psbt.inputs[0].witness_utxo = None, "AMOUNT_MISSING")]
#[case::unnamed_foreign(|s: &mut Scene| s.psbt.inputs[2].witness_utxo = None, "AMOUNT_MISSING")]
#[case::more_than_the_chain_says(|s: &mut Scene| s.psbt.inputs[0].witness_utxo.as_mut().unwrap().value = sats(100_001), "CHAIN_DISAGREES")]
#[case::less_than_the_chain_says(|s: &mut Scene| s.psbt.inputs[0].witness_utxo.as_mut().unwrap().value = sats(99_999), "CHAIN_DISAGREES")]
#[case::a_script_the_chain_denies(|s: &mut Scene| s.psbt.inputs[0].witness_utxo.as_mut().unwrap().script_pubkey = stranger(1), "CHAIN_DISAGREES")]
#[case::previous_says_otherwise(|s: &mut Scene| {
    with_previous(s);
    s.psbt.inputs[0].witness_utxo.as_mut().unwrap().value = sats(100_001);
}, "AMOUNT_MISMATCH")]
#[case::previous_is_another(|s: &mut Scene| {
    with_previous(s);
    s.psbt.inputs[0].non_witness_utxo.as_mut().unwrap().lock_time = LockTime::from_consensus(1);
}, "PREVIOUS_TRANSACTION")]
#[case::previous_is_too_short(|s: &mut Scene| {
    with_previous(s);
    s.psbt.unsigned_tx.input[0].previous_output.vout = 2;
}, "PREVIOUS_TRANSACTION")]
#[case::sum_overflows(|s: &mut Scene| s.psbt.inputs[2].witness_utxo.as_mut().unwrap().value = Amount::MAX, "AMOUNT_OUT_OF_RANGE")]
#[case::input_of_more_than_there_is(|s: &mut Scene| {
    s.psbt.inputs[2].witness_utxo.as_mut().unwrap().value = Amount::MAX_MONEY + sats(1);
}, "AMOUNT_OUT_OF_RANGE")]
#[case::inputs_that_add_up_to_more_than_there_is(|s: &mut Scene| {
    s.psbt.inputs[2].witness_utxo.as_mut().unwrap().value = Amount::MAX_MONEY;
}, "AMOUNT_OUT_OF_RANGE")]
#[case::outputs_overflow(|s: &mut Scene| s.output(0).value = Amount::MAX, "AMOUNT_OUT_OF_RANGE")]
#[case::outputs_exceed_inputs(|s: &mut Scene| s.output(0).value = sats(61_101), "OUTPUTS_EXCEED_INPUTS")]
fn p26_false_amounts_are_refused(#[case] spoil: fn(&mut Scene), #[case] reason: &str) {
    refuses(Scene::shared(), spoil, reason);
}

#[rstest]
#[case::none(2)]
#[case::single(3)]
#[case::default_anyone(0x80)]
#[case::all_anyone(0x81)]
#[case::none_anyone(0x82)]
#[case::single_anyone(0x83)]
#[case::nonsense(4)]
#[case::huge(u32::MAX)]
#[case::all_with_high_bits(0x101)]
fn p26_a_sighash_that_leaves_something_open_is_refused(#[case] asked: u32) {
    let mut scene = Scene::honest();
    scene.psbt.inputs[1].sighash_type = Some(PsbtSighashType::from_u32(asked));
    assert_eq!(scene.facts(), Err(Refused::SighashType { input: 1, asked }));
}

#[rstest]
#[case::script_tree(|s: &mut Scene| {
    let key = s.account.internal_key(Keychain::External, 3).unwrap();
    s.psbt.inputs[0].tap_key_origins.get_mut(&key).unwrap().0.push(bitcoin::TapLeafHash::all_zeros());
    s.view.scripts.insert(s.account.script(Keychain::External, 3).unwrap(), (Keychain::External, 3));
}, "SCRIPT_PATH")]
#[case::redeem_script(|s: &mut Scene| s.psbt.inputs[0].redeem_script = Some(stranger(1)), "SCRIPT_PATH")]
#[case::witness_script(|s: &mut Scene| s.psbt.inputs[0].witness_script = Some(stranger(1)), "SCRIPT_PATH")]
#[case::script_signature(|s: &mut Scene| {
    let key = s.account.internal_key(Keychain::External, 3).unwrap();
    s.psbt.inputs[0].tap_script_sigs.insert((key, bitcoin::TapLeafHash::all_zeros()), a_signature());
}, "SCRIPT_PATH")]
#[case::a_leaf(|s: &mut Scene| {
    let key = s.account.internal_key(Keychain::External, 3).unwrap();
    let tree = TaprootBuilder::new().add_leaf(0, stranger(1)).unwrap().finalize(&Secp256k1::new(), key).unwrap();
    let leaf = (stranger(1), LeafVersion::TapScript);
    s.psbt.inputs[0].tap_scripts.insert(tree.control_block(&leaf).unwrap(), leaf);
}, "SCRIPT_PATH")]
#[case::old_style_signature(|s: &mut Scene| {
    let key = s.account.child_key(Keychain::External, 3).unwrap();
    let signature = bitcoin::secp256k1::ecdsa::Signature::from_compact(&[1; 64]).unwrap();
    s.psbt.inputs[0].partial_sigs.insert(key.into(), bitcoin::ecdsa::Signature::sighash_all(signature));
}, "ALREADY_SIGNED")]
#[case::key_signature(|s: &mut Scene| s.psbt.inputs[0].tap_key_sig = Some(a_signature()), "ALREADY_SIGNED")]
#[case::final_witness(|s: &mut Scene| s.psbt.inputs[0].final_script_witness = Some(Witness::from_slice(&[[1; 64]])), "ALREADY_SIGNED")]
#[case::final_script(|s: &mut Scene| s.psbt.inputs[0].final_script_sig = Some(ScriptBuf::new()), "ALREADY_SIGNED")]
#[case::nothing_ours(|s: &mut Scene| for map in &mut s.psbt.inputs { map.tap_key_origins.clear(); }, "NO_OWN_INPUT")]
fn an_input_that_is_not_simply_ours_to_sign_is_refused(#[case] spoil: fn(&mut Scene), #[case] reason: &str) {
    refuses(Scene::honest(), spoil, reason);
}

#[rstest]
#[case::key_hash_dust(|s: &mut Scene| s.output(0).value = sats(293), "DUST_OUTPUT")]
#[case::change_dust(|s: &mut Scene| s.output(1).value = sats(329), "DUST_OUTPUT")]
#[case::zero(|s: &mut Scene| s.output(0).value = sats(0), "DUST_OUTPUT")]
#[case::money_in_data(|s: &mut Scene| { s.pay(data(4), 1); }, "BURNED_VALUE")]
#[case::long_data(|s: &mut Scene| { s.pay(data(81), 0); }, "DATA_TOO_LONG")]
#[case::data_twice(|s: &mut Scene| {
    s.pay(data(4), 0);
    s.pay(data(4), 0);
}, "MANY_DATA_OUTPUTS")]
#[case::empty_script(|s: &mut Scene| s.output(0).script_pubkey = ScriptBuf::new(), "NONSTANDARD_OUTPUT")]
#[case::a_later_segwit(|s: &mut Scene| {
    s.output(0).script_pubkey = Builder::new().push_opcode(OP_PUSHNUM_2).push_slice([1; 32]).into_script();
}, "NONSTANDARD_OUTPUT")]
#[case::a_key_off_the_curve(|s: &mut Scene| {
    // No point of secp256k1 has this x coordinate (BIP-340's test vector 5).
    let x: Vec<u8> = bitcoin::hex::FromHex::from_hex("eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34").unwrap();
    s.output(0).script_pubkey = ScriptBuf::from_bytes([vec![0x51, 0x20], x].concat());
}, "UNSPENDABLE_OUTPUT")]
fn p26_an_output_that_helps_nobody_is_refused(#[case] spoil: fn(&mut Scene), #[case] reason: &str) {
    refuses(Scene::honest(), spoil, reason);
}

#[rstest]
#[case::just_above_dust(|s: &mut Scene| s.output(0).value = sats(294))]
#[case::change_just_above_dust(|s: &mut Scene| { s.output(1).value = sats(330); s.output(0).value = sats(140_000); })]
#[case::an_anchor(|s: &mut Scene| { s.pay(ScriptBuf::new_p2a(), 240); })]
fn an_output_at_the_limit_is_accepted(#[case] change: fn(&mut Scene)) {
    let mut scene = Scene::honest();
    change(&mut scene);
    scene
        .facts_within(&Limits {
            max_fee_percent: u64::MAX,
            max_fee_rate: FeeRate::MAX,
            ..Limits::default()
        })
        .unwrap();
}

#[rstest]
#[case::inputs(Limits { max_inputs: 1, ..Limits::default() }, Limits { max_inputs: 2, ..Limits::default() }, "TOO_MANY_INPUTS")]
#[case::outputs(Limits { max_outputs: 1, ..Limits::default() }, Limits { max_outputs: 2, ..Limits::default() }, "TOO_MANY_OUTPUTS")]
#[case::weight(
    Limits { max_weight: Weight::from_wu(797), ..Limits::default() },
    Limits { max_weight: Weight::from_wu(798), ..Limits::default() },
    "TRANSACTION_TOO_HEAVY",
)]
#[case::fee(Limits { max_fee: sats(999), ..Limits::default() }, Limits { max_fee: sats(1_000), ..Limits::default() }, "FEE_TOO_HIGH")]
#[case::fee_rate(
    Limits { max_fee_rate: FeeRate::from_sat_per_vb_u32(5), ..Limits::default() },
    Limits { max_fee_rate: FeeRate::from_sat_per_vb_u32(6), ..Limits::default() },
    "FEE_RATE_TOO_HIGH",
)]
#[case::fee_share(
    Limits { max_fee_percent: 1, free_fee: sats(999), ..Limits::default() },
    Limits { max_fee_percent: 1, free_fee: sats(1_000), ..Limits::default() },
    "FEE_SHARE_TOO_HIGH",
)]
fn each_limit_holds_at_one_past_it(#[case] tight: Limits, #[case] just: Limits, #[case] reason: &str) {
    let scene = Scene::honest();
    scene.facts_within(&just).unwrap();
    assert_eq!(scene.facts_within(&tight).unwrap_err().reason(), reason);
}

#[test]
fn the_default_limits_hold_at_one_past_them() {
    let mut scene = Scene::empty();
    scene.spend_own(Keychain::External, 0, 1_000_000_000);
    scene.pay(stranger(1), 995_000_000);
    // 5,000,000 sat is far above 1,000 sat/vB for one input; only the sum is looked at here.
    let sum_alone = Limits {
        max_fee_rate: FeeRate::MAX,
        ..Limits::default()
    };
    scene.facts_within(&sum_alone).unwrap();
    scene.output(0).value -= sats(1);
    assert_eq!(scene.facts_within(&sum_alone).unwrap_err().reason(), "FEE_TOO_HIGH");

    // 396 weight units: 99,000 sat are 1,000 sat/vB.
    scene.output(0).value = sats(1_000_000_000 - 99_000);
    assert_eq!(scene.facts().unwrap().weight.to_wu(), 396);
    scene.output(0).value -= sats(1);
    assert_eq!(scene.reason(), "FEE_RATE_TOO_HIGH");

    scene.output(0).value = sats(990_000_000);
    for _ in 1..500 {
        scene.pay(stranger(2), 20_000);
    }
    assert_eq!(scene.reason(), "accepted");
    scene.pay(stranger(2), 1_000);
    assert_eq!(scene.reason(), "TOO_MANY_OUTPUTS");
    assert_eq!(Limits::default().max_weight.to_wu(), 400_000);
}

#[test]
fn where_all_stays_here_the_fee_is_measured_against_what_is_moved() {
    let mut scene = Scene::empty();
    scene.spend_own(Keychain::External, 0, 100_000);
    scene.keep(Keychain::Internal, 0, 70_000);
    assert_eq!(scene.facts().unwrap().fee, sats(30_000));
    scene.output(0).value = sats(66_666);
    assert_eq!(scene.reason(), "FEE_SHARE_TOO_HIGH");
}

#[rstest]
#[case::no_blocks_to_wait(2, Sequence::from_height(0))]
#[case::no_time_to_wait(2, Sequence::from_512_second_intervals(0))]
#[case::a_version_without_relative_locks(1, Sequence::from_height(10))]
fn a_sequence_that_makes_nobody_wait_is_accepted(#[case] version: i32, #[case] sequence: Sequence) {
    let mut scene = Scene::honest();
    scene.psbt.unsigned_tx.version = Version(version);
    scene.psbt.unsigned_tx.input[0].sequence = sequence;
    assert_eq!(scene.reason(), "accepted");
}

#[test]
fn f18_a_hundred_inputs_are_accepted_and_one_more_is_not() {
    let mut scene = Scene::empty();
    for child in 0..100 {
        scene.spend_own(Keychain::External, child, 1_000);
    }
    scene.pay(stranger(1), 80_000);
    assert_eq!(scene.facts().unwrap().inputs.len(), 100);
    scene.spend_own(Keychain::External, 100, 1_000);
    assert_eq!(scene.reason(), "TOO_MANY_INPUTS");
}

#[test]
fn a_version_three_transaction_is_small() {
    let mut scene = Scene::empty();
    scene.spend_own(Keychain::External, 0, 1_000_000);
    for number in 0..250 {
        scene.pay(stranger(number), 3_000);
    }
    scene.keep(Keychain::Internal, 0, 240_000);
    assert_eq!(scene.reason(), "accepted");
    for number in 0..80 {
        scene.pay(stranger(number), 3_000);
    }
    scene.output(250).value = sats(1_000);
    assert_eq!(scene.reason(), "accepted");
    scene.psbt.unsigned_tx.version = Version(3);
    assert_eq!(scene.reason(), "TRANSACTION_TOO_HEAVY");
}

#[test]
fn a_fee_above_half_of_what_is_paid_is_refused_once_it_is_worth_a_thought() {
    let mut scene = Scene::honest();
    scene.output(0).value = sats(41_000);
    scene.output(1).value = sats(89_000);
    assert_eq!(scene.facts().unwrap().fee, sats(20_000));
    scene.output(0).value = sats(40_004);
    scene.output(1).value = sats(89_994);
    assert_eq!(scene.reason(), "accepted");
    scene.output(0).value = sats(40_003);
    assert_eq!(scene.reason(), "FEE_SHARE_TOO_HIGH");
}

#[test]
fn p26_bytes_that_are_no_psbt_are_refused() {
    let whole = Scene::honest().psbt.serialize();
    let reason = |bytes: &[u8]| from_bytes(bytes).map_or_else(|refused| refused.reason(), |_| "accepted");
    assert_eq!(reason(&whole), "accepted");
    assert_eq!(reason(&[]), "PSBT_EMPTY");
    assert_eq!(reason(b"psbt"), "PSBT_UNPARSEABLE");
    assert_eq!(reason(&whole[..whole.len() - 1]), "PSBT_UNPARSEABLE");
    assert_eq!(reason(&[whole.as_slice(), &[0]].concat()), "PSBT_TRAILING_BYTES");
    assert_eq!(reason(&vec![0; MAX_BYTES + 1]), "PSBT_TOO_LARGE");
    assert_eq!(reason(&vec![0; MAX_BYTES]), "PSBT_UNPARSEABLE");
}

#[test]
fn p26_an_empty_transaction_is_refused_from_its_bytes_too() {
    let scene = Scene::empty();
    let psbt = from_bytes(&scene.psbt.serialize()).unwrap();
    let refused = crate::psbt::facts(&psbt, &scene.account, &scene.view).unwrap_err();
    assert_eq!(refused, Refused::EmptyTransaction);
}

#[test]
fn a_psbt_is_read_from_base64_with_line_breaks_and_from_binary() {
    let psbt = Scene::honest().psbt;
    let text = to_base64(&psbt);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(|line| core::str::from_utf8(line).unwrap())
        .collect();
    assert_eq!(from_base64(&lines.join("\r\n")).unwrap(), psbt);
    assert_eq!(read(text.as_bytes()).unwrap(), psbt);
    assert_eq!(read(&psbt.serialize()).unwrap(), psbt);
    assert_eq!(from_base64(" \n").unwrap_err(), Refused::Empty);
    assert_eq!(from_base64("cHNidP8*").unwrap_err(), Refused::NotBase64);
    assert_eq!(read(&[0xff, 0xfe]).unwrap_err(), Refused::NotBase64);
    assert_eq!(
        from_base64(&"A".repeat(MAX_BYTES * 2)).unwrap_err(),
        Refused::TooLarge { limit: MAX_BYTES }
    );
    // The text's own limit, line breaks included.
    let longest = MAX_BYTES / 2 * 3;
    assert_eq!(from_base64(&" ".repeat(longest)).unwrap_err(), Refused::Empty);
    assert_eq!(
        from_base64(&" ".repeat(longest + 1)).unwrap_err(),
        Refused::TooLarge { limit: MAX_BYTES }
    );
}

#[test]
fn a_complaint_never_carries_the_senders_bytes_at_length() {
    let mut scene = Scene::honest();
    let key = bitcoin::psbt::raw::Key {
        type_value: 0x42,
        key: vec![0xee; 10_000],
    };
    scene.psbt.unknown.insert(key, vec![1]);
    let bytes = scene.psbt.serialize();
    // The same key again: the decoder quotes it whole.
    let at = bytes
        .windows(4)
        .position(|window| window == [0x42, 0xee, 0xee, 0xee])
        .unwrap();
    let entry = &bytes[at - 3..at + 10_001 + 2];
    let twice = [&bytes[..at - 3], entry, &bytes[at - 3..]].concat();
    let Err(Refused::Unparseable(complaint)) = from_bytes(&twice) else {
        panic!("a repeated key")
    };
    assert!(
        complaint.starts_with("duplicate key") && complaint.len() <= 120,
        "{complaint}"
    );
}

#[test]
fn every_refusal_has_a_stable_reason_and_says_what_to_do() {
    let outpoint = Scene::honest().outpoint(0);
    let all = [
        Refused::Empty,
        Refused::TooLarge { limit: MAX_BYTES },
        Refused::NotBase64,
        Refused::Unparseable("invalid magic".into()),
        Refused::TrailingBytes(3),
        Refused::Malformed,
        Refused::EmptyTransaction,
        Refused::TooManyInputs { count: 101, limit: 100 },
        Refused::TooManyOutputs { count: 501, limit: 500 },
        Refused::TooHeavy {
            weight: 400_001,
            limit: 400_000,
        },
        Refused::Version(9),
        Refused::OtherNetwork(Network::Signet),
        Refused::CoinbaseInput { input: 0 },
        Refused::DuplicateInput { outpoint },
        Refused::HasScripts { input: 0 },
        Refused::RelativeLock { input: 0 },
        Refused::LockTimeTooFar {
            asked: 900_000,
            latest: 800_144,
        },
        Refused::AmountMissing { input: 0 },
        Refused::AmountMismatch { input: 0 },
        Refused::PreviousTransaction { input: 0 },
        Refused::ChainDisagrees { input: 0 },
        Refused::AmountOutOfRange,
        Refused::OutputsExceedInputs {
            inputs: sats(1),
            outputs: sats(2),
        },
        Refused::NoOwnInput,
        Refused::FalsePath { input: 0 },
        Refused::FalseChange { output: 1 },
        Refused::MerkleRoot { input: 0 },
        Refused::InternalKey { input: 0 },
        Refused::ScriptPath { input: 0 },
        Refused::SighashType { input: 0, asked: 0x83 },
        Refused::AlreadySigned { input: 0 },
        Refused::Sighash { input: 0 },
        Refused::Dust {
            output: 0,
            value: sats(293),
            minimum: sats(294),
        },
        Refused::BurnedValue { output: 0 },
        Refused::DataTooLong { output: 0, limit: 83 },
        Refused::ManyDataOutputs,
        Refused::UnspendableOutput { output: 0 },
        Refused::NonStandardOutput { output: 0 },
        Refused::FeeTooHigh {
            fee: sats(5_000_001),
            limit: sats(5_000_000),
        },
        Refused::FeeRateTooHigh { limit: 1_000 },
        Refused::FeeShareTooHigh {
            fee: sats(30_000),
            paid: sats(50_000),
            percent: 50,
        },
        Refused::Account(AccountError::Hardened(1 << 31)),
    ];
    let mut reasons: Vec<_> = all.iter().map(Refused::reason).collect();
    let lines: Vec<_> = all
        .iter()
        .map(|refused| format!("{}: {refused}", refused.reason()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    reasons.sort_unstable();
    reasons.dedup();
    assert_eq!(reasons.len(), all.len());
}

/// Accepted before, refused for this reason after.
fn refuses(mut scene: Scene, spoil: fn(&mut Scene), reason: &str) {
    assert_eq!(scene.reason(), "accepted");
    spoil(&mut scene);
    assert_eq!(scene.reason(), reason);
}
