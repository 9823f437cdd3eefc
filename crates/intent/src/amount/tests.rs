//! Amounts as typed.

use bitcoin::Amount;
use proptest::prelude::*;
use rstest::rstest;

use super::{AmountError, AmountText};

#[rstest]
#[case::a_thousandth("0.001btc", 100_000)]
#[case::one("1btc", 100_000_000)]
#[case::one_satoshi_in_btc("0.00000001btc", 1)]
#[case::all_there_is("21000000btc", 2_100_000_000_000_000)]
#[case::eight_decimals("1.23456789BTC", 123_456_789)]
#[case::fewer_decimals("1.2btc", 120_000_000)]
#[case::satoshis("50000sat", 50_000)]
#[case::plural("50000sats", 50_000)]
#[case::capitals("7SAT", 7)]
#[case::all_there_is_in_sat("2100000000000000sat", 2_100_000_000_000_000)]
fn an_amount_with_its_unit_is_read(#[case] text: &str, #[case] sats: u64) {
    let read = text.parse::<AmountText>().unwrap();
    assert_eq!(
        (read.amount(), Amount::from(read)),
        (Amount::from_sat(sats), Amount::from_sat(sats))
    );
}

#[rstest]
#[case::no_unit("50000", AmountError::Unit)]
#[case::nothing("", AmountError::Unit)]
#[case::another_unit("1mbtc", AmountError::Unit)]
#[case::dollars("1usd", AmountError::Unit)]
#[case::exponent("1e8sat", AmountError::Unit)]
#[case::unit_first("btc1", AmountError::Unit)]
#[case::unit_alone("btc", AmountError::Digits)]
#[case::negative("-1sat", AmountError::Digits)]
#[case::signed("+1sat", AmountError::Digits)]
#[case::spaced("1 btc", AmountError::Digits)]
#[case::leading_point(".5btc", AmountError::Digits)]
#[case::trailing_point("5.btc", AmountError::Digits)]
#[case::two_points("1.2.3btc", AmountError::Digits)]
#[case::comma("1,5btc", AmountError::Digits)]
#[case::separator("50_000sat", AmountError::Digits)]
#[case::other_digits("٥sat", AmountError::Digits)]
#[case::nine_decimals("0.000000001btc", AmountError::TooFine)]
#[case::nine_decimals_with_zero("0.100000000btc", AmountError::TooFine)]
#[case::part_of_a_satoshi("1.5sat", AmountError::TooFine)]
#[case::zero("0sat", AmountError::Zero)]
#[case::zero_btc("0.00btc", AmountError::Zero)]
#[case::one_over("2100000000000001sat", AmountError::TooMuch)]
#[case::one_over_in_btc("21000000.00000001btc", AmountError::TooMuch)]
#[case::satoshis_as_btc("50000000btc", AmountError::TooMuch)]
#[case::huge("99999999999999999999999999999999999999999btc", AmountError::TooMuch)]
#[case::sixteen_nines("9999999999999999btc", AmountError::TooMuch)]
fn anything_else_is_refused(#[case] text: &str, #[case] error: AmountError) {
    assert_eq!(text.parse::<AmountText>(), Err(error));
}

proptest! {
    #[test]
    fn any_text_is_an_amount_in_range_or_refused(text in "[0-9.]{0,24}(btc|sat|sats|BTC)?|\\PC{0,40}") {
        if let Ok(read) = text.parse::<AmountText>() {
            prop_assert!(read.amount() > Amount::ZERO && read.amount() <= Amount::MAX_MONEY);
            prop_assert_eq!(read.to_string().parse::<AmountText>(), Ok(read));
        }
    }

    #[test]
    fn both_units_agree(sats in 1..=2_100_000_000_000_000_u64) {
        let btc = format!("{}.{:08}btc", sats / 100_000_000, sats % 100_000_000);
        prop_assert_eq!(btc.parse::<AmountText>().unwrap().amount(), Amount::from_sat(sats));
        prop_assert_eq!(format!("{sats}sat").parse::<AmountText>().unwrap().amount(), Amount::from_sat(sats));
    }
}
