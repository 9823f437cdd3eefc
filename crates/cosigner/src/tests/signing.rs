//! What is signed, what is refused, and what it is charged.

use std::thread;

use bitcoin::{Amount, OutPoint, Psbt, TxOut, hashes::Hash, psbt::PsbtSighashType};
use futures::executor::block_on;
use rstest::rstest;
use twofold_api::{Reason, audit::Event, seal_key::Step};
use twofold_intent::Keychain;
use twofold_threshold::{id::EpochId, secret::UnlockKey};

use crate::{
    Config,
    fixture::{House, Phone, Purse, Spend, random, rng, stranger},
    port::store::{Batch, Store, Write},
};

struct Ready {
    house: House,
    phone: Phone,
    purse: Purse,
    coin: Spend,
    psbt: Psbt,
}

fn ready() -> Ready {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let coin = house.pay(&purse, 100_000, 0);
    let psbt = purse.psbt(&[coin], 40_000);
    Ready {
        house,
        phone,
        purse,
        coin,
        psbt,
    }
}

fn charged(house: &House, purse: &Purse) -> u64 {
    house
        .rows()
        .charges
        .values()
        .filter(|group| group.wallet == purse.id)
        .map(|group| group.amount)
        .sum()
}

fn window(house: &House, purse: &Purse) -> u64 {
    house
        .state(purse)
        .windows
        .iter()
        .filter(|window| window.asset == "btc")
        .map(|window| window.sum)
        .sum()
}

#[test]
fn a_spend_is_signed_charged_logged_and_remembered() {
    let Ready {
        house,
        phone,
        purse,
        coin,
        psbt,
    } = ready();
    let signatures = phone.sign(&house, &purse, &psbt).unwrap();
    assert_eq!(signatures.len(), 1);
    assert_eq!((charged(&house, &purse), window(&house, &purse)), (41_000, 41_000));
    let Some(Event::Signed(entry)) = house.audit(&purse).pop().map(|entry| entry.event) else {
        panic!("the last entry is no signature");
    };
    let txid = psbt.unsigned_tx.compute_txid().to_byte_array();
    assert_eq!(
        (entry.txid, entry.charge, entry.added, entry.fee),
        (txid, 41_000, 41_000, 1_000)
    );
    assert_eq!(entry.inputs, [crate::rpc::outpoint(coin.outpoint)]);
    let issued = house.rows().issued;
    assert_eq!(issued.len(), 1);
    assert_eq!(issued[0].txid, txid);
    assert_eq!(issued[0].outpoints, [crate::rpc::outpoint(coin.outpoint)]);
}

#[test]
fn many_inputs_get_a_commitment_each() {
    let Ready {
        house, phone, purse, ..
    } = ready();
    let coins: Vec<_> = (0..7).map(|index| house.pay(&purse, 10_000, index)).collect();
    assert_eq!(
        phone.sign(&house, &purse, &purse.psbt(&coins, 50_000)).unwrap().len(),
        7
    );
    assert_eq!(house.oracle.len(), 7);
}

#[rstest]
#[case::one_less(-1)]
#[case::one_more(1)]
fn p27_a_share_of_another_epoch_gets_nothing(#[case] by: i32) {
    let Ready {
        house,
        phone,
        purse,
        psbt,
        ..
    } = ready();
    let mut spend = phone.spend(&house, &purse, &psbt);
    spend.epoch.number = spend.epoch.number.checked_add_signed(by).unwrap();
    house.refuses(Reason::StaleEpoch, || spend.send(&house));
    spend.epoch = EpochId {
        transcript: [0; 32],
        ..purse.epoch()
    };
    house.refuses(Reason::StaleEpoch, || spend.send(&house));
}

type Twist = fn(&mut Psbt, &Ready);

