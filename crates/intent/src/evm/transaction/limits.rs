//! What no sane transaction passes, whatever policy says later.

use alloy_primitives::U256;

use super::{Fee, Refused, Transaction};

/// One gwei in wei.
const GWEI: u128 = 1_000_000_000;

/// Sanity limits. They catch mistakes and burnt money; how much may be spent is policy's business. What is usual differs
/// from chain to chain, and so may they.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Gas in one transaction.
    pub max_gas: u64,
    /// Paid for a unit of gas, in wei.
    pub max_fee_per_gas: u128,
    /// Paid for gas in all, in wei.
    pub max_fee: U256,
    /// Code that makes a contract, in bytes (EIP-3860).
    pub max_code: usize,
    /// Contracts and storage keys in an access list.
    pub max_access: usize,
}

impl Limits {
    /// Checks what is paid for gas and gives the most that it can come to.
    pub(super) fn check_fee(&self, transaction: &Transaction) -> Result<U256, Refused> {
        if transaction.gas_limit > self.max_gas {
            return Err(Refused::GasTooHigh {
                gas: transaction.gas_limit,
                limit: self.max_gas,
            });
        }
        if let Fee::Dynamic {
            max_fee_per_gas,
            max_priority_fee_per_gas,
            ..
        } = transaction.fee
            && max_priority_fee_per_gas > max_fee_per_gas
        {
            return Err(Refused::PriorityAboveMax);
        }
        let per_gas = transaction.fee.per_gas();
        if per_gas > self.max_fee_per_gas {
            return Err(Refused::FeePerGasTooHigh {
                limit: self.max_fee_per_gas,
            });
        }
        // 64 and 128 bits make 192.
        let fee = U256::from(transaction.gas_limit) * U256::from(per_gas);
        if fee > self.max_fee {
            return Err(Refused::FeeTooHigh {
                fee,
                limit: self.max_fee,
            });
        }
        Ok(fee)
    }

    pub(super) fn check_access(&self, fee: &Fee) -> Result<(), Refused> {
        let lines = fee.access();
        let count = lines.iter().fold(lines.len(), |sum, line| sum + line.keys.len());
        if count > self.max_access {
            return Err(Refused::AccessTooLong { limit: self.max_access });
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_gas: 30_000_000,
            max_fee_per_gas: 1_000 * GWEI,
            max_fee: U256::from(500_000_000 * GWEI),
            max_code: 2 * 24_576,
            max_access: 1_000,
        }
    }
}
