//! Payment requests as links and QR codes carry them (BIP-21).

use core::fmt;

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Amount, Denomination, Network};

use crate::amount::{AmountError, decimal_btc};

/// The longest request read, in bytes.
const MAX_URI: usize = 2048;
/// The longest label or message, in bytes after decoding.
const MAX_TEXT: usize = 256;

/// A request to be paid: an address of the expected network, and what the payee says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentUri {
    /// Whom to pay.
    pub address: Address,
    /// How much; the payer chooses where it is missing.
    pub amount: Option<Amount>,
    /// The payee's name for itself: a claim, to be shown as one.
    pub label: Option<String>,
    /// What the payment is for: a claim too.
    pub message: Option<String>,
}

/// Why a text is no payment request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// Over the limit.
    #[error("the payment request is longer than {MAX_URI} bytes; ask the payee for a plain address")]
    TooLong,
    /// Neither `bitcoin:` nor an address.
    #[error("this is neither an address nor a bitcoin: link; check that all of it was copied")]
    Address,
    /// An address of another network.
    #[error("this address is not one of {0}; ask the payee for one that is")]
    Network(Network),
    /// A parameter that must be understood and is not.
    #[error("the payment request needs {0:?}, which is not supported; ask the payee for a plain address")]
    Required(String),
    /// The same parameter twice.
    #[error("the payment request says {0:?} twice; ask the payee for another")]
    Repeated(String),
    /// Bad percent-encoding, control or direction characters, overlong text.
    #[error("the text of {0:?} in the payment request is malformed; ask the payee for another")]
    Text(String),
    /// The amount is none.
    #[error("the amount in the payment request is malformed: {0}")]
    Amount(#[from] AmountError),
}

impl UriError {
    /// The stable name of this error, for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLong => "URI_TOO_LONG",
            Self::Address => "URI_ADDRESS",
            Self::Network(_) => "NETWORK_MISMATCH",
            Self::Required(_) => "URI_REQUIRED_PARAMETER",
            Self::Repeated(_) => "URI_REPEATED_PARAMETER",
            Self::Text(_) => "URI_TEXT",
            Self::Amount(error) => error.reason(),
        }
    }
}

impl PaymentUri {
    /// A bare request for an address.
    #[must_use]
    pub const fn new(address: Address) -> Self {
        Self {
            address,
            amount: None,
            label: None,
            message: None,
        }
    }

    /// Reads `bitcoin:ADDRESS?amount=0.001&label=..&message=..`, or an address alone, for one network.
    pub fn parse(text: &str, network: Network) -> Result<Self, UriError> {
        let text = text.trim();
        if text.len() > MAX_URI {
            return Err(UriError::TooLong);
        }
        let Some(rest) = strip_scheme(text) else {
            return address(text, network).map(Self::new);
        };
        // A fragment names a place in a page; a payment has none.
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let (who, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::new(address(who, network)?);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            uri.take(key, value)?;
        }
        Ok(uri)
    }

    fn take(&mut self, key: &str, value: &str) -> Result<(), UriError> {
        // Codes in capitals make smaller QR codes, so keys are read in either case.
        let key = key.to_ascii_lowercase();
        match key.as_str() {
            "amount" => fill(&mut self.amount, decimal_btc(value)?, key),
            "label" => fill(&mut self.label, decode(&key, value)?, key),
            "message" => fill(&mut self.message, decode(&key, value)?, key),
            required if required.starts_with("req-") => Err(UriError::Required(
                key.chars().filter(|c| !c.is_control()).take(40).collect(),
            )),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for PaymentUri {
    /// The link that [`PaymentUri::parse`] reads back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bitcoin:{}", self.address)?;
        let mut mark = '?';
        if let Some(amount) = self.amount {
            write!(f, "{mark}amount={}", amount.display_in(Denomination::Bitcoin))?;
            mark = '&';
        }
        for (key, text) in [("label", &self.label), ("message", &self.message)] {
            if let Some(text) = text {
                write!(f, "{mark}{key}=")?;
                encode(text, f)?;
                mark = '&';
            }
        }
        Ok(())
    }
}

fn strip_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    scheme.eq_ignore_ascii_case("bitcoin").then_some(rest)
}

fn address(text: &str, network: Network) -> Result<Address, UriError> {
    let unchecked: Address<NetworkUnchecked> = text.parse().map_err(|_| UriError::Address)?;
    unchecked
        .require_network(network)
        .map_err(|_| UriError::Network(network))
}

fn fill<T>(slot: &mut Option<T>, value: T, key: String) -> Result<(), UriError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(UriError::Repeated(key)),
    }
}

/// Percent-decoding (RFC 3986) into text that a terminal can show without being led astray.
fn decode(key: &str, value: &str) -> Result<String, UriError> {
    let malformed = || UriError::Text(key.to_owned());
    let mut bytes = value.bytes();
    let mut decoded = Vec::with_capacity(value.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || {
            bytes
                .next()
                .and_then(|byte| char::from(byte).to_digit(16))
                .ok_or_else(malformed)
        };
        let (high, low) = (digit()?, digit()?);
        decoded.push(u8::try_from(high * 16 + low).map_err(|_| malformed())?);
    }
    let text = String::from_utf8(decoded).map_err(|_| malformed())?;
    if text.len() > MAX_TEXT || text.chars().any(misleads) {
        return Err(malformed());
    }
    Ok(text)
}

/// Control characters move the cursor, and direction marks reorder what is read.
fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

fn encode(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            write!(f, "{}", char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
