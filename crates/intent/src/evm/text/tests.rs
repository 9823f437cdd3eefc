use alloy_primitives::{Address, address, b256};
use proptest::prelude::*;
use rstest::rstest;

use super::{MAX_BYTES, Refused, SignInFault, facts};
use crate::evm::transaction::tests::Owner;
use crate::evm::{Account, BadSignature, ChainId, Effect, proof};

fn account() -> Account {
    Account {
        chain: ChainId::MAINNET,
        address: address!("0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"),
    }
}

#[test]
fn a_text_has_the_digest_that_wallets_sign() {
    let facts = facts(b"hello world", &account()).unwrap();
    assert_eq!(
        facts.digest,
        b256!("0xd9eba16ed0ecae432b71fe008c98cc872bb4cc214d3220a36f365326cf807d68")
    );
    assert!(matches!(facts.effects.as_slice(), [Effect::Statement(said)] if said.text == "hello world"));
    assert_eq!(
        facts.effects[0].to_string(),
        "says     \"hello world\" in the name of 0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"
    );
}

#[rstest]
#[case::a_hash([0x9c; 32].to_vec())]
#[case::a_hash_that_looks_like_a_text(b"please sign in to the site today".to_vec())]
#[case::zeros(vec![0; 32])]
fn c18_32_bytes_are_no_text(#[case] bytes: Vec<u8>) {
    assert_eq!(bytes.len(), 32);
    assert_eq!(facts(&bytes, &account()), Err(Refused::LikeADigest));
    // One more and one fewer are texts, where they can be read.
    if bytes.is_ascii() && bytes[0] != 0 {
        facts(&bytes[1..], &account()).unwrap();
        facts(&[bytes.as_slice(), b"!"].concat(), &account()).unwrap();
    }
}

#[rstest]
#[case::digits("")]
#[case::with_a_prefix("0x")]
#[case::with_a_large_prefix("0X")]
fn c18_a_digest_in_hexadecimal_digits_is_no_text(#[case] prefix: &str) {
    let read = |text: &str| facts(text.as_bytes(), &account()).map(|_| ());
    for digits in ["9c".repeat(32), "9C".repeat(32), "01".repeat(32)] {
        for (before, after) in [
            ("", ""),
            (" ", ""),
            ("", "\n"),
            ("\r\n\t", " \t"),
            ("\u{a0}", "\u{3000}"),
        ] {
            let text = format!("{before}{prefix}{digits}{after}");
            assert_eq!(read(&text), Err(Refused::LikeADigest), "{text:?}");
        }
        // One digit more or fewer, a letter that is none, or a word beside it.
        for text in [
            format!("{prefix}{digits}0"),
            format!("{prefix}{}", &digits[1..]),
            format!("{prefix}{}g", &digits[1..]),
            format!("hash {prefix}{digits}"),
        ] {
            assert_eq!(read(&text), Ok(()), "{text:?}");
        }
    }
}

#[rstest]
#[case::no_utf_8(b"\xff\xfe and more".to_vec())]
#[case::the_prefix_of_typed_data(b"\x19\x01 and more".to_vec())]
#[case::an_escape(b"\x1b[2Jnothing".to_vec())]
#[case::a_null(b"pay\0".to_vec())]
#[case::turned_around("pay \u{202e}001 to Bob".into())]
#[case::isolated("pay \u{2067}001 to Bob".into())]
#[case::a_c1_control("pay \u{9b}2J".into())]
fn a31_what_nobody_can_read_is_no_text(#[case] bytes: Vec<u8>) {
    assert_eq!(facts(&bytes, &account()), Err(Refused::Unreadable));
}

#[rstest]
#[case::nothing("")]
#[case::lines("one\r\ntwo\n\tthree")]
#[case::many_scripts("Ærlig 📱 日本語 שלום")]
#[case::a_heart("❤\u{fe0f}")]
fn a_text_that_can_be_read_is_said(#[case] text: &str) {
    facts(text.as_bytes(), &account()).unwrap();
}

