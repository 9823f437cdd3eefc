//! Typed data whose digests others have published.

use alloy_primitives::{Signature, address, b256};
use serde_json::json;

use super::{account, mail, read};
use crate::evm::typed::facts;
use crate::evm::{Allowed, ChainId, Effect, Why, proof};

#[test]
fn the_example_of_eip_712_has_its_digest_and_signature() {
    let facts = read(&mail()).unwrap();
    assert_eq!(
        facts.digest,
        b256!("0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2")
    );
    let signature = Signature::from_scalars_and_parity(
        b256!("0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"),
        b256!("0x07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562"),
        true,
    );
    assert_eq!(proof(&facts.digest, &account(), &signature).unwrap()[64], 28);
    assert_eq!(facts.primary_type, "Mail");
    assert_eq!(facts.domain.name.as_deref(), Some("Ether Mail"));
    assert_eq!(facts.domain.version.as_deref(), Some("1"));
    assert_eq!(facts.domain.chain, Some(ChainId::MAINNET));
    let contract = address!("0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC");
    assert_eq!((facts.domain.contract, facts.domain.salt), (Some(contract), None));
    assert!(matches!(
        facts.effects.as_slice(),
        [Effect::Unknown(unknown)]
            if unknown.contract == Some(contract) && unknown.why == Why::Type("Mail".into()) && unknown.from == account().address
    ));
}

#[test]
fn metamasks_example_with_arrays_has_its_digest() {
    let mut data = mail();
    data["types"]["Person"] = json!([{ "name": "name", "type": "string" }, { "name": "wallets", "type": "address[]" }]);
    data["types"]["Group"] = json!([{ "name": "name", "type": "string" }, { "name": "members", "type": "Person[]" }]);
    data["types"]["Mail"][1]["type"] = json!("Person[]");
    data["message"] = json!({
        "from": {
            "name": "Cow",
            "wallets": ["0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826", "0xDeaDbeefdEAdbeefdEadbEEFdeadbeEFdEaDbeeF"],
        },
        "to": [{
            "name": "Bob",
            "wallets": [
                "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB",
                "0xB0BdaBea57B0BDABeA57b0bdABEA57b0BDabEa57",
                "0xB0B0b0b0b0b0B000000000000000000000000000",
            ],
        }],
        "contents": "Hello, Bob!",
    });
    assert_eq!(
        read(&data).unwrap().digest,
        b256!("0xa85c2e2b118698e88db68a8105b794a8cc7cec074e89ef991cb4f5f533819cc2")
    );
}

#[test]
fn a_domain_that_names_no_chain_passes_only_by_its_name() {
    let mut data = mail();
    data["types"]["EIP712Domain"].as_array_mut().unwrap().remove(2);
    data["domain"].as_object_mut().unwrap().remove("chainId");
    let mut allowed = Allowed::default();
    allowed.typed_data_without_chain.insert("Ether".into());
    let json = data.to_string();
    assert_eq!(
        facts(json.as_bytes(), &account(), &allowed).unwrap_err().reason(),
        "NO_CHAIN_ID"
    );
    allowed.typed_data_without_chain.insert("Ether Mail".into());
    let facts = facts(json.as_bytes(), &account(), &allowed).unwrap();
    assert_eq!(facts.domain.chain, None);
    assert_ne!(facts.digest, read(&mail()).unwrap().digest);
}

#[test]
fn one_number_has_one_digest_however_it_is_written() {
    let of = |chain: serde_json::Value| {
        let mut data = mail();
        data["domain"]["chainId"] = chain;
        read(&data).unwrap().digest
    };
    assert_eq!(of(json!(1)), of(json!("1")));
    assert_eq!(of(json!(1)), of(json!("0x1")));
    assert_eq!(of(json!(1)), of(json!("0x01")));
}
