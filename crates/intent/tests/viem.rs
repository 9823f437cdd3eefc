//! Digests, signatures and bytes that viem and ethers give, over intents drawn by `viem/make.mjs`.

use serde_json::Value;
use twofold_intent::evm::{Account, Allowed, B256, ChainId, Signature, proof, text, transaction, typed};

/// Who signed them all.
const SIGNER: &str = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F";

fn intents(kind: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(include_str!("viem/intents.json")).expect("JSON");
    all.into_iter().filter(|intent| intent["kind"] == kind).collect()
}

fn string<'a>(intent: &'a Value, field: &str) -> &'a str {
    intent[field].as_str().expect("a text")
}

fn bytes(intent: &Value, field: &str) -> Vec<u8> {
    let digits = string(intent, field).strip_prefix("0x").expect("hexadecimal");
    bitcoin::hex::FromHex::from_hex(digits).expect("hexadecimal")
}

fn digest(intent: &Value) -> B256 {
    B256::from_slice(&bytes(intent, "digest"))
}

fn signature(intent: &Value) -> Signature {
    Signature::from_raw(&bytes(intent, "signature")).expect("65 bytes")
}

fn account(intent: &Value) -> Account {
    Account {
        chain: ChainId::try_from(intent["chain"].as_u64().unwrap_or(1)).expect("a chain"),
        address: SIGNER.parse().expect("an address"),
    }
}

#[test]
fn transactions_have_the_bytes_and_digests_that_viem_and_ethers_give() {
    let intents = intents("transaction");
    assert!(intents.len() >= 100);
    for intent in intents {
        let account = account(&intent);
        let unsigned = bytes(&intent, "unsigned");
        let read = transaction::parse(&unsigned).unwrap_or_else(|why| panic!("{intent}: {why}"));
        assert_eq!(read.unsigned(), unsigned, "{intent}");
        let facts = transaction::facts(&read, &account).unwrap_or_else(|why| panic!("{intent}: {why}"));
        assert_eq!(facts.digest, digest(&intent), "{intent}");
        let signed = transaction::finish(&read, &account, &signature(&intent)).unwrap();
        assert_eq!(signed.bytes, bytes(&intent, "signed"), "{intent}");
        assert_eq!(signed.hash.as_slice(), bytes(&intent, "hash"), "{intent}");
    }
}

#[test]
fn texts_have_the_digests_that_viem_and_ethers_give() {
    let intents = intents("text");
    assert!(intents.len() >= 50);
    for intent in intents {
        let facts = text::facts(string(&intent, "text").as_bytes(), &account(&intent)).unwrap();
        assert_eq!(facts.digest, digest(&intent), "{intent}");
        let proof = proof(&facts.digest, &account(&intent), &signature(&intent)).unwrap();
        assert_eq!(proof.as_slice(), bytes(&intent, "signature"), "{intent}");
    }
}

#[test]
fn c18_typed_data_has_the_digests_that_viem_and_ethers_give() {
    let intents = intents("typed");
    assert!(intents.len() >= 150);
    for intent in intents {
        let json = intent["data"].to_string();
        let facts = typed::facts(json.as_bytes(), &account(&intent), &Allowed::default())
            .unwrap_or_else(|why| panic!("{intent}: {why}"));
        assert_eq!(facts.digest, digest(&intent), "{intent}");
        let proof = proof(&facts.digest, &account(&intent), &signature(&intent)).unwrap();
        assert_eq!(proof.as_slice(), bytes(&intent, "signature"), "{intent}");
    }
}
