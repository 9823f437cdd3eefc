use alloc::{string::ToString, vec::Vec};

use proptest::prelude::*;
use rstest::rstest;

use super::{Name, NameFault};
use crate::limits::NAME_CHARS;

#[rstest]
#[case::plain("Savings")]
#[case::space_inside("my wallet")]
#[case::umlaut("M\u{fc}ller")]
#[case::cjk("\u{8d22}\u{5e03}")]
#[case::emoji("\u{1f4b0}")]
#[case::combining("e\u{301}")]
#[case::quotes_and_markup("<b>\"Bob's\" & co</b>")]
fn a_name_may_be_in_any_script(#[case] text: &str) {
    assert_eq!(text.parse::<Name>().unwrap().as_str(), text);
}

#[rstest]
#[case::nothing("", NameFault::Empty)]
#[case::white_space(" \t\u{3000}\n", NameFault::Empty)]
#[case::nul("a\0b", NameFault::Control)]
#[case::line_feed("a\nb", NameFault::Control)]
#[case::escape("a\u{1b}[31m", NameFault::Control)]
#[case::delete("a\u{7f}", NameFault::Control)]
#[case::c1("a\u{85}b", NameFault::Control)]
#[case::right_to_left_override("a\u{202e}b", NameFault::Control)]
#[case::isolate("a\u{2066}b", NameFault::Control)]
#[case::right_to_left_mark("a\u{200f}b", NameFault::Control)]
#[case::arabic_letter_mark("a\u{61c}b", NameFault::Control)]
#[case::zero_width_space("a\u{200b}b", NameFault::Control)]
#[case::word_joiner("a\u{2060}b", NameFault::Control)]
#[case::byte_order_mark("a\u{feff}b", NameFault::Control)]
#[case::soft_hyphen("a\u{ad}b", NameFault::Control)]
#[case::line_separator("a\u{2028}b", NameFault::Control)]
#[case::tag_character("a\u{e0041}b", NameFault::Control)]
fn a31_a_name_hides_nothing(#[case] text: &str, #[case] fault: NameFault) {
    assert_eq!(text.parse::<Name>(), Err(fault));
}

#[test]
fn a31_a_name_is_bounded_in_characters_not_bytes() {
    let most = "\u{1f4b0}".repeat(NAME_CHARS);
    assert!(most.parse::<Name>().is_ok());
    assert_eq!([most.as_str(), "a"].concat().parse::<Name>(), Err(NameFault::TooLong));
    assert_eq!("x".repeat(1_000_000).parse::<Name>(), Err(NameFault::TooLong));
}

#[test]
fn a_name_is_trimmed() {
    assert_eq!("  Savings \n".parse::<Name>().unwrap().as_str(), "Savings");
}

proptest! {
    #[test]
    fn a31_any_text_is_a_name_or_not_and_reads_back_the_same(text in any::<Vec<char>>()) {
        let text = text.into_iter().collect::<alloc::string::String>();
        if let Ok(name) = text.parse::<Name>() {
            prop_assert_eq!(name.to_string().parse::<Name>(), Ok(name.clone()));
            prop_assert!(name.as_str().chars().count() <= NAME_CHARS);
            prop_assert!(!name.as_str().chars().any(char::is_control));
        }
    }
}
