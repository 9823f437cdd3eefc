//! Whatever arrives: a refusal, or what alloy makes of the same JSON.

use alloy_dyn_abi::TypedData;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{account, mail, one, read};
use crate::evm::Allowed;
use crate::evm::typed::facts;

/// A built-in type and a value of it.
fn simple() -> impl Strategy<Value = (String, Value)> {
    prop_oneof![
        any::<bool>().prop_map(|value| ("bool".into(), json!(value))),
        "\\PC{0,20}".prop_map(|value| ("string".into(), json!(value))),
        any::<[u8; 20]>().prop_map(|value| ("address".into(), json!(hex(&value)))),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|value| ("bytes".into(), json!(hex(&value)))),
        prop::collection::vec(any::<u8>(), 1..=32)
            .prop_map(|value| (format!("bytes{}", value.len()), json!(hex(&value)))),
        (1..=32_usize, any::<u64>()).prop_map(|(bytes, value)| {
            let value = if bytes < 8 { value >> (64 - bytes * 8) } else { value };
            (format!("uint{}", bytes * 8), json!(value.to_string()))
        }),
        (8..=32_usize, any::<i64>()).prop_map(|(bytes, value)| (format!("int{}", bytes * 8), json!(value.to_string()))),
    ]
}

fn hex(bytes: &[u8]) -> String {
    alloy_primitives::hex::encode_prefixed(bytes)
}

/// A type of members, of arrays of them, and a struct within.
fn typed_data() -> impl Strategy<Value = Value> {
    let members = || prop::collection::vec((simple(), 0..3_usize), 1..6);
    (members(), members(), 0..3_usize).prop_map(|(outer, inner, count)| {
        let spell = |members: &[((String, Value), usize)]| -> (Vec<Value>, Value) {
            let mut types = Vec::new();
            let mut message = json!({});
            for (place, ((kind, value), shape)) in members.iter().enumerate() {
                let (kind, value) = match shape {
                    0 => (kind.clone(), value.clone()),
                    1 => (format!("{kind}[]"), json!([value, value])),
                    _ => (format!("{kind}[1][]"), json!([[value]])),
                };
                types.push(json!({ "name": format!("m{place}"), "type": kind }));
                message[format!("m{place}")] = value;
            }
            (types, message)
        };
        let ((mut outer, mut message), (inner, within)) = (spell(&outer), spell(&inner));
        outer.push(json!({ "name": "inner", "type": "Inner[]" }));
        message["inner"] = json!(vec![within; count]);
        let mut data = mail();
        data["types"]["Outer"] = json!(outer);
        data["types"]["Inner"] = json!(inner);
        data["primaryType"] = json!("Outer");
        data["message"] = message;
        data
    })
}

proptest! {
    #[test]
    fn c18_what_is_accepted_has_the_digest_that_alloy_gives_the_same_json(data in typed_data()) {
        let theirs: TypedData = serde_json::from_value(data.clone()).unwrap();
        prop_assert_eq!(read(&data).unwrap().digest, theirs.eip712_signing_hash().unwrap());
    }

    #[test]
    fn typed_data_that_was_altered_is_refused_or_means_what_alloy_takes_it_for(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = mail().to_string().into_bytes();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(facts) = facts(&bytes, &account(), &Allowed::default()) {
            let theirs: TypedData = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(facts.digest, theirs.eip712_signing_hash().unwrap());
            prop_assert!(!facts.effects.is_empty());
        }
    }

    #[test]
    fn any_bytes_are_typed_data_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100), text in "[\\[\\]{}\":,0-9a-z]{0,60}") {
        let _ = facts(&bytes, &account(), &Allowed::default());
        let _ = facts(text.as_bytes(), &account(), &Allowed::default());
    }

    #[test]
    fn any_value_is_of_its_type_or_refused((kind, value) in simple(), other in simple()) {
        prop_assert!(read(&one(&kind, &value)).is_ok());
        let _ = read(&one(&kind, &other.1));
    }
}
