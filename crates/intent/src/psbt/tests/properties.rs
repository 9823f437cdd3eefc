//! Whatever arrives: a refusal, or facts that add up.

use bitcoin::{Amount, Psbt, TxOut};
use proptest::prelude::*;

use super::scene::{HORIZON, Scene, stranger};
use crate::Keychain;
use crate::psbt::{Facts, Limits, facts, from_bytes, read};

/// One edit of a byte string; places are fractions of its length.
#[derive(Clone, Debug)]
enum Edit {
    Flip { at: u16, mask: u8 },
    Insert { at: u16, bytes: Vec<u8> },
    Remove { at: u16, count: u8 },
    Copy { from: u16, to: u16, count: u8 },
    Truncate { at: u16 },
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        6 => (any::<u16>(), 1..=u8::MAX).prop_map(|(at, mask)| Edit::Flip { at, mask }),
        2 => (any::<u16>(), prop::collection::vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Edit::Insert { at, bytes }),
        1 => (any::<u16>(), 1..40_u8).prop_map(|(at, count)| Edit::Remove { at, count }),
        2 => (any::<u16>(), any::<u16>(), 1..80_u8).prop_map(|(from, to, count)| Edit::Copy { from, to, count }),
        1 => any::<u16>().prop_map(|at| Edit::Truncate { at }),
    ]
}

fn apply(bytes: &mut Vec<u8>, edit: Edit) {
    let length = bytes.len();
    let place = |at: u16| usize::from(at) * length / 65_536;
    match edit {
        Edit::Flip { at, mask } => {
            if let Some(byte) = bytes.get_mut(place(at)) {
                *byte ^= mask;
            }
        }
        Edit::Insert { at, bytes: more } => drop(bytes.splice(place(at)..place(at), more)),
        Edit::Remove { at, count } => {
            let end = length.min(place(at) + usize::from(count));
            bytes.drain(place(at)..end);
        }
        Edit::Copy { from, to, count } => {
            let part = bytes[place(from)..length.min(place(from) + usize::from(count))].to_vec();
            let end = length.min(place(to) + part.len());
            bytes.splice(place(to)..end, part);
        }
        Edit::Truncate { at } => bytes.truncate(place(at)),
    }
}

/// What must hold of all facts, whoever wrote the PSBT.
fn add_up(facts: &Facts, psbt: &Psbt, scene: &Scene) {
    let own = facts.own_value();
    assert_eq!(
        own + facts.foreign_value(),
        facts.payment_value() + facts.change_value() + facts.fee
    );
    assert_eq!(facts.charge(), facts.payment_value() + facts.fee);
    assert_eq!(
        facts.share(),
        own.checked_sub(facts.change_value()).unwrap_or(Amount::ZERO)
    );
    assert!(facts.share() <= facts.charge());
    if facts.foreign_inputs.is_empty() {
        assert_eq!(facts.share(), facts.charge());
    }
    assert!(!facts.inputs.is_empty());
    assert_eq!(
        facts.inputs.len() + facts.foreign_inputs.len(),
        psbt.unsigned_tx.input.len()
    );
    assert_eq!(facts.payments.len() + facts.change.len(), psbt.unsigned_tx.output.len());
    assert_eq!(facts.txid, psbt.unsigned_tx.compute_txid());
    for input in &facts.inputs {
        let coin = psbt.inputs[input.index].witness_utxo.as_ref().unwrap();
        assert_eq!(
            coin.script_pubkey,
            scene.account.script(input.keychain, input.child).unwrap()
        );
        assert_eq!(
            (coin.value, input.outpoint),
            (input.value, psbt.unsigned_tx.input[input.index].previous_output)
        );
    }
    for change in &facts.change {
        let output = &psbt.unsigned_tx.output[change.index];
        assert_eq!(
            output.script_pubkey,
            scene.account.script(change.keychain, change.child).unwrap()
        );
        assert_eq!(output.value, change.value);
        assert!(change.child <= HORIZON);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
        let _ = from_bytes(&[b"psbt\xff".as_slice(), &bytes].concat());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = read(text.as_bytes());
    }

    #[test]
    fn p26_an_edited_psbt_is_refused_or_its_facts_add_up(
        edits in prop::collection::vec(edit(), 1..4),
        blind in any::<bool>(),
    ) {
        let mut scene = Scene::shared();
        let mut bytes = scene.psbt.serialize();
        for edit in edits {
            apply(&mut bytes, edit);
        }
        if blind {
            scene.view.coins.clear();
        }
        if let Ok(psbt) = from_bytes(&bytes)
            && let Ok(facts) = facts(&psbt, &scene.account, &scene.view)
        {
            add_up(&facts, &psbt, &scene);
        }
    }

    #[test]
    fn honest_transactions_are_understood(
        own in prop::collection::vec((any::<bool>(), 0..1_u32 << 31, 10_000..1_000_000_u64), 1..6),
        foreign in prop::collection::vec(10_000..1_000_000_u64, 0..3),
        shares in prop::collection::vec((0..4_u8, 0..2 * HORIZON, 1_000..10_000_u64), 1..6),
    ) {
        let mut scene = Scene::empty();
        for (internal, child, value) in &own {
            let keychain = if *internal { Keychain::Internal } else { Keychain::External };
            scene.spend_own(keychain, *child, *value);
        }
        for value in &foreign {
            scene.spend(TxOut { value: Amount::from_sat(*value), script_pubkey: stranger(9) });
        }
        let total: u64 = own.iter().map(|(_, _, value)| value).chain(&foreign).sum();
        let weights: u64 = shares.iter().map(|(_, _, weight)| weight).sum();
        let (mut paid, mut kept) = (0, 0);
        for (kind, child, weight) in &shares {
            let value = (total - 500) * weight / weights;
            let keychain = if *kind == 2 { Keychain::External } else { Keychain::Internal };
            if *kind < 2 {
                scene.pay(stranger(*kind), value);
            } else {
                scene.keep(keychain, *child, value);
            }
            if *kind >= 2 && *child <= HORIZON { kept += value } else { paid += value }
        }
        prop_assume!(scene.psbt.unsigned_tx.output.iter().all(|output| output.value.to_sat() >= 330));
        let limits = Limits { max_fee_percent: u64::MAX, ..Limits::default() };
        let facts = scene.facts_within(&limits).unwrap();
        add_up(&facts, &scene.psbt, &scene);
        prop_assert_eq!(facts.inputs.len(), own.len());
        prop_assert_eq!(facts.payment_value().to_sat(), paid);
        prop_assert_eq!(facts.change_value().to_sat(), kept);
    }
}