#[rstest]
#[case::sighash_none(|psbt: &mut Psbt, _: &Ready| psbt.inputs[0].sighash_type = Some(PsbtSighashType::from_u32(2)), "sighash type 0x02")]
#[case::sighash_single_anyone(|psbt: &mut Psbt, _: &Ready| psbt.inputs[0].sighash_type = Some(PsbtSighashType::from_u32(0x83)), "sighash type 0x83")]
#[case::no_outputs(|psbt: &mut Psbt, _: &Ready| { psbt.unsigned_tx.output.clear(); psbt.outputs.clear(); }, "no inputs or no outputs")]
#[case::no_inputs(|psbt: &mut Psbt, _: &Ready| { psbt.unsigned_tx.input.clear(); psbt.inputs.clear(); }, "no inputs or no outputs")]
#[case::an_amount_the_index_knows_better(|psbt: &mut Psbt, _: &Ready| {
    psbt.inputs[0].witness_utxo.as_mut().unwrap().value = Amount::from_sat(90_000);
}, "another amount or script")]
#[case::more_out_than_in(|psbt: &mut Psbt, _: &Ready| psbt.unsigned_tx.output[0].value = Amount::from_sat(200_000), "exceed inputs")]
#[case::false_change(|psbt: &mut Psbt, _: &Ready| psbt.unsigned_tx.output[1].script_pubkey = stranger(), "claims to be change")]
#[case::one_coin_twice(|psbt: &mut Psbt, _: &Ready| {
    psbt.unsigned_tx.input.push(psbt.unsigned_tx.input[0].clone());
    psbt.inputs.push(psbt.inputs[0].clone());
}, "is spent twice")]
#[case::nothing_of_ours(|psbt: &mut Psbt, _: &Ready| {
    psbt.unsigned_tx.input[0].previous_output = OutPoint::new(bitcoin::Txid::from_byte_array([9; 32]), 0);
    psbt.inputs[0] = bitcoin::psbt::Input {
        witness_utxo: Some(TxOut { value: Amount::from_sat(100_000), script_pubkey: stranger() }),
        ..Default::default()
    };
}, "no input belongs")]
#[case::an_absurd_fee(|psbt: &mut Psbt, _: &Ready| psbt.unsigned_tx.output[1].value = Amount::from_sat(1_000), "the fee")]
fn p26_a_psbt_that_lies_is_refused_and_nothing_is_counted(#[case] twist: Twist, #[case] says: &str) {
    refused(twist, says);
}

#[rstest]
#[case::merkle_root(|psbt: &mut Psbt, _: &Ready| {
    psbt.inputs[0].tap_merkle_root = Some(bitcoin::taproot::TapNodeHash::from_byte_array([1; 32]));
}, "merkle root")]
#[case::internal_key(|psbt: &mut Psbt, ready: &Ready| {
    psbt.inputs[0].tap_internal_key = Some(ready.purse.account.internal_key(Keychain::External, 1).unwrap());
}, "internal key")]
fn p42_a_psbt_that_names_another_tweak_is_refused(#[case] twist: Twist, #[case] says: &str) {
    refused(twist, says);
}

fn refused(twist: Twist, says: &str) {
    let ready = ready();
    let mut spend = ready.phone.spend(&ready.house, &ready.purse, &ready.psbt);
    let mut psbt = ready.psbt.clone();
    twist(&mut psbt, &ready);
    spend.psbt = psbt.serialize();
    let refusal = ready.house.refuses(Reason::PsbtRefused, || spend.send(&ready.house));
    assert!(refusal.message.contains(says), "refused for something else: {refusal}");
    let honest = ready.phone.sign(&ready.house, &ready.purse, &ready.psbt);
    honest.expect("an honest spend goes on");
}

#[test]
fn p26_bytes_that_are_no_psbt_and_too_few_commitments_are_refused() {
    let Ready {
        house,
        phone,
        purse,
        psbt,
        ..
    } = ready();
    for bytes in [
        Vec::new(),
        b"psbt\xff".to_vec(),
        vec![0; 1_000],
        psbt.serialize()[..60].to_vec(),
    ] {
        let mut spend = phone.spend(&house, &purse, &psbt);
        spend.psbt = bytes;
        house.refuses(Reason::PsbtRefused, || spend.send(&house));
    }
    let mut spend = phone.spend(&house, &purse, &psbt);
    spend.commitments.push(spend.commitments[0]);
    house.refuses(Reason::Malformed, || spend.send(&house));
    spend.commitments.clear();
    house.refuses(Reason::Malformed, || spend.send(&house));
}

