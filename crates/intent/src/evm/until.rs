//! How long something holds.

use core::fmt;

use alloy_primitives::U256;

/// Until when something holds that a signature lets happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Until {
    /// It happens once, when the transaction is mined.
    Mined,
    /// It may be used up to this second since 1970.
    Time(u64),
    /// It has no end.
    Never,
}

impl Until {
    /// Seconds from which on an end is none: the year 5138.
    const FOR_EVER: u64 = 100_000_000_000;

    /// Takes a deadline as contracts have it.
    #[must_use]
    pub fn from_seconds(seconds: U256) -> Self {
        match u64::try_from(seconds) {
            Ok(seconds) if seconds < Self::FOR_EVER => Self::Time(seconds),
            _ => Self::Never,
        }
    }
}

/// When an allowance of Permit2's ends that is given until `given_by`: one of zero holds for the block that it is given in.
pub(super) fn permit2_end(expiration: U256, given_by: Until) -> Until {
    if expiration.is_zero() {
        given_by
    } else {
        Until::from_seconds(expiration)
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mined => f.write_str("at once"),
            Self::Time(seconds) => write!(f, "until {seconds} seconds since 1970"),
            Self::Never => f.write_str("without an end"),
        }
    }
}
