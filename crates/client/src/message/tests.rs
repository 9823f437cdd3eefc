//! The BIP's own vectors, kept beside this file as they are published.
//!
//! Not covered here: proofs of funds, which take a node, and scripts with a time lock of their own, which are left open.

use rstest::rstest;
use serde_json::Value;

use super::*;

const BASIC: &str = include_str!("vectors/basic-test-vectors.json");
const GENERATED: &str = include_str!("vectors/generated-test-vectors.json");

fn read(file: &str, list: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(file).unwrap();
    file[list].as_array().cloned().unwrap_or_default()
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap()
}

fn address(text: &str) -> Address<NetworkUnchecked> {
    text.parse().unwrap()
}

fn check(vector: &Value, signature: &str) -> Result<Verdict, Invalid> {
    verify(
        &address(text(vector, "address")),
        text(vector, "message").as_bytes(),
        signature,
    )
}

const PLAIN: Result<Verdict, Invalid> = Ok(Verdict::Valid { time: None, age: None });

#[rstest]
#[case::basic(BASIC, 6)]
#[case::generated(GENERATED, 4)]
fn every_simple_signature_of_the_bip_holds(#[case] file: &str, #[case] least: usize) {
    let mut held = 0;
    for vector in read(file, "simple") {
        for signature in vector["bip322_signatures"].as_array().unwrap() {
            assert_eq!(check(&vector, signature.as_str().unwrap()), PLAIN, "{vector}");
            held += 1;
        }
    }
    assert!(held >= least, "{held}");
}

#[test]
fn every_full_signature_of_the_bip_holds_from_its_time_on_or_is_left_open() {
    let mut held = 0;
    for vector in read(GENERATED, "full") {
        let signature = vector["bip322_signatures"][0].as_str().unwrap();
        let verdict = check(&vector, signature);
        if text(&vector, "type").ends_with("time-lock") {
            // A script of its own: not said to hold.
            assert!(!matches!(verdict, Ok(Verdict::Valid { .. })), "{vector}");
            continue;
        }
        let expected = Verdict::Valid {
            time: Some(LockTime::from_consensus(2016)),
            age: Some(Sequence(2016)),
        };
        assert_eq!(verdict, Ok(expected), "{vector}");
        held += 1;
    }
    assert!(held >= 8, "{held}");
}

#[test]
fn every_proof_of_funds_of_the_bip_is_left_to_who_has_a_node() {
    let vectors = read(GENERATED, "proof_of_funds");
    for vector in &vectors {
        let signature = vector["bip322_signatures"][0].as_str().unwrap();
        assert_eq!(check(vector, signature), Err(Invalid::ProofOfFunds), "{vector}");
    }
    assert!(!vectors.is_empty());
}

#[rstest]
#[case::basic(BASIC, 8)]
#[case::generated(GENERATED, 28)]
fn every_false_signature_of_the_bip_is_refused(#[case] file: &str, #[case] least: usize) {
    let vectors = read(file, "error");
    for vector in &vectors {
        let verdict = check(vector, text(vector, "signature"));
        assert!(!matches!(verdict, Ok(Verdict::Valid { .. })), "{vector}");
    }
    assert!(vectors.len() >= least, "{}", vectors.len());
}

#[test]
fn any_bit_of_a_signature_counts() {
    let vector = &read(BASIC, "simple")[0];
    let good = vector["bip322_signatures"][0].as_str().unwrap();
    let bytes = STANDARD.decode(good.trim_start_matches("smp")).unwrap();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut bad = bytes.clone();
            bad[place] ^= 1 << bit;
            let verdict = check(vector, &format!("smp{}", STANDARD.encode(bad)));
            assert!(verdict.is_err(), "bit {bit} of byte {place}");
        }
    }
}

#[test]
fn what_can_not_be_checked_here_says_so() {
    let to = address("bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l");
    assert_eq!(verify(&to, b"", "pofAAAA"), Err(Invalid::ProofOfFunds));
    assert_eq!(verify(&to, b"", &"A".repeat(MOST_SIGNATURE + 1)), Err(Invalid::TooLong));
    for rubbish in [
        "",
        "smp",
        "ful",
        "smp!",
        "\u{1f4b0}\u{1f4b0}",
        "smpAA==",
        "ful////",
        "AAAA",
    ] {
        assert!(matches!(verify(&to, b"", rubbish), Err(Invalid::Wrong(_))), "{rubbish}");
    }
}

#[test]
fn a_legacy_signature_counts_for_the_address_it_is_for_alone() {
    let secp = bitcoin::secp256k1::Secp256k1::new();
    let secret = bitcoin::secp256k1::SecretKey::from_slice(&[7; 32]).unwrap();
    let digest = bitcoin::sign_message::signed_msg_hash("Trust me");
    let digest = bitcoin::secp256k1::Message::from_digest(*AsRef::<[u8; 32]>::as_ref(&digest));
    let signed = secp.sign_ecdsa_recoverable(&digest, &secret);
    let signature = STANDARD.encode(bitcoin::sign_message::MessageSignature::new(signed, true).serialize());
    let key = bitcoin::PublicKey::new(secret.public_key(&secp));
    let to = Address::p2pkh(key, bitcoin::Network::Bitcoin).into_unchecked();
    assert_eq!(verify(&to, b"Trust me", &signature), PLAIN);
    assert!(verify(&to, b"Trust no one", &signature).is_err());
    assert!(verify(&to, b"\xff", &signature).is_err());
    let other = address("15CRxFdyRpGZLW9w8HnHvVduizdL5jKNbs");
    assert!(verify(&other, b"Trust me", &signature).is_err());
}
