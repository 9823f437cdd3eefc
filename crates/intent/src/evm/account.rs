//! Who signs, and where.

use alloy_primitives::Address;
use bitcoin::secp256k1::PublicKey;

use super::ChainId;
use crate::AccountError;

/// One address on one chain. The same key has the same address on every chain, and each chain is an account of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    /// The chain.
    pub chain: ChainId,
    /// The address.
    pub address: Address,
}

impl Account {
    /// The account of a compressed public key.
    pub fn from_key(chain: ChainId, key: &[u8; 33]) -> Result<Self, AccountError> {
        let key = PublicKey::from_slice(key).map_err(|_| AccountError::Key)?;
        // The first byte says that both coordinates follow; the address is of these alone.
        let address = Address::from_raw_public_key(&key.serialize_uncompressed()[1..]);
        Ok(Self { chain, address })
    }
}