#[rstest]
#[case::a_soft_hyphen('\u{ad}', '\u{ad}')]
#[case::an_arabic_mark('\u{61c}', '\u{61c}')]
#[case::no_width('\u{200b}', '\u{200f}')]
#[case::separators_and_turns('\u{2028}', '\u{202e}')]
#[case::joiners_and_signs('\u{2060}', '\u{2064}')]
#[case::isolates('\u{2066}', '\u{2069}')]
#[case::a_byte_order_mark('\u{feff}', '\u{feff}')]
#[case::tags('\u{e0000}', '\u{e007f}')]
fn a31_a_character_that_does_not_show_is_in_no_text(#[case] first: char, #[case] last: char) {
    for character in first..=last {
        for text in [
            format!("pay{character} Bob"),
            format!("{character}pay"),
            format!("pay{character}"),
        ] {
            assert_eq!(facts(text.as_bytes(), &account()), Err(Refused::Unreadable), "{text:?}");
        }
    }
}

#[rstest]
#[case::before_a_soft_hyphen('\u{ac}')]
#[case::after_a_soft_hyphen('\u{ae}')]
#[case::a_hair_space('\u{200a}')]
#[case::a_hyphen('\u{2010}')]
#[case::a_point('\u{2027}')]
#[case::a_narrow_space('\u{202f}')]
#[case::a_space_of_mathematics('\u{205f}')]
#[case::a_raised_zero('\u{2070}')]
fn a_character_beside_those_that_do_not_show_is_said(#[case] character: char) {
    facts(format!("pay {character} Bob").as_bytes(), &account()).unwrap();
}

#[test]
fn f18_the_longest_text_is_signed_and_one_byte_more_is_not() {
    facts(&vec![b'a'; MAX_BYTES], &account()).unwrap();
    assert_eq!(facts(&vec![b'a'; MAX_BYTES + 1], &account()), Err(Refused::TooLong));
}

#[test]
fn p17_a_proof_is_the_accounts_or_none() {
    let owner = Owner::new([5; 32]);
    let facts = facts(b"hello world", &owner.account).unwrap();
    let signature = owner.sign(facts.digest);
    let bytes = proof(&facts.digest, &owner.account, &signature).unwrap();
    assert_eq!(bytes[..64], signature.as_bytes()[..64]);
    assert_eq!(bytes[64], 27 + u8::from(signature.v()));
    assert_eq!(proof(&facts.digest, &account(), &signature), Err(BadSignature::Other));
}

#[test]
fn every_refusal_has_a_stable_reason_and_says_what_to_do() {
    let chain = ChainId::MAINNET;
    let all = [
        Refused::TooLong,
        Refused::LikeADigest,
        Refused::Unreadable,
        Refused::SignIn(SignInFault::Form),
        Refused::OtherAccount {
            asked: Address::ZERO,
            expected: account().address,
        },
        Refused::WrongChain {
            asked: ChainId::try_from(10).unwrap(),
            expected: chain,
        },
    ];
    let mut reasons: Vec<_> = all.iter().map(Refused::reason).collect();
    let lines: Vec<_> = all
        .iter()
        .map(|refused| format!("{}: {refused}", refused.reason()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    reasons.sort_unstable();
    reasons.dedup();
    assert_eq!(reasons.len(), all.len());
}

proptest! {
    #[test]
    fn any_bytes_are_said_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(facts) = facts(&bytes, &account()) {
            prop_assert_eq!(facts.effects.len(), 1);
            prop_assert_ne!(bytes.len(), 32);
        }
    }

    #[test]
    fn two_texts_never_share_a_digest(one in "\\PC{0,40}", other in "\\PC{0,40}") {
        let of = |text: &str| facts(text.as_bytes(), &account()).map(|facts| facts.digest);
        if let (Ok(first), Ok(second)) = (of(&one), of(&other)) {
            prop_assert_eq!(one == other, first == second);
        }
    }
}
