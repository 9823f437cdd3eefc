use std::{str::FromStr, string::ToString, vec::Vec};

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::fixture::rng;

fn vectors() -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../../vectors/recovery-words.json")).unwrap();
    all["cases"].as_array().unwrap().clone()
}

fn text(value: &Value, key: &str) -> std::string::String {
    value[key].as_str().unwrap().to_string()
}

fn secret(value: &Value) -> RecoverySecret {
    let bytes: [u8; 32] = hex::decode(text(value, "secret")).unwrap().try_into().unwrap();
    RecoverySecret::new(Secret32::new(bytes))
}

#[test]
fn words_keys_and_age_identities_match_their_vectors() {
    for case in vectors() {
        let secret = secret(&case);
        assert_eq!(*secret.words().expose_line(), text(&case, "words"));
        let parsed = RecoveryWords::parse(&text(&case, "words")).unwrap().secret().unwrap();
        assert_eq!(parsed.0.expose(), secret.0.expose());
        assert_eq!(secret.public().signing.to_string(), text(&case, "signing_key"));
        assert_eq!(*secret.age_identity(), text(&case, "age_identity"));
        assert_eq!(secret.public().recipient.to_string(), text(&case, "age_recipient"));
    }
}

#[test]
fn the_age_crate_takes_identity_and_recipient_and_pairs_them() {
    let secret = RecoverySecret::generate(&mut rng(1));
    let identity = age::x25519::Identity::from_str(&secret.age_identity()).unwrap();
    assert_eq!(identity.to_public().to_string(), secret.public().recipient.to_string());
}

#[test]
fn case_and_white_space_do_not_matter() {
    let secret = RecoverySecret::generate(&mut rng(1));
    let line = secret.words().expose_line();
    let shouted = line.to_uppercase().replace(' ', "\n\t  ");
    assert_eq!(
        RecoveryWords::parse(&shouted).unwrap().secret().unwrap().0.expose(),
        secret.0.expose()
    );
}

#[test]
fn what_is_wrong_is_told_by_place_and_never_by_word() {
    let secret = RecoverySecret::generate(&mut rng(1));
    let words: Vec<&str> = secret.words().expose().collect();
    let parse = |words: &[&str]| RecoveryWords::parse(&words.join(" "));
    assert_eq!(parse(&words[..24]).unwrap_err(), WordsError::Count { found: 24 });
    let mut misspelt = words.clone();
    misspelt[6] = "twofold";
    let error = parse(&misspelt).unwrap_err();
    assert_eq!(error, WordsError::Unknown { position: 7 });
    assert!(!error.to_string().contains("twofold"));
    let mut swapped = words.clone();
    swapped.swap(0, 1);
    assert_eq!(parse(&swapped).unwrap_err(), WordsError::Checksum);
    // A BIP-39 phrase has another length, and the page says that this is none.
    assert!(parse(&["abandon"; 24]).is_err());
    assert_eq!(std::format!("{:?}", secret.words()), "RecoveryWords(redacted)");
}

#[test]
fn a_recipient_is_read_from_ages_own_form_and_from_no_other() {
    let recipient = RecoverySecret::generate(&mut rng(1)).public().recipient;
    let text = recipient.to_string();
    assert_eq!(text.parse(), Ok(recipient));
    let stranger = text.replacen("age1", "bc1", 1);
    for other in ["", "age1", &text.to_uppercase(), &text[..text.len() - 1], &stranger] {
        assert_eq!(other.parse::<RecoveryRecipient>(), Err(RecipientFault), "{other}");
    }
}

proptest! {
    #[test]
    fn every_secret_survives_its_words(bytes in any::<[u8; 32]>()) {
        let words = RecoverySecret::new(Secret32::new(bytes)).words();
        prop_assert_eq!(words.expose().count(), COUNT);
        let secret = RecoveryWords::parse(&words.expose_line()).unwrap().secret().unwrap();
        prop_assert_eq!(secret.0.expose(), &bytes);
    }

    #[test]
    fn a_changed_word_is_noticed(bytes in any::<[u8; 32]>(), at in 0..COUNT, to in 0u16..2048) {
        let mut words = RecoverySecret::new(Secret32::new(bytes)).words();
        prop_assume!(words.0[at] != to);
        words.0[at] = to;
        // 19 bits: one in half a million passes.
        if words.secret().is_ok() {
            let again = words.secret().unwrap().words();
            prop_assert_eq!(again.0, words.0);
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = RecoveryWords::parse(&text);
    }
}
