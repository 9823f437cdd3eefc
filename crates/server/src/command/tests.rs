use rstest::rstest;

use super::{qr, span};

#[rstest]
#[case("90s", 90)]
#[case("5m", 300)]
#[case("24h", 86_400)]
#[case("30d", 2_592_000)]
fn a_span_is_a_number_and_a_unit(#[case] text: &str, #[case] seconds: u64) {
    assert_eq!(span(text).unwrap(), seconds);
}

#[rstest]
#[case("")]
#[case("h")]
#[case("24")]
#[case("24 h")]
#[case("-1h")]
#[case("1w")]
#[case("1hh")]
#[case("99999999999999999999s")]
#[case("9999999999999999999d")]
#[case("２h")]
fn anything_else_is_refused(#[case] text: &str) {
    assert!(span(text).is_err());
}

#[test]
fn an_invitation_fits_a_qr_code_on_a_terminal() {
    let drawn = qr(&"TWOFOLD1".repeat(40));
    assert!(drawn.lines().count() > 20 && drawn.lines().all(|line| line.chars().count() < 120));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_span_parser_panic(text in "\\PC*") {
        let _ = span(&text);
    }
}
