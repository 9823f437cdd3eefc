use super::{ChainId, ChainIdError};
use alloy_primitives::U256;
use rstest::rstest;

#[rstest]
#[case::mainnet(1)]
#[case::largest(9_223_372_036_854_775_789)]
fn a_chain_has_a_number(#[case] number: u64) {
    let chain = ChainId::try_from(number).unwrap();
    assert_eq!(chain.number(), number);
    assert_eq!(ChainId::try_from(U256::from(number)), Ok(chain));
    assert_eq!(chain.to_string(), number.to_string());
    assert!(number.checked_mul(2).unwrap().checked_add(36).is_some());
}

#[rstest]
#[case::zero(U256::ZERO)]
#[case::a_v_that_overflows(U256::from(9_223_372_036_854_775_790_u64))]
#[case::largest_of_64_bits(U256::from(u64::MAX))]
#[case::one_and_two_to_the_64(U256::from(1_u128 << 64 | 1))]
fn c11_no_chain_has_this_number(#[case] number: U256) {
    assert_eq!(ChainId::try_from(number), Err(ChainIdError));
    if let Ok(number) = u64::try_from(number) {
        assert_eq!(ChainId::try_from(number), Err(ChainIdError));
    }
}
