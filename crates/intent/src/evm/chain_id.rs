//! The number that keeps one chain's signatures off another.

use core::fmt;

use alloy_primitives::U256;

/// A chain's id (EIP-155): above zero, and small enough that the `v` of a legacy signature fits 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(u64);

impl ChainId {
    /// Ethereum itself.
    pub const MAINNET: Self = Self(1);
    /// The largest id: twice it and 36 is the largest `v` (EIP-155).
    const MAX: u64 = (u64::MAX - 36) / 2;

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl TryFrom<u64> for ChainId {
    type Error = ChainIdError;

    fn try_from(number: u64) -> Result<Self, ChainIdError> {
        if (1..=Self::MAX).contains(&number) {
            Ok(Self(number))
        } else {
            Err(ChainIdError)
        }
    }
}

impl TryFrom<U256> for ChainId {
    type Error = ChainIdError;

    fn try_from(number: U256) -> Result<Self, ChainIdError> {
        u64::try_from(number).map_err(|_| ChainIdError)?.try_into()
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// No chain has this id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a chain id is a number from 1 to {}; look it up in the chain's documentation",
    ChainId::MAX
)]
pub struct ChainIdError;

#[cfg(test)]
mod tests;
