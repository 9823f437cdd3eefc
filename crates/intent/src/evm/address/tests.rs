use super::{AddressError, address};
use crate::AccountError;
use crate::evm::{Account, ChainId};
use bitcoin::hex::FromHex as _;
use proptest::prelude::*;
use rstest::rstest;

/// EIP-55's own examples.
#[rstest]
#[case("0x52908400098527886E0F7030069857D2E4169EE7")]
#[case("0x8617E340B3D01FA5F11F306F4090FD50E238070D")]
#[case("0xde709f2102306220921060314715629080e2fb77")]
#[case("0x27b1fdb04752bbc536007a920d24acb045561c26")]
#[case("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
#[case("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359")]
#[case("0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB")]
#[case("0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb")]
fn an_address_and_its_checksum_are_read(#[case] text: &str) {
    let read = address(text).unwrap();
    assert_eq!(address(&read.to_checksum(None)), Ok(read));
    assert_eq!(address(&text.to_lowercase()), Ok(read));
}

#[rstest]
#[case::empty("", AddressError::Form)]
#[case::no_prefix("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", AddressError::Form)]
#[case::capital_prefix("0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", AddressError::Form)]
#[case::short("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", AddressError::Form)]
#[case::long("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed0", AddressError::Form)]
#[case::twice_prefixed("0x0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeA", AddressError::Form)]
#[case::no_digit("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg", AddressError::Form)]
#[case::one_digit_off("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAee", AddressError::Checksum)]
#[case::one_case_off("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", AddressError::Checksum)]
fn a31_what_is_no_address_is_refused(#[case] text: &str, #[case] fault: AddressError) {
    assert_eq!(address(text), Err(fault));
}

#[test]
fn the_address_of_a_key_is_the_one_that_wallets_show() {
    // The key whose secret is 1, as every Ethereum library has it.
    let key = <[u8; 33]>::from_hex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798").unwrap();
    let account = Account::from_key(ChainId::MAINNET, &key).unwrap();
    assert_eq!(
        account.address.to_checksum(None),
        "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
    );
    let mut off = key;
    off[0] = 5;
    assert_eq!(Account::from_key(ChainId::MAINNET, &off), Err(AccountError::Key));
}

proptest! {
    #[test]
    fn any_text_is_an_address_or_refused(text in "(0x)?[0-9a-fA-F]{38,42}|\\PC{0,50}") {
        if let Ok(read) = address(&text) {
            prop_assert_eq!(read.to_checksum(None).to_lowercase(), text.to_lowercase());
        }
    }
}