#[test]
fn a25_a_wrong_unlock_key_a_thousand_times_locks_nothing() {
    let Ready {
        house,
        phone,
        purse,
        psbt,
        ..
    } = ready();
    let mut spend = phone.spend(&house, &purse, &psbt);
    let right = spend.sealed.clone();
    let before = house.rows();
    spend.sealed = phone.seal(&house, purse.id, 1, Step::Sign, &UnlockKey::generate(&mut rng()));
    for _ in 0..1_000 {
        assert_eq!(spend.send(&house).unwrap_err().reason, Reason::WrongUnlockKey);
    }
    // The right one, but sealed for another step.
    spend.sealed = phone.seal(&house, purse.id, 1, Step::TestSign, &purse.unlock);
    assert_eq!(spend.send(&house).unwrap_err().reason, Reason::WrongUnlockKey);
    assert!(house.rows() == before);
    spend.sealed = right;
    spend.send(&house).expect("the right one");
}

#[test]
fn an_unlock_key_sealed_before_a_restart_is_stale_and_the_new_key_comes_along() {
    let mut ready = ready();
    let spend = ready.phone.spend(&ready.house, &ready.purse, &ready.psbt);
    ready.house.restart();
    let refusal = ready.house.refuses(Reason::StaleSealKey, || spend.send(&ready.house));
    let offered = twofold_api::seal_key::Offer::parse(&refusal.seal_key.expect("the current key")).unwrap();
    offered
        .verify(&ready.house.mind.identity())
        .expect("signed by the house");
    ready
        .phone
        .sign(&ready.house, &ready.purse, &ready.psbt)
        .expect("sealed again");
}

#[test]
fn a32_two_devices_and_one_device_twice_at_once_each_succeed() {
    let Ready {
        house, phone, purse, ..
    } = ready();
    // A second device of the same user, with the same share.
    let second = super::devices::second(&house, &purse, &phone);
    let coins: Vec<_> = (0..6).map(|index| house.pay(&purse, 10_000, index)).collect();
    let spends: Vec<_> = coins
        .iter()
        .enumerate()
        .map(|(place, coin)| {
            let by = if place % 2 == 0 { &phone } else { &second };
            by.spend(&house, &purse, &purse.psbt(&[*coin], 4_000))
        })
        .collect();
    let results: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = spends.iter().map(|spend| scope.spawn(|| spend.send(&house))).collect();
        running.into_iter().map(|send| send.join().expect("no panic")).collect()
    });
    for result in &results {
        match result {
            Ok(_) => {}
            Err(refusal) => assert_eq!(refusal.reason.code(), twofold_api::Code::Aborted, "{refusal}"),
        }
    }
    let done = results.iter().filter(|result| result.is_ok()).count() as u64;
    assert!(done >= 1);
    assert_eq!(charged(&house, &purse), done * 5_000);
    assert_eq!(window(&house, &purse), done * 5_000);
}

#[test]
fn c15_three_conflicting_spends_are_charged_for_what_can_confirm_together() {
    let Ready {
        house, phone, purse, ..
    } = ready();
    let (a, b) = (house.pay(&purse, 100_000, 1), house.pay(&purse, 100_000, 2));
    phone.sign(&house, &purse, &purse.psbt(&[a], 50_000)).unwrap();
    phone.sign(&house, &purse, &purse.psbt(&[a, b], 60_000)).unwrap();
    phone.sign(&house, &purse, &purse.psbt(&[b], 30_000)).unwrap();
    // {A} for 51,000 and {B} for 31,000 can both confirm.
    assert!(charged(&house, &purse) >= 82_000);
    assert_eq!(charged(&house, &purse), window(&house, &purse));
    let added: u64 = added(&house, &purse).iter().sum();
    assert_eq!(added, window(&house, &purse));
}

