//! Payment requests, honest and not.

use bitcoin::{Amount, Network};
use proptest::prelude::*;
use rstest::rstest;

use super::{PaymentUri, UriError};
use crate::AmountError;

const MAIN: &str = "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr";

fn parse(text: &str) -> Result<PaymentUri, UriError> {
    PaymentUri::parse(text, Network::Bitcoin)
}

#[test]
fn a_whole_request_is_read() {
    let uri = parse(&format!(
        "bitcoin:{MAIN}?amount=20.3&label=Luke%2DJr&message=Donation%20f%C3%BCr%20xyz"
    ))
    .unwrap();
    assert_eq!(uri.address.to_string(), MAIN);
    assert_eq!(uri.amount, Some(Amount::from_sat(2_030_000_000)));
    assert_eq!(uri.label.as_deref(), Some("Luke-Jr"));
    assert_eq!(uri.message.as_deref(), Some("Donation für xyz"));
}

#[rstest]
#[case::an_address_alone(MAIN.to_owned())]
#[case::a_link_without_query(format!("bitcoin:{MAIN}"))]
#[case::an_empty_query(format!("bitcoin:{MAIN}?"))]
#[case::capitals_for_a_small_qr_code(format!("BITCOIN:{}", MAIN.to_uppercase()))]
#[case::space_around(format!("  bitcoin:{MAIN}\n"))]
#[case::optional_parameters_of_others(format!("bitcoin:{MAIN}?lightning=lnbc1&pj=https%3A%2F%2Fx&somethingyoudontunderstand=50"))]
#[case::a_fragment(format!("bitcoin:{MAIN}#amount=1"))]
fn a_bare_request_is_read(#[case] text: String) {
    assert_eq!(parse(&text), Ok(PaymentUri::new(parse(MAIN).unwrap().address)));
}

#[rstest]
#[case::required_and_unknown("req-somethingyoudontunderstand=50", "URI_REQUIRED_PARAMETER")]
#[case::required_in_capitals("REQ-PJ=1", "URI_REQUIRED_PARAMETER")]
#[case::amount_twice("amount=1&amount=2", "URI_REPEATED_PARAMETER")]
#[case::amount_twice_in_two_cases("amount=1&AMOUNT=1", "URI_REPEATED_PARAMETER")]
#[case::label_twice("label=a&label=b", "URI_REPEATED_PARAMETER")]
#[case::amount_with_unit("amount=1btc", "AMOUNT_DIGITS")]
#[case::amount_negative("amount=-1", "AMOUNT_DIGITS")]
#[case::amount_with_exponent("amount=1e3", "AMOUNT_DIGITS")]
#[case::amount_empty("amount=", "AMOUNT_DIGITS")]
#[case::amount_missing("amount", "AMOUNT_DIGITS")]
#[case::amount_zero("amount=0", "AMOUNT_ZERO")]
#[case::amount_too_fine("amount=0.000000001", "AMOUNT_TOO_FINE")]
#[case::amount_too_much("amount=21000001", "AMOUNT_TOO_MUCH")]
#[case::half_an_escape("label=%4", "URI_TEXT")]
#[case::no_escape("label=%zz", "URI_TEXT")]
#[case::a_sign_in_an_escape("label=%+1", "URI_TEXT")]
#[case::not_utf8("message=%ff%fe", "URI_TEXT")]
#[case::terminal_control("message=%1b%5b2J", "URI_TEXT")]
#[case::line_break("label=a%0Apays%20nobody", "URI_TEXT")]
#[case::reversed_text("label=%E2%80%AEtxt", "URI_TEXT")]
#[case::zero_width("label=a%E2%80%8Bb", "URI_TEXT")]
fn a_request_that_is_not_understood_is_refused(#[case] query: &str, #[case] reason: &str) {
    assert_eq!(parse(&format!("bitcoin:{MAIN}?{query}")).unwrap_err().reason(), reason);
}

#[rstest]
#[case::nothing("", UriError::Address)]
#[case::another_scheme("ethereum:0x00", UriError::Address)]
#[case::no_address("bitcoin:?amount=1", UriError::Address)]
#[case::a_wrong_letter(
    "bitcoin:bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcq",
    UriError::Address
)]
#[case::regtest(
    "bcrt1p8wpt9v4frpf3tkn0srd97pksgsxc5hs52lafxwru9kgeephvs7rqjeprhg",
    UriError::Network(Network::Bitcoin)
)]
#[case::testnet(
    "bitcoin:mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn?amount=1",
    UriError::Network(Network::Bitcoin)
)]
fn a_wrong_address_is_refused(#[case] text: &str, #[case] error: UriError) {
    assert_eq!(parse(text), Err(error));
}

#[test]
fn texts_are_bounded() {
    assert!(parse(&format!("bitcoin:{MAIN}?label={}", "a".repeat(256))).is_ok());
    assert_eq!(
        parse(&format!("bitcoin:{MAIN}?label={}", "a".repeat(257))),
        Err(UriError::Text("label".into()))
    );
    let link = format!("bitcoin:{MAIN}?x=");
    let long = |length: usize| parse(&format!("{link}{}", "a".repeat(length - link.len())));
    assert!(long(2_048).is_ok());
    assert_eq!(long(2_049), Err(UriError::TooLong));
    assert_eq!(parse("bitcoin:x?amount=x").unwrap_err(), UriError::Address);
    assert_eq!(UriError::from(AmountError::Zero).reason(), "AMOUNT_ZERO");
}

#[test]
fn the_name_of_what_is_required_is_shown_without_control_characters() {
    let refused = parse(&format!("bitcoin:{MAIN}?req-a\u{7}b\u{7f}c=1"));
    assert_eq!(refused, Err(UriError::Required("req-abc".into())));
}

#[test]
fn a_link_escapes_what_it_must_and_no_more() {
    let mut uri = PaymentUri::new(parse(MAIN).unwrap().address);
    uri.label = Some("Luke-Jr's & co".into());
    assert_eq!(uri.to_string(), format!("bitcoin:{MAIN}?label=Luke-Jr%27s%20%26%20co"));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        sats in proptest::option::of(1..=2_100_000_000_000_000_u64),
        label in proptest::option::of("[ -~äöü€𝄞&=#%+?]{0,50}"),
        message in proptest::option::of("[ -~]{0,80}"),
    ) {
        let address = parse(MAIN).unwrap().address;
        let uri = PaymentUri { address, amount: sats.map(Amount::from_sat), label, message };
        prop_assert_eq!(parse(&uri.to_string()), Ok(uri));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,100}", query in "[a-z%0-9=&.-]{0,60}") {
        let _ = parse(&text);
        let _ = parse(&format!("bitcoin:{MAIN}?{query}"));
    }
}
