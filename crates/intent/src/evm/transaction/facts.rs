//! The facts of a transaction.

use alloy_primitives::{Address, B256, TxKind, U256, keccak256};

use super::{Limits, Refused, Transaction};
use crate::evm::{Account, ChainId, Creation, Effect, Native, calls};

/// What a transaction does to its account. Made only by [`facts`], so every field has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The digest that is signed.
    pub digest: B256,
    /// The chain.
    pub chain: ChainId,
    /// The account's address.
    pub from: Address,
    /// The account's nonce: transactions that share it exclude each other.
    pub nonce: u64,
    /// What leaves with the transaction itself, in wei.
    pub value: U256,
    /// The most gas that it uses.
    pub gas_limit: u64,
    /// The most that is paid for a unit of gas, in wei.
    pub fee_per_gas: u128,
    /// The most that the gas can come to, in wei. Chains that stand on another may charge for that one besides.
    pub fee_ceiling: U256,
    /// What it lets happen, in order. Never empty.
    pub effects: Vec<Effect>,
}

impl Facts {
    /// What policy counts of the native currency: the value and the most that the gas can come to.
    #[must_use]
    pub fn charge(&self) -> U256 {
        // `facts` has bounded the sum.
        self.value.saturating_add(self.fee_ceiling)
    }
}

/// What this transaction does to this account, under the default [`Limits`].
pub fn facts(transaction: &Transaction, account: &Account) -> Result<Facts, Refused> {
    facts_within(transaction, account, &Limits::default())
}

/// What this transaction does to this account, under limits of the caller's choosing.
pub fn facts_within(transaction: &Transaction, account: &Account, limits: &Limits) -> Result<Facts, Refused> {
    if transaction.chain != account.chain {
        return Err(Refused::WrongChain {
            asked: transaction.chain,
            expected: account.chain,
        });
    }
    if transaction.nonce == u64::MAX {
        return Err(Refused::Nonce);
    }
    limits.check_access(&transaction.fee)?;
    let fee_ceiling = limits.check_fee(transaction)?;
    if transaction.value.checked_add(fee_ceiling).is_none() {
        return Err(Refused::AmountOutOfRange);
    }
    let effects = match transaction.to {
        TxKind::Create => vec![creation(transaction, account, limits)?],
        TxKind::Call(to) => call(transaction, account, to)?,
    };
    Ok(Facts {
        digest: transaction.digest(),
        chain: transaction.chain,
        from: account.address,
        nonce: transaction.nonce,
        value: transaction.value,
        gas_limit: transaction.gas_limit,
        fee_per_gas: transaction.fee.per_gas(),
        fee_ceiling,
        effects,
    })
}

fn creation(transaction: &Transaction, account: &Account, limits: &Limits) -> Result<Effect, Refused> {
    let code = &transaction.data;
    if code.is_empty() {
        return Err(Refused::NoCode);
    }
    if code.len() > limits.max_code {
        return Err(Refused::CodeTooLong { limit: limits.max_code });
    }
    Ok(Effect::Creation(Creation {
        at: account.address.create(transaction.nonce),
        value: transaction.value,
        code_hash: keccak256(code),
        code_length: code.len(),
    }))
}

fn call(transaction: &Transaction, account: &Account, to: Address) -> Result<Vec<Effect>, Refused> {
    if to == Address::ZERO {
        return Err(Refused::ZeroAddress);
    }
    let mut effects = Vec::new();
    if !transaction.value.is_zero() || transaction.data.is_empty() {
        effects.push(Effect::Native(Native {
            from: account.address,
            to,
            value: transaction.value,
        }));
    }
    if !transaction.data.is_empty() {
        calls::read(account.address, to, &transaction.data, &mut effects);
    }
    Ok(effects)
}
