//! Typed data (EIP-712) into its digest and its effects.
//!
//! It is read once, by rules that leave nothing to choose: every type declared, every member there and no other, every
//! number in its range, every key once. What was read is what is hashed and what effects follow from; the JSON is not looked
//! at again.

mod domain;
mod json;
mod permits;
mod refused;
mod schema;
mod value;

use alloy_primitives::{Address, B256, Keccak256};

pub use domain::Domain;
pub use refused::Refused;

use super::{Account, Allowed, Effect, Unknown, Why};
use json::Json;
use schema::Schema;
use value::Reader;

/// The largest typed data read, in bytes of JSON.
pub const MAX_BYTES: usize = 128 * 1024;

/// The type of the domain.
const DOMAIN: &str = "EIP712Domain";

/// What typed data means to its account. Made only by [`facts`], so every field has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The digest that is signed.
    pub digest: B256,
    /// Who signs.
    pub from: Address,
    /// Whom it is for.
    pub domain: Domain,
    /// The type of the message.
    pub primary_type: String,
    /// What it lets happen. Never empty.
    pub effects: Vec<Effect>,
}

/// What this typed data means to this account: JSON with `types`, `primaryType`, `domain` and `message`, as wallets are
/// asked by `eth_signTypedData_v4`.
pub fn facts(json: &[u8], account: &Account, allowed: &Allowed) -> Result<Facts, Refused> {
    if json.len() > MAX_BYTES {
        return Err(Refused::TooLarge { limit: MAX_BYTES });
    }
    let json = Json::read(json).map_err(|(line, column)| Refused::NotJson { line, column })?;
    if let Some(key) = json.repeated_key() {
        return Err(Refused::repeated(key));
    }
    let Parts {
        types,
        primary,
        domain,
        message,
    } = Parts::of(&json)?;
    let schema = Schema::read(types)?;
    let mut reader = Reader::default();
    let domain = reader.read_struct(&schema, DOMAIN, domain, 0)?;
    let (domain, separator) = Domain::new(&schema, &domain, account, allowed)?;
    if primary == DOMAIN {
        return Err(Refused::PrimaryType);
    }
    let message = reader.read_struct(&schema, primary, message, 0)?;
    let hash = schema
        .resolver
        .eip712_data_word(&message)
        .map_err(|_| Refused::Encoding)?;
    let mut digest = Keccak256::new();
    digest.update([0x19, 0x01]);
    digest.update(separator);
    digest.update(hash);
    let known = permits::Message {
        schema: &schema,
        primary,
        value: &message,
        domain: &domain,
        from: account.address,
    };
    let effects = known.effects().unwrap_or_else(|| {
        vec![Effect::Unknown(Unknown {
            from: account.address,
            contract: domain.contract,
            why: Why::Type(primary.to_owned()),
        })]
    });
    Ok(Facts {
        digest: digest.finalize(),
        from: account.address,
        domain,
        primary_type: primary.to_owned(),
        effects,
    })
}

/// The four members of typed data.
struct Parts<'a> {
    types: &'a Json,
    primary: &'a str,
    domain: &'a Json,
    message: &'a Json,
}

impl<'a> Parts<'a> {
    fn of(json: &'a Json) -> Result<Self, Refused> {
        let Json::Object(entries) = json else {
            return Err(Refused::value("typed data", "an object"));
        };
        let [mut types, mut primary, mut domain, mut message] = [None; 4];
        for (key, value) in entries {
            match key.as_str() {
                "types" => types = Some(value),
                "primaryType" => primary = Some(value),
                "domain" => domain = Some(value),
                "message" => message = Some(value),
                _ => return Err(Refused::surplus(key)),
            }
        }
        let Json::Text(primary) = primary.ok_or_else(|| Refused::missing("primaryType"))? else {
            return Err(Refused::value("primaryType", "the name of a type"));
        };
        Ok(Self {
            types: types.ok_or_else(|| Refused::missing("types"))?,
            primary,
            domain: domain.ok_or_else(|| Refused::missing("domain"))?,
            message: message.ok_or_else(|| Refused::missing("message"))?,
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
