//! What no sane transaction passes, whatever policy says later.

use bitcoin::transaction::Version;
use bitcoin::{Amount, FeeRate, Weight};

use super::Refused;

/// Sanity limits. They catch mistakes and burnt money; how much may be spent is policy's business.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Inputs in one transaction, others' included.
    pub max_inputs: usize,
    /// Outputs in one transaction.
    pub max_outputs: usize,
    /// What nodes relay at most: 400,000 weight units.
    pub max_weight: Weight,
    /// Fee for each unit of weight.
    pub max_fee_rate: FeeRate,
    /// Fee in all.
    pub max_fee: Amount,
    /// Fee in percent of what is paid (or moved, where nothing is paid), above `free_fee`.
    pub max_fee_percent: u64,
    /// A fee up to this is never measured against the amount: small payments in busy weeks are no mistake.
    pub free_fee: Amount,
    /// How many blocks past the tip a lock may reach.
    pub max_lock_blocks: u32,
    /// How many seconds past the tip's median time a lock may reach.
    pub max_lock_seconds: u32,
}

impl Limits {
    /// Inputs in one transaction, by default.
    pub const MAX_INPUTS: usize = 100;
    /// Outputs in one transaction, by default.
    pub const MAX_OUTPUTS: usize = 500;
    /// Weight of a version 3 transaction (BIP-431): 10,000 vB.
    const MAX_TRUC_WEIGHT: Weight = Weight::from_vb_unchecked(10_000);

    pub(super) fn check_weight(&self, weight: Weight, version: Version) -> Result<(), Refused> {
        let limit = if version == Version(3) {
            self.max_weight.min(Self::MAX_TRUC_WEIGHT)
        } else {
            self.max_weight
        };
        if weight > limit {
            return Err(Refused::TooHeavy {
                weight: weight.to_wu(),
                limit: limit.to_wu(),
            });
        }
        Ok(())
    }

    pub(super) fn check_fee(&self, fee: Amount, weight: Weight, paid: Amount) -> Result<(), Refused> {
        if fee > self.max_fee {
            return Err(Refused::FeeTooHigh {
                fee,
                limit: self.max_fee,
            });
        }
        // Where the product overflows, no amount of money reaches the limit.
        if self.max_fee_rate.fee_wu(weight).is_some_and(|limit| fee > limit) {
            return Err(Refused::FeeRateTooHigh {
                limit: self.max_fee_rate.to_sat_per_vb_floor(),
            });
        }
        let share = u128::from(paid.to_sat()) * u128::from(self.max_fee_percent);
        if fee > self.free_fee && u128::from(fee.to_sat()) * 100 > share {
            return Err(Refused::FeeShareTooHigh {
                fee,
                paid,
                percent: self.max_fee_percent,
            });
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_inputs: Self::MAX_INPUTS,
            max_outputs: Self::MAX_OUTPUTS,
            max_weight: Weight::from_wu(400_000),
            max_fee_rate: FeeRate::from_sat_per_vb_u32(1_000),
            max_fee: Amount::from_sat(5_000_000),
            max_fee_percent: 50,
            free_fee: Amount::from_sat(20_000),
            max_lock_blocks: 144,
            max_lock_seconds: 86_400,
        }
    }
}
