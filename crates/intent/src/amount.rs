//! Amounts as people type them, without a float anywhere.

use core::fmt;
use core::str::FromStr;

use bitcoin::Amount;

/// One bitcoin in satoshis.
const COIN: u64 = 100_000_000;
/// Decimals of a bitcoin.
const DECIMALS: usize = 8;
/// Digits of 21 million bitcoin in satoshis.
const MAX_DIGITS: usize = 16;

/// An amount with its unit, `0.001btc` or `50000sat`: never zero, never above 21 million bitcoin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AmountText(Amount);

impl AmountText {
    /// The amount.
    #[must_use]
    pub const fn amount(self) -> Amount {
        self.0
    }
}

impl From<AmountText> for Amount {
    fn from(text: AmountText) -> Self {
        text.0
    }
}

impl FromStr for AmountText {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let unit_at = text
            .find(|character: char| character.is_ascii_alphabetic())
            .ok_or(AmountError::Unit)?;
        let (digits, unit) = text.split_at(unit_at);
        if unit.eq_ignore_ascii_case("btc") {
            decimal_btc(digits)
        } else if unit.eq_ignore_ascii_case("sat") || unit.eq_ignore_ascii_case("sats") {
            whole_sats(digits)
        } else {
            Err(AmountError::Unit)
        }
        .map(Self)
    }
}

impl fmt::Display for AmountText {
    /// In satoshis, so that it reads back as the same amount.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}sat", self.0.to_sat())
    }
}

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmountError {
    /// No unit, or another one.
    #[error("write the amount with its unit, such as 0.001btc or 50000sat")]
    Unit,
    /// Signs, spaces, exponents, separators, a point without digits on both sides.
    #[error("write the amount in digits, with one point at most, such as 0.001btc or 50000sat")]
    Digits,
    /// Parts of a satoshi.
    #[error("the smallest part is one satoshi: at most eight digits after the point in btc, none in sat")]
    TooFine,
    /// Nothing.
    #[error("the amount is zero; name what is to be paid")]
    Zero,
    /// More than there can be.
    #[error("the amount is above 21 million bitcoin; check the unit")]
    TooMuch,
}

impl AmountError {
    /// The stable name of this error, for programs.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unit => "AMOUNT_UNIT",
            Self::Digits => "AMOUNT_DIGITS",
            Self::TooFine => "AMOUNT_TOO_FINE",
            Self::Zero => "AMOUNT_ZERO",
            Self::TooMuch => "AMOUNT_TOO_MUCH",
        }
    }
}

/// A decimal number of bitcoin, as BIP-21 writes it too.
pub(crate) fn decimal_btc(text: &str) -> Result<Amount, AmountError> {
    let (whole, part) = match text.split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (text, None),
    };
    let whole = digits(whole)?;
    let part = match part {
        None => 0,
        Some(part) => {
            let value = digits(part)?;
            let missing = DECIMALS.checked_sub(part.len()).ok_or(AmountError::TooFine)?;
            (0..missing).fold(value, |value, _| value * 10)
        }
    };
    // At most sixteen digits of bitcoin: a u128 holds them as satoshis.
    in_range(u128::from(whole) * u128::from(COIN) + u128::from(part))
}

fn whole_sats(text: &str) -> Result<Amount, AmountError> {
    match text.split_once('.') {
        Some((whole, part)) => digits(whole).and(digits(part)).and(Err(AmountError::TooFine)),
        None => in_range(digits(text)?.into()),
    }
}

fn digits(text: &str) -> Result<u64, AmountError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AmountError::Digits);
    }
    if text.len() > MAX_DIGITS {
        return Err(AmountError::TooMuch);
    }
    text.parse().map_err(|_| AmountError::TooMuch)
}

fn in_range(sats: u128) -> Result<Amount, AmountError> {
    match u64::try_from(sats) {
        Ok(0) => Err(AmountError::Zero),
        Ok(sats) if sats <= Amount::MAX_MONEY.to_sat() => Ok(Amount::from_sat(sats)),
        _ => Err(AmountError::TooMuch),
    }
}

#[cfg(test)]
mod tests;
