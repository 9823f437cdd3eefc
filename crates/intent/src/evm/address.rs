//! Addresses as people and pages write them.

use alloy_primitives::{Address, hex};

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Not `0x` and forty hexadecimal digits.
    #[error("an address is 0x and forty hexadecimal digits")]
    Form,
    /// Capitals that are no checksum.
    #[error("the address has capitals that do not fit its checksum (EIP-55): a digit is wrong; copy it again")]
    Checksum,
}

impl AddressError {
    /// The stable name of this error, for programs.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Form => "ADDRESS_FORM",
            Self::Checksum => "ADDRESS_CHECKSUM",
        }
    }
}

/// Reads an address. Where both cases of letters stand in it they are a checksum (EIP-55) and must fit; one case alone is no
/// claim, as programs write it.
pub fn address(text: &str) -> Result<Address, AddressError> {
    let digits = text.strip_prefix("0x").ok_or(AddressError::Form)?;
    let mut bytes = [0; 20];
    if digits.len() != 40 || hex::decode_to_slice(digits, &mut bytes).is_err() {
        return Err(AddressError::Form);
    }
    let address = Address::from(bytes);
    let has = |is: fn(&u8) -> bool| digits.bytes().any(|byte| is(&byte));
    if has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && address.to_checksum(None) != text {
        return Err(AddressError::Checksum);
    }
    Ok(address)
}

#[cfg(test)]
mod tests;
