//! A signature into the transaction that is broadcast.

use alloy_primitives::{B256, Signature, keccak256};

use super::Transaction;
use crate::evm::signature::check;
use crate::evm::{Account, BadSignature};

/// A signed transaction, as nodes take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The bytes to broadcast.
    pub bytes: Vec<u8>,
    /// The transaction's hash, by which it is found on the chain.
    pub hash: B256,
}

/// Puts in the account's signature. It is verified first: what comes back is the account's, or nothing does.
pub fn finish(transaction: &Transaction, account: &Account, signature: &Signature) -> Result<Signed, BadSignature> {
    check(&transaction.digest(), signature, account.address)?;
    let bytes = transaction.signed(signature);
    let hash = keccak256(&bytes);
    Ok(Signed { bytes, hash })
}
