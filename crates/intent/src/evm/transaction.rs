//! A transaction (EIP-155, EIP-2930, EIP-1559) into its digest and its facts.
//!
//! It travels unsigned, as the very bytes that are hashed, so there is one spelling of it and nothing beside it to disagree
//! with: a legacy one as the list that ends in chain id, 0, 0 (EIP-155), the others as a type and a list (EIP-2718).

mod encode;
mod facts;
mod finish;
mod limits;
mod parse;
mod refused;

use alloy_primitives::{Address, B256, Bytes, TxKind, U256};

pub use facts::{Facts, facts, facts_within};
pub use finish::{Signed, finish};
pub use limits::Limits;
pub use parse::{MAX_BYTES, parse};
pub use refused::Refused;

use super::ChainId;

/// An unsigned transaction. Blobs (EIP-4844) and authorizations (EIP-7702) have no place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The one chain that takes it.
    pub chain: ChainId,
    /// How many transactions of the account came before.
    pub nonce: u64,
    /// The most gas that it uses.
    pub gas_limit: u64,
    /// What is paid for gas; this decides the form.
    pub fee: Fee,
    /// The contract or account that is called; none for a contract that is made.
    pub to: TxKind,
    /// Native currency that goes along, in wei.
    pub value: U256,
    /// Call data, or the code that makes a contract.
    pub data: Bytes,
}

/// What is paid for a unit of gas, in wei. One form of transaction each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fee {
    /// A legacy transaction, for one chain alone (EIP-155).
    Legacy {
        /// Paid for each unit.
        gas_price: u128,
    },
    /// A legacy fee with an access list (EIP-2930, type 1).
    AccessList {
        /// Paid for each unit.
        gas_price: u128,
        /// What the transaction will touch.
        access: Vec<Access>,
    },
    /// A base fee that is burned and a tip (EIP-1559, type 2).
    Dynamic {
        /// Paid for each unit at most, tip included.
        max_fee_per_gas: u128,
        /// The most of it that is a tip.
        max_priority_fee_per_gas: u128,
        /// What the transaction will touch.
        access: Vec<Access>,
    },
}

/// A line of an access list: a contract, and the storage of it that will be touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The contract.
    pub address: Address,
    /// Its storage keys.
    pub keys: Vec<B256>,
}

impl Fee {
    /// The most that is paid for a unit of gas.
    #[must_use]
    pub const fn per_gas(&self) -> u128 {
        match self {
            Self::Legacy { gas_price } | Self::AccessList { gas_price, .. } => *gas_price,
            Self::Dynamic { max_fee_per_gas, .. } => *max_fee_per_gas,
        }
    }

    /// The access list, where this form has one.
    #[must_use]
    pub fn access(&self) -> &[Access] {
        match self {
            Self::Legacy { .. } => &[],
            Self::AccessList { access, .. } | Self::Dynamic { access, .. } => access,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
