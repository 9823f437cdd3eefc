//! Calls that are known, and calls that only look known.

mod batches;

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use alloy_sol_types::SolCall;
use proptest::prelude::*;
use rstest::rstest;

use super::abi::{Batch, BatchAfter, BatchBy, Dai, Erc20, Erc721, Erc721Data, Erc1155, Multicall3, Permit2};
use super::read;
use crate::evm::{Allowance, Approval, Asset, Effect, Transfer, Unknown, Until, Why};

const ME: Address = Address::repeat_byte(0xaa);
const TOKEN: Address = Address::repeat_byte(0x70);
const BOB: Address = Address::repeat_byte(0xb0);
const EVE: Address = Address::repeat_byte(0xe0);

fn effects(data: &[u8]) -> Vec<Effect> {
    let mut effects = Vec::new();
    read(ME, TOKEN, data, &mut effects);
    effects
}

fn number(number: u64) -> U256 {
    U256::from(number)
}

fn moved(from: Address, to: Address, asset: Asset) -> Effect {
    Effect::Transfer(Transfer {
        token: TOKEN,
        through: TOKEN,
        from,
        to,
        asset,
        until: Until::Mined,
    })
}

fn allowed(owner: Address, allowance: Allowance) -> Effect {
    Effect::Approval(Approval {
        token: TOKEN,
        kept_by: TOKEN,
        owner,
        spender: EVE,
        allowance,
        given_by: Until::Mined,
        until: Until::Never,
    })
}

fn unknown(why: Why) -> Effect {
    Effect::Unknown(Unknown {
        from: ME,
        contract: Some(TOKEN),
        why,
    })
}

fn approve(amount: U256) -> Vec<u8> {
    Erc20::approveCall { spender: EVE, amount }.abi_encode()
}

/// A hidden approval without limit, as every batch below has it.
fn everything() -> Vec<u8> {
    approve(U256::MAX)
}

fn batch(data: Vec<Vec<u8>>) -> Vec<u8> {
    Batch::multicallCall {
        data: data.into_iter().map(Bytes::from).collect(),
    }
    .abi_encode()
}

#[rstest]
#[case::transfer(Erc20::transferCall { to: BOB, amount: number(5) }.abi_encode(), moved(ME, BOB, Asset::UnitsOrId(number(5))))]
#[case::transfer_from(Erc20::transferFromCall { from: EVE, to: BOB, amount: number(5) }.abi_encode(), moved(EVE, BOB, Asset::UnitsOrId(number(5))))]
#[case::safe_transfer(Erc721::safeTransferFromCall { from: ME, to: BOB, id: number(7) }.abi_encode(), moved(ME, BOB, Asset::Item { id: number(7), count: number(1) }))]
#[case::safe_transfer_with_data(Erc721Data::safeTransferFromCall { from: ME, to: BOB, id: number(7), data: vec![1].into() }.abi_encode(), moved(ME, BOB, Asset::Item { id: number(7), count: number(1) }))]
#[case::some_of_an_item(Erc1155::safeTransferFromCall { from: ME, to: BOB, id: number(7), amount: number(3), data: vec![].into() }.abi_encode(), moved(ME, BOB, Asset::Item { id: number(7), count: number(3) }))]
#[case::approve(approve(number(5)), allowed(ME, Allowance::UnitsOrId(number(5))))]
#[case::approve_more(Erc20::increaseAllowanceCall { spender: EVE, amount: number(5) }.abi_encode(), allowed(ME, Allowance::Added(number(5))))]
#[case::approve_all(Erc721::setApprovalForAllCall { operator: EVE, approved: true }.abi_encode(), allowed(ME, Allowance::Everything))]
#[case::approve_none(Erc721::setApprovalForAllCall { operator: EVE, approved: false }.abi_encode(), allowed(ME, Allowance::Nothing))]
#[case::permit(Erc20::permitCall { owner: BOB, spender: EVE, value: number(5), deadline: number(9), v: 27, r: B256::ZERO, s: B256::ZERO }.abi_encode(), allowed(BOB, Allowance::Units(number(5))))]
#[case::permit_of_dai(Dai::permitCall { holder: BOB, spender: EVE, nonce: number(1), expiry: number(0), allowed: true, v: 27, r: B256::ZERO, s: B256::ZERO }.abi_encode(), allowed(BOB, Allowance::Everything))]
fn a_known_call_says_what_moves_to_whom_and_until_when(#[case] data: Vec<u8>, #[case] effect: Effect) {
    assert_eq!(effects(&data), [effect]);
}