fn added(house: &House, purse: &Purse) -> Vec<u64> {
    let signed = |event| {
        if let Event::Signed(signed) = event {
            Some(signed.added)
        } else {
            None
        }
    };
    house
        .audit(purse)
        .into_iter()
        .filter_map(|entry| signed(entry.event))
        .collect()
}

#[test]
fn c08_a_replacement_costs_only_what_it_adds_and_a_repetition_nothing() {
    let Ready {
        house,
        phone,
        purse,
        coin,
        psbt,
    } = ready();
    phone.sign(&house, &purse, &psbt).unwrap();
    phone.sign(&house, &purse, &psbt).unwrap();
    phone
        .sign(&house, &purse, &purse.psbt_with_fee(&[coin], 40_000, 3_000))
        .unwrap();
    assert_eq!(added(&house, &purse), [41_000, 0, 2_000]);
    assert_eq!(charged(&house, &purse), 43_000);
    assert_eq!(
        house.rows().issued.len(),
        2,
        "every version that was signed is remembered"
    );
}

#[test]
fn c16_an_own_input_beyond_the_look_ahead_is_charged_as_ours() {
    let Ready {
        house, phone, purse, ..
    } = ready();
    let far = house.pay(&purse, 100_000, 5_000_000);
    // The index must not be what makes it ours.
    house
        .store
        .with(|tables| tables.coins.retain(|_, coin| coin.index != far.index));
    phone.sign(&house, &purse, &purse.psbt(&[far], 40_000)).unwrap();
    assert_eq!(charged(&house, &purse), 41_000);
}

#[test]
fn c16_change_at_the_last_index_is_a_payment() {
    let Ready {
        house,
        phone,
        purse,
        coin,
        ..
    } = ready();
    let mut psbt = purse.psbt(&[coin], 40_000);
    let index = (1 << 31) - 1;
    psbt.unsigned_tx.output[1].script_pubkey = purse.account.script(Keychain::Internal, index).unwrap();
    let internal = purse.account.internal_key(Keychain::Internal, index).unwrap();
    let source = purse.account.origin(Keychain::Internal, index).unwrap();
    psbt.outputs[1] = bitcoin::psbt::Output {
        tap_internal_key: Some(internal),
        tap_key_origins: [(internal, (Vec::new(), source))].into(),
        ..Default::default()
    };
    phone.sign(&house, &purse, &psbt).unwrap();
    assert_eq!(
        charged(&house, &purse),
        100_000,
        "change that a restored wallet would not see was not charged"
    );
}

#[test]
fn change_is_known_by_its_script_even_without_a_path() {
    let Ready {
        house,
        phone,
        purse,
        coin,
        ..
    } = ready();
    let mut psbt = purse.psbt(&[coin], 40_000);
    psbt.outputs[1] = bitcoin::psbt::Output::default();
    phone.sign(&house, &purse, &psbt).unwrap();
    assert_eq!(charged(&house, &purse), 41_000);
}

#[test]
fn c07_a_fee_above_the_cap_is_refused() {
    let Ready {
        house, phone, purse, ..
    } = ready();
    let rich = house.pay(&purse, 100_000_000, 3);
    // Too much in all, and too much for so small a transaction.
    for fee in [9_000_000, 1_000_000] {
        let mut spend = phone.spend(&house, &purse, &purse.psbt(&[rich], 90_000_000));
        spend.psbt = purse.psbt_with_fee(&[rich], 90_000_000, fee).serialize();
        let refusal = house.refuses(Reason::PsbtRefused, || spend.send(&house));
        assert!(refusal.message.contains("fee"), "refused for something else: {refusal}");
    }
}

