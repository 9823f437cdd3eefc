//! Transactions, honest and not.

mod facts;
mod properties;
mod refusals;
mod vectors;

use alloy_primitives::{Address, Bytes, Signature, TxKind, U256, address};
use bitcoin::secp256k1::{Message, SecretKey};

use super::{Fee, Transaction};
use crate::curve::secp;
use crate::evm::{Account, ChainId};

/// A payee.
pub(crate) const BOB: Address = address!("0x3535353535353535353535353535353535353535");

/// An account whose whole key is known here.
pub(crate) struct Owner {
    secret: SecretKey,
    pub(crate) account: Account,
}

impl Owner {
    pub(crate) fn new(secret: [u8; 32]) -> Self {
        let secret = SecretKey::from_slice(&secret).unwrap();
        let key = secret.public_key(&bitcoin::secp256k1::Secp256k1::new()).serialize();
        Self {
            secret,
            account: Account::from_key(ChainId::MAINNET, &key).unwrap(),
        }
    }

    /// The signature, its parity found by trying both.
    pub(crate) fn sign(&self, digest: alloy_primitives::B256) -> Signature {
        let signer = bitcoin::secp256k1::Secp256k1::new();
        let compact = signer
            .sign_ecdsa(&Message::from_digest(digest.0), &self.secret)
            .serialize_compact();
        [false, true]
            .map(|parity| Signature::from_bytes_and_parity(&compact, parity))
            .into_iter()
            .find(|signature| signature.recover_address_from_prehash(&digest).ok() == Some(self.account.address))
            .unwrap()
    }
}

/// The transaction of EIP-155's example.
pub(crate) fn honest() -> Transaction {
    Transaction {
        chain: ChainId::MAINNET,
        nonce: 9,
        gas_limit: 21_000,
        fee: Fee::Legacy {
            gas_price: 20_000_000_000,
        },
        to: TxKind::Call(BOB),
        value: U256::from(1_000_000_000_000_000_000_u64),
        data: Bytes::new(),
    }
}

/// The same with a fee of EIP-1559.
pub(crate) fn dynamic() -> Transaction {
    Transaction {
        fee: Fee::Dynamic {
            max_fee_per_gas: 20_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            access: Vec::new(),
        },
        ..honest()
    }
}

/// The same with a fee of EIP-2930.
pub(crate) fn listed() -> Transaction {
    Transaction {
        fee: Fee::AccessList {
            gas_price: 20_000_000_000,
            access: Vec::new(),
        },
        ..honest()
    }
}

#[test]
fn the_curve_is_the_one_that_bitcoin_has() {
    // What `Owner` signs with and what the rest of the crate verifies with.
    let owner = Owner::new([7; 32]);
    let key = owner.secret.public_key(&bitcoin::secp256k1::Secp256k1::new());
    let digest = honest().digest();
    let signature = owner.sign(digest);
    let compact = bitcoin::secp256k1::ecdsa::Signature::from_compact(&signature.as_bytes()[..64]).unwrap();
    secp()
        .verify_ecdsa(&Message::from_digest(digest.0), &compact, &key)
        .unwrap();
}