#[test]
fn a_batch_of_items_is_named_item_by_item() {
    let call = Erc1155::safeBatchTransferFromCall {
        from: ME,
        to: BOB,
        ids: vec![number(1), number(2)],
        amounts: vec![number(10), number(20)],
        data: Bytes::new(),
    };
    let item = |id, count| {
        moved(
            ME,
            BOB,
            Asset::Item {
                id: number(id),
                count: number(count),
            },
        )
    };
    assert_eq!(effects(&call.abi_encode()), [item(1, 10), item(2, 20)]);
    let selector = Erc1155::safeBatchTransferFromCall::SELECTOR;
    let uneven = Erc1155::safeBatchTransferFromCall {
        ids: vec![number(1)],
        ..call.clone()
    };
    assert_eq!(effects(&uneven.abi_encode()), [unknown(Why::Arguments(selector))]);
    let none = Erc1155::safeBatchTransferFromCall {
        ids: vec![],
        amounts: vec![],
        ..call
    };
    assert_eq!(effects(&none.abi_encode()), [unknown(Why::Function(selector))]);
}

#[rstest]
#[case::for_ever((1 << 48) - 1, Until::Never)]
#[case::a_while(1_800_000_000, Until::Time(1_800_000_000))]
#[case::this_block(0, Until::Mined)]
fn permit2_keeps_what_it_is_told_until_it_expires(#[case] expiration: u64, #[case] until: Until) {
    let call = Permit2::approveCall {
        token: BOB,
        spender: EVE,
        amount: alloy_primitives::Uint::MAX,
        expiration: alloy_primitives::Uint::from(expiration),
    };
    let effects = effects(&call.abi_encode());
    let [Effect::Approval(approval)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!((approval.token, approval.kept_by, approval.owner), (BOB, TOKEN, ME));
    assert_eq!((approval.given_by, approval.until), (Until::Mined, until));
    assert!(approval.allowance.unlimited());
}

#[test]
fn c18_permit2_moves_somebody_elses_tokens_and_is_named() {
    let call = Permit2::transferFromCall {
        from: EVE,
        to: BOB,
        amount: alloy_primitives::Uint::from(5),
        token: ME,
    };
    // The call names a token; whom it asks is whoever stands there, Permit2 or not.
    let moved = Transfer {
        token: ME,
        through: TOKEN,
        from: EVE,
        to: BOB,
        asset: Asset::Units(number(5)),
        until: Until::Mined,
    };
    let effects = effects(&call.abi_encode());
    assert!(
        effects[0].to_string().ends_with(&format!("through {TOKEN}")),
        "{effects:?}"
    );
    assert_eq!(effects, [Effect::Transfer(moved)]);
}

#[test]
fn c18_a_transfer_may_be_of_an_item() {
    let data = Erc20::transferCall {
        to: BOB,
        amount: number(7),
    }
    .abi_encode();
    let effects = effects(&data);
    assert_eq!(effects, [moved(ME, BOB, Asset::UnitsOrId(number(7)))]);
    assert!(effects[0].to_string().contains("7 units, or item 7,"));
}

#[rstest]
#[case::most(U256::MAX, true)]
#[case::half(U256::MAX >> 1, true)]
#[case::of_160_bits(U256::MAX >> 96, true)]
#[case::of_128_bits(U256::from(u128::MAX), true)]
#[case::one_less_than_that(U256::from(u128::MAX - 1), true)]
#[case::one_more_than_96_bits(U256::from(1) << 96, true)]
#[case::of_96_bits((U256::from(1) << 96) - U256::from(1), true)]
#[case::one_less_than_96_bits((U256::from(1) << 96) - U256::from(2), true)]
#[case::half_of_96_bits(U256::from(1) << 95, true)]
#[case::one_less((U256::from(1) << 95) - U256::from(1), false)]
#[case::a_million_of_18_decimals(U256::from(10).pow(U256::from(24)), false)]
#[case::none(U256::ZERO, false)]
fn c18_an_allowance_without_limit_is_named_so(#[case] amount: U256, #[case] unlimited: bool) {
    for data in [
        approve(amount),
        Erc20::increaseAllowanceCall { spender: EVE, amount }.abi_encode(),
    ] {
        let effects = effects(&data);
        let [Effect::Approval(approval)] = effects.as_slice() else {
            panic!("{effects:?}");
        };
        assert_eq!(approval.allowance.unlimited(), unlimited);
        assert_eq!(effects[0].to_string().contains("UNLIMITED"), unlimited);
    }
    assert!(Allowance::Everything.unlimited() && !Allowance::Nothing.unlimited());
    assert!(!Allowance::Item(amount).unlimited());
}

#[rstest]
#[case::a_byte_more(|d: &mut Vec<u8>| d.push(0))]
#[case::a_word_more(|d: &mut Vec<u8>| d.extend([0; 32]))]
#[case::a_byte_fewer(|d: &mut Vec<u8>| { d.pop(); })]
#[case::no_arguments(|d: &mut Vec<u8>| d.truncate(4))]
#[case::an_address_with_something_before_it(|d: &mut Vec<u8>| d[4] = 1)]
fn c18_a_known_function_with_odd_arguments_is_unknown(#[case] spoil: fn(&mut Vec<u8>)) {
    let mut data = everything();
    spoil(&mut data);
    assert_eq!(effects(&data), [unknown(Why::Arguments(Erc20::approveCall::SELECTOR))]);
    // And so is the call alone that it stands in.
    assert_eq!(
        effects(&batch(vec![data, approve(number(1))])),
        [
            unknown(Why::Arguments(Erc20::approveCall::SELECTOR)),
            allowed(ME, Allowance::UnitsOrId(number(1)))
        ]
    );
}

#[test]
fn every_effect_says_whom_it_concerns() {
    let call = Permit2::approveCall {
        token: BOB,
        spender: EVE,
        amount: alloy_primitives::Uint::from(5),
        expiration: alloy_primitives::Uint::from(1_800_000_000),
    };
    let data = batch(vec![
        everything(),
        Erc20::transferCall {
            to: BOB,
            amount: number(5),
        }
        .abi_encode(),
        Erc721::setApprovalForAllCall {
            operator: EVE,
            approved: false,
        }
        .abi_encode(),
        Erc721::safeTransferFromCall {
            from: ME,
            to: BOB,
            id: number(7),
        }
        .abi_encode(),
        Erc20::transferFromCall {
            from: ME,
            to: BOB,
            amount: number(7),
        }
        .abi_encode(),
        call.abi_encode(),
        Permit2::transferFromCall {
            from: ME,
            to: EVE,
            amount: alloy_primitives::Uint::from(5),
            token: BOB,
        }
        .abi_encode(),
        hex!("deadbeef").to_vec(),
        vec![1],
    ]);
    let lines: Vec<_> = effects(&data).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

proptest! {
    #[test]
    fn any_call_data_has_an_effect(data in prop::collection::vec(any::<u8>(), 0..200), known in 0..22_usize) {
        prop_assert!(!effects(&data).is_empty());
        let selectors = [
            Erc20::transferCall::SELECTOR, Erc20::transferFromCall::SELECTOR, Erc20::approveCall::SELECTOR,
            Erc20::increaseAllowanceCall::SELECTOR, Erc20::permitCall::SELECTOR, Dai::permitCall::SELECTOR,
            Erc721::setApprovalForAllCall::SELECTOR, Erc721::safeTransferFromCall::SELECTOR,
            Erc721Data::safeTransferFromCall::SELECTOR, Erc1155::safeTransferFromCall::SELECTOR,
            Erc1155::safeBatchTransferFromCall::SELECTOR, Permit2::approveCall::SELECTOR, Permit2::transferFromCall::SELECTOR,
            Batch::multicallCall::SELECTOR, BatchBy::multicallCall::SELECTOR, BatchAfter::multicallCall::SELECTOR,
            Multicall3::aggregateCall::SELECTOR, Multicall3::tryAggregateCall::SELECTOR, Multicall3::blockAndAggregateCall::SELECTOR,
            Multicall3::tryBlockAndAggregateCall::SELECTOR, Multicall3::aggregate3Call::SELECTOR, Multicall3::aggregate3ValueCall::SELECTOR,
        ];
        let data = [&selectors[known][..], &data].concat();
        prop_assert!(!effects(&data).is_empty());
    }

    #[test]
    fn a_transfer_is_read_as_it_was_written(to in any::<[u8; 20]>(), amount in any::<[u8; 32]>()) {
        let (to, amount) = (Address::from(to), U256::from_be_bytes(amount));
        let data = Erc20::transferCall { to, amount }.abi_encode();
        prop_assert_eq!(effects(&data), [moved(ME, to, Asset::UnitsOrId(amount))]);
    }
}
