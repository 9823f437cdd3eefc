//! Typed data, honest and not.

mod properties;
mod refusals;
mod vectors;

use alloy_primitives::address;
use serde_json::{Value, json};

use super::{Facts, Refused, facts};
use crate::evm::{Account, Allowed, ChainId};

pub(super) fn account() -> Account {
    Account {
        chain: ChainId::MAINNET,
        address: address!("0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"),
    }
}

/// EIP-712's own example.
pub(super) fn mail() -> Value {
    json!({
        "types": {
            "EIP712Domain": [
                { "name": "name", "type": "string" },
                { "name": "version", "type": "string" },
                { "name": "chainId", "type": "uint256" },
                { "name": "verifyingContract", "type": "address" },
            ],
            "Person": [{ "name": "name", "type": "string" }, { "name": "wallet", "type": "address" }],
            "Mail": [
                { "name": "from", "type": "Person" },
                { "name": "to", "type": "Person" },
                { "name": "contents", "type": "string" },
            ],
        },
        "primaryType": "Mail",
        "domain": {
            "name": "Ether Mail",
            "version": "1",
            "chainId": 1,
            "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
        },
        "message": {
            "from": { "name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826" },
            "to": { "name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB" },
            "contents": "Hello, Bob!",
        },
    })
}

pub(super) fn read(json: &Value) -> Result<Facts, Refused> {
    facts(json.to_string().as_bytes(), &account(), &Allowed::default())
}

/// Typed data of one member of a type.
pub(super) fn one(written: &str, value: &Value) -> Value {
    json!({
        "types": {
            "EIP712Domain": [{ "name": "chainId", "type": "uint256" }],
            "One": [{ "name": "it", "type": written }],
        },
        "primaryType": "One",
        "domain": { "chainId": 1 },
        "message": { "it": value },
    })
}
