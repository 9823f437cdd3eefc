//! Calls in calls.

use alloy_primitives::{B256, Bytes, U256, hex};
use alloy_sol_types::SolCall;
use proptest::prelude::*;
use rstest::rstest;

use super::{BOB, EVE, ME, TOKEN, allowed, approve, batch, effects, everything, number, unknown};
use crate::evm::calls::MAX_EFFECTS;
use crate::evm::calls::abi::{Batch, BatchAfter, BatchBy, Erc20, Multicall3};
use crate::evm::{Allowance, Asset, Effect, Native, Transfer, Unknown, Until, Why};

fn calls(data: Vec<u8>) -> Vec<Multicall3::Call> {
    vec![Multicall3::Call {
        target: BOB,
        callData: data.into(),
    }]
}

#[rstest]
#[case::itself(batch(vec![everything()]))]
#[case::itself_beside_others(batch(vec![hex!("deadbeef").to_vec(), everything()]))]
#[case::itself_by_a_deadline(BatchBy::multicallCall { deadline: number(9), data: vec![everything().into()] }.abi_encode())]
#[case::itself_after_a_block(BatchAfter::multicallCall { previousBlockhash: B256::ZERO, data: vec![everything().into()] }.abi_encode())]
#[case::two_deep(batch(vec![batch(vec![everything()])]))]
#[case::four_deep(batch(vec![batch(vec![batch(vec![batch(vec![everything()])])])]))]
#[case::aggregate(Multicall3::aggregateCall { calls: calls(everything()) }.abi_encode())]
#[case::try_aggregate(Multicall3::tryAggregateCall { requireSuccess: false, calls: calls(everything()) }.abi_encode())]
#[case::block_and_aggregate(Multicall3::blockAndAggregateCall { calls: calls(everything()) }.abi_encode())]
#[case::try_block_and_aggregate(Multicall3::tryBlockAndAggregateCall { requireSuccess: true, calls: calls(everything()) }.abi_encode())]
#[case::aggregate3(Multicall3::aggregate3Call { calls: vec![Multicall3::Call3 { target: BOB, allowFailure: true, callData: everything().into() }] }.abi_encode())]
#[case::aggregate3_value(Multicall3::aggregate3ValueCall { calls: vec![Multicall3::Call3Value { target: BOB, allowFailure: true, value: U256::ZERO, callData: everything().into() }] }.abi_encode())]
#[case::of_both_kinds(batch(vec![Multicall3::aggregateCall { calls: calls(everything()) }.abi_encode()]))]
fn c18_an_approval_hidden_in_a_multicall_is_named_and_unlimited(#[case] data: Vec<u8>) {
    let effects = effects(&data);
    let unlimited = |effect: &Effect| matches!(effect, Effect::Approval(approval) if approval.spender == EVE && approval.allowance.unlimited());
    assert!(effects.iter().any(unlimited), "{effects:?}");
}

#[test]
fn c18_what_is_deeper_than_four_calls_is_unknown() {
    let mut data = everything();
    for _ in 0..5 {
        data = batch(vec![data]);
    }
    assert_eq!(effects(&data), [unknown(Why::TooDeep)]);
    let beside = batch(vec![everything(), data[4 + 0x60..].to_vec()]);
    assert!(effects(&beside).len() > 1);
}

#[test]
fn a_contract_that_calls_others_does_so_in_its_own_name() {
    let call = Multicall3::aggregate3ValueCall {
        calls: vec![
            Multicall3::Call3Value {
                target: BOB,
                allowFailure: false,
                value: number(3),
                callData: Erc20::transferCall {
                    to: EVE,
                    amount: number(5),
                }
                .abi_encode()
                .into(),
            },
            Multicall3::Call3Value {
                target: EVE,
                allowFailure: false,
                value: number(4),
                callData: Bytes::new(),
            },
        ],
    };
    let paid = |to, value| {
        Effect::Native(Native {
            from: TOKEN,
            to,
            value: number(value),
        })
    };
    let moved = Transfer {
        token: BOB,
        through: BOB,
        from: TOKEN,
        to: EVE,
        asset: Asset::UnitsOrId(number(5)),
        until: Until::Mined,
    };
    assert_eq!(
        effects(&call.abi_encode()),
        [paid(BOB, 3), Effect::Transfer(moved), paid(EVE, 4)]
    );
    // A contract that calls itself does so in its caller's.
    assert_eq!(
        effects(&batch(vec![approve(number(1))])),
        [allowed(ME, Allowance::UnitsOrId(number(1)))]
    );
}

