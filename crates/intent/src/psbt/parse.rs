//! Bytes into a PSBT: bounded, whole, nothing left over.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bitcoin::Psbt;

use super::Refused;

/// The largest PSBT read, in bytes. The API carries no more, so that its frame fits a request.
pub const MAX_BYTES: usize = 192 * 1024;

/// Longest excerpt of a decoder's complaint: it may quote the sender's bytes.
const MAX_COMPLAINT: usize = 120;

/// Reads a binary PSBT (BIP-174, version 0).
pub fn from_bytes(bytes: &[u8]) -> Result<Psbt, Refused> {
    if bytes.is_empty() {
        return Err(Refused::Empty);
    }
    if bytes.len() > MAX_BYTES {
        return Err(Refused::TooLarge { limit: MAX_BYTES });
    }
    let mut rest = bytes;
    let psbt =
        Psbt::deserialize_from_reader(&mut rest).map_err(|fault| Refused::Unparseable(excerpt(&fault.to_string())))?;
    if rest.is_empty() {
        Ok(psbt)
    } else {
        Err(Refused::TrailingBytes(rest.len()))
    }
}

/// Reads a PSBT in base64, white space aside, as wallets copy it.
pub fn from_base64(text: &str) -> Result<Psbt, Refused> {
    // Four characters carry three bytes; lines of 64 add two more for each.
    if text.len() > MAX_BYTES / 2 * 3 {
        return Err(Refused::TooLarge { limit: MAX_BYTES });
    }
    let packed: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if packed.is_empty() {
        return Err(Refused::Empty);
    }
    from_bytes(&STANDARD.decode(packed).map_err(|_| Refused::NotBase64)?)
}

/// Reads a PSBT file of either form: binary where it starts with the magic bytes, base64 otherwise.
pub fn read(file: &[u8]) -> Result<Psbt, Refused> {
    if file.is_empty() || file.starts_with(b"psbt\xff") {
        return from_bytes(file);
    }
    from_base64(core::str::from_utf8(file).map_err(|_| Refused::NotBase64)?)
}

/// A PSBT in base64, as other wallets take it.
#[must_use]
pub fn to_base64(psbt: &Psbt) -> String {
    STANDARD.encode(psbt.serialize())
}

fn excerpt(complaint: &str) -> String {
    complaint
        .chars()
        .filter(|character| !character.is_control())
        .take(MAX_COMPLAINT)
        .collect()
}
