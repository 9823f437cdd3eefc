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
#[case::a_family("👩\u{200d}👧")]
fn a_text_that_can_be_read_is_said(#[case] text: &str) {
    facts(text.as_bytes(), &account()).unwrap();
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