#[test]
fn c18_a_batch_of_nothing_is_unknown_and_not_nothing() {
    assert_eq!(
        effects(&batch(vec![])),
        [unknown(Why::Function(Batch::multicallCall::SELECTOR))]
    );
    assert_eq!(effects(&batch(vec![vec![]])), [unknown(Why::NoFunction)]);
}

#[test]
fn c18_calls_that_overlap_are_not_read() {
    // Two offsets to one call: a compiler writes the call twice.
    let call = everything();
    let word = |number: usize| U256::from(number).to_be_bytes::<32>();
    let mut padded = call.clone();
    padded.resize(call.len().next_multiple_of(32), 0);
    let data = [
        &Batch::multicallCall::SELECTOR[..],
        &word(0x20),
        &word(2),
        &word(0x40),
        &word(0x40),
        &word(call.len()),
        &padded,
    ]
    .concat();
    assert_eq!(
        effects(&data),
        [unknown(Why::Arguments(Batch::multicallCall::SELECTOR))]
    );
    assert_eq!(effects(&batch(vec![call.clone(), call])).len(), 2);
}

#[test]
fn f18_more_calls_than_are_read_end_in_an_unknown_one() {
    let fits = effects(&batch(vec![approve(number(1)); MAX_EFFECTS]));
    assert_eq!(fits.len(), MAX_EFFECTS);
    assert!(fits.iter().all(|effect| matches!(effect, Effect::Approval(_))));
    let many = effects(&batch(vec![approve(number(1)); MAX_EFFECTS + 9]));
    assert_eq!(many.len(), MAX_EFFECTS + 1);
    assert_eq!(many.last(), Some(&too_many()));
}

#[test]
fn f18_payments_as_many_as_are_read_end_in_no_unknown_call() {
    let pay = Multicall3::Call3Value {
        target: BOB,
        allowFailure: false,
        value: number(1),
        callData: Vec::new().into(),
    };
    let paid = |count| {
        let calls = vec![pay.clone(); count];
        effects(&Multicall3::aggregate3ValueCall { calls }.abi_encode())
    };
    let fits = paid(MAX_EFFECTS);
    assert_eq!(fits.len(), MAX_EFFECTS);
    assert!(fits.iter().all(|effect| matches!(effect, Effect::Native(_))));
    let many = paid(MAX_EFFECTS + 1);
    assert_eq!((many.len(), many.last()), (MAX_EFFECTS + 1, Some(&too_many())));
}

#[test]
fn f18_calls_that_are_not_read_may_be_in_anybodys_name() {
    // The first that is not read is the token's own, of Bob; those after it are the account's, of the token.
    let others = Multicall3::aggregate3Call {
        calls: vec![
            Multicall3::Call3 {
                target: BOB,
                allowFailure: false,
                callData: approve(number(1)).into(),
            };
            MAX_EFFECTS + 9
        ],
    };
    let mut calls = vec![others.abi_encode()];
    calls.extend(vec![everything(); 9]);
    let effects = effects(&batch(calls));
    assert_eq!(effects.len(), MAX_EFFECTS + 1);
    assert_eq!(effects.last(), Some(&too_many()));
    assert_eq!(
        too_many().to_string(),
        format!("unknown  calls, too many to be read, asked by {ME}: it may do anything that {ME} may")
    );
}

fn too_many() -> Effect {
    Effect::Unknown(Unknown {
        from: ME,
        contract: None,
        why: Why::TooMany,
    })
}

proptest! {
    #[test]
    fn c18_a_batch_that_was_altered_still_names_the_approval_or_is_unknown(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..3),
        depth in 1..4_usize,
    ) {
        let mut data = everything();
        for _ in 0..depth {
            data = batch(vec![data]);
        }
        for (at, byte) in edits {
            let at = at.index(data.len());
            data[at] = byte;
        }
        let effects = effects(&data);
        let named = |effect: &Effect| matches!(effect, Effect::Approval(_) | Effect::Unknown(_) | Effect::Transfer(_));
        prop_assert!(!effects.is_empty() && effects.iter().all(named), "{:?}", effects);
    }
}
