//! Whom typed data is for: the domain.

use std::borrow::Cow;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::Eip712Domain;

use super::schema::Schema;
use super::{DOMAIN, Refused};
use crate::evm::{Account, Allowed, ChainId};

/// The members that a domain may have, in the order that EIP-712 gives them.
const MEMBERS: [(&str, &str); 5] = [
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
    ("salt", "bytes32"),
];

/// The domain of typed data: what its signature is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Domain {
    /// What the application calls itself. Anybody may call themselves anything.
    pub name: Option<String>,
    /// The version of the application's types.
    pub version: Option<String>,
    /// The chain; none only where that was allowed by name.
    pub chain: Option<ChainId>,
    /// The contract that will verify.
    pub contract: Option<Address>,
    /// What tells it from others that are alike.
    pub salt: Option<B256>,
}

impl Domain {
    /// Takes what was read of the declared type.
    pub(super) fn new(
        schema: &Schema,
        value: &DynSolValue,
        account: &Account,
        allowed: &Allowed,
    ) -> Result<(Self, B256), Refused> {
        check_type(schema)?;
        let mut parts = Eip712Domain::default();
        if let DynSolValue::CustomStruct { prop_names, tuple, .. } = value {
            for (name, value) in prop_names.iter().zip(tuple) {
                match (name.as_str(), value) {
                    ("name", DynSolValue::String(text)) => parts.name = Some(Cow::Owned(text.clone())),
                    ("version", DynSolValue::String(text)) => parts.version = Some(Cow::Owned(text.clone())),
                    ("chainId", DynSolValue::Uint(number, _)) => parts.chain_id = Some(*number),
                    ("verifyingContract", DynSolValue::Address(at)) => parts.verifying_contract = Some(*at),
                    ("salt", DynSolValue::FixedBytes(word, _)) => parts.salt = Some(*word),
                    _ => return Err(Refused::DomainType),
                }
            }
        }
        let chain = chain(parts.chain_id, parts.name.as_deref(), account, allowed)?;
        let separator = parts.separator();
        let domain = Self {
            name: parts.name.map(Cow::into_owned),
            version: parts.version.map(Cow::into_owned),
            chain,
            contract: parts.verifying_contract,
            salt: parts.salt,
        };
        Ok((domain, separator))
    }
}

/// The account's chain, or none where the domain's name was allowed to name none.
fn chain(
    asked: Option<U256>,
    name: Option<&str>,
    account: &Account,
    allowed: &Allowed,
) -> Result<Option<ChainId>, Refused> {
    let Some(asked) = asked else {
        return if name.is_some_and(|name| allowed.typed_data_without_chain.contains(name)) {
            Ok(None)
        } else {
            Err(Refused::NoChain)
        };
    };
    let asked = ChainId::try_from(asked).map_err(|_| Refused::ChainId)?;
    if asked == account.chain {
        Ok(Some(asked))
    } else {
        Err(Refused::WrongChain {
            asked,
            expected: account.chain,
        })
    }
}

/// The domain's type has members of EIP-712 alone, in its order: only so is there one way to hash it.
fn check_type(schema: &Schema) -> Result<(), Refused> {
    let members = schema.members(DOMAIN).ok_or_else(|| Refused::missing(DOMAIN))?;
    let mut allowed = MEMBERS.iter();
    for member in members {
        if !allowed.any(|(name, written)| *name == member.name && *written == member.written) {
            return Err(Refused::DomainType);
        }
    }
    Ok(())
}