#[test]
fn f19_a_strangers_wallet_is_answered_like_a_missing_one() {
    let Ready {
        house,
        phone,
        purse,
        psbt,
        ..
    } = ready();
    let thief = Phone::joined(&house);
    let known = house.refuses(Reason::WalletNotFound, || {
        thief.spend(&house, &purse, &psbt).send(&house)
    });
    let mut spend = thief.spend(&house, &purse, &psbt);
    spend.wallet = twofold_threshold::id::WalletId(random());
    spend.call = thief.call("Sign", Some(spend.wallet), b"");
    let missing = house.refuses(Reason::WalletNotFound, || spend.send(&house));
    assert_eq!(known, missing);
    phone.sign(&house, &purse, &psbt).unwrap();
}

#[test]
fn a_checkpoint_of_another_wallet_does_not_help() {
    let Ready {
        house,
        phone,
        purse,
        psbt,
        ..
    } = ready();
    let other = phone.create(&house);
    let mut spend = phone.spend(&house, &purse, &psbt);
    spend.checkpoint = other.newest.get();
    house.refuses(Reason::CheckpointInvalid, || spend.send(&house));
}

#[test]
fn p26_a_psbt_with_too_many_inputs_is_refused() {
    let Ready {
        house,
        phone,
        purse,
        coin,
        psbt,
    } = ready();
    let mut spend = phone.spend(&house, &purse, &psbt);
    let many: Vec<_> = (0..101)
        .map(|vout| Spend {
            outpoint: OutPoint::new(coin.outpoint.txid, vout),
            ..coin
        })
        .collect();
    spend.psbt = purse.psbt(&many, 40_000).serialize();
    let before = house.store.looked_up();
    let refusal = house.refuses(Reason::PsbtRefused, || spend.send(&house));
    assert!(refusal.message.contains("101 coins"), "{refusal}");
    assert_eq!(house.store.looked_up(), before, "coins were looked up for it");
    spend.psbt = purse.psbt(&many[..100], 40_000).serialize();
    let refusal = house.refuses(Reason::Malformed, || spend.send(&house));
    assert!(refusal.message.contains("one commitment for each"), "{refusal}");
    assert!(house.store.looked_up() > before);
}

#[test]
fn a_wallet_has_so_many_signed_transactions_waiting_and_no_more() {
    let mut config = Config::new(bitcoin::Network::Regtest);
    config.issued_per_wallet = 3;
    let mut house = House::with(config);
    let phone = Phone::joined(&house);
    let (purse, other) = (phone.create(&house), phone.create(&house));
    // Coins that the index has never seen.
    let invented = |purse: &Purse| {
        let coin = Spend {
            outpoint: OutPoint::new(bitcoin::Txid::from_byte_array(random()), 0),
            value: 10_000,
            keychain: Keychain::External,
            index: 0,
        };
        purse.psbt(&[coin], 4_000)
    };
    let psbts: Vec<_> = (0..5).map(|_| invented(&purse)).collect();
    for psbt in &psbts[..3] {
        phone.sign(&house, &purse, psbt).unwrap();
        phone.sign(&house, &purse, psbt).expect("the same one again");
    }
    for restarts in [false, true] {
        if restarts {
            house.restart();
        }
        let refusal = house.refuses(Reason::QuotaExceeded, || phone.sign(&house, &purse, &psbts[3]));
        assert!(refusal.message.contains('3'), "{refusal}");
        phone.sign(&house, &purse, &psbts[0]).expect("one that waits already");
    }
    phone.sign(&house, &other, &invented(&other)).expect("another wallet");

    // The chain decides one of them.
    let settle = Write::SettleIssued {
        wallet: purse.id,
        txid: psbts[0].unsigned_tx.compute_txid().to_byte_array(),
        outpoints: Vec::new(),
        height: 1,
    };
    block_on(house.store.commit(Batch {
        expect: Vec::new(),
        writes: vec![settle],
    }))
    .unwrap();
    phone.sign(&house, &purse, &psbts[3]).unwrap();
    house.refuses(Reason::QuotaExceeded, || phone.sign(&house, &purse, &psbts[4]));
}
