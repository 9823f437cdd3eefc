//! How single values are spelled in the headers. Every value has one spelling; any other is refused.

use alloc::{
    format,
    string::{String, ToString},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use twofold_threshold::{id::WalletId, identity::IdentityKey};

use super::ProofFault;
use crate::limits::NONCE_BYTES;

/// Spells a Content-Digest of a body's SHA-256.
pub(super) fn content_digest(digest: &[u8; 32]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(digest))
}

/// Reads a Content-Digest: `sha-256` alone.
pub(super) fn parse_content_digest(text: &str) -> Option<[u8; 32]> {
    byte_sequence::<32, 33>(text.strip_prefix("sha-256=")?)
}

/// Spells the Signature header.
pub(super) fn signature(signature: &[u8; 64]) -> String {
    format!("{}=:{}:", super::LABEL, STANDARD.encode(signature))
}

/// Reads the Signature header: our label alone.
pub(super) fn parse_signature(text: &str) -> Option<[u8; 64]> {
    byte_sequence::<64, 66>(text.strip_prefix(super::LABEL)?.strip_prefix('=')?)
}

/// Reads `:base64:` of exactly `N` bytes; `ROOM` is `N` rounded up to a multiple of three.
fn byte_sequence<const N: usize, const ROOM: usize>(text: &str) -> Option<[u8; N]> {
    let inner = text.strip_prefix(':')?.strip_suffix(':')?;
    // The length first: the decoder then never needs more than `ROOM`.
    if inner.len() != ROOM / 3 * 4 {
        return None;
    }
    let mut buffer = [0; ROOM];
    let length = STANDARD.decode_slice(inner, &mut buffer).ok()?;
    buffer.get(..length)?.try_into().ok()
}

/// Spells a nonce.
pub(super) fn nonce(nonce: [u8; NONCE_BYTES]) -> String {
    URL_SAFE_NO_PAD.encode(nonce)
}

/// Reads a nonce: 22 characters of base64url without padding, the unused bits zero.
pub(super) fn parse_nonce(text: &str) -> Option<[u8; NONCE_BYTES]> {
    if text.len() != 22 {
        return None;
    }
    let mut buffer = [0; 18];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut buffer).ok()?;
    buffer.get(..length)?.try_into().ok()
}

/// The algorithm's name in RFC 9421's registry that goes with a key; none if this profile has none for it.
pub(super) const fn algorithm(key: &IdentityKey) -> Option<&'static str> {
    match key {
        IdentityKey::Ed25519(_) => Some("ed25519"),
        IdentityKey::P256(_) => Some("ecdsa-p256-sha256"),
        _ => None,
    }
}

/// Spells a key as `keyid`; none if this profile can't.
pub(super) fn key_id(key: &IdentityKey) -> Option<String> {
    match key {
        IdentityKey::Ed25519(bytes) => Some(format!("ed25519:{}", hex::encode(bytes))),
        IdentityKey::P256(bytes) => Some(format!("p256:{}", hex::encode(bytes))),
        _ => None,
    }
}

/// Reads a `keyid`. Whether the bytes are a point on the curve is found when the signature is checked; the form of a
/// compressed P-256 point is checked here.
pub(super) fn parse_key_id(text: &str) -> Option<IdentityKey> {
    if let Some(hex) = text.strip_prefix("ed25519:") {
        return lower_hex(hex).map(IdentityKey::Ed25519);
    }
    let bytes = lower_hex::<33>(text.strip_prefix("p256:")?)?;
    matches!(bytes[0], 2 | 3).then_some(IdentityKey::P256(bytes))
}

/// Spells the wallet header.
pub(super) fn wallet(wallet: Option<WalletId>) -> String {
    wallet.map_or_else(|| "none".into(), |id| id.to_string())
}

/// Reads the wallet header.
pub(super) fn parse_wallet(text: &str) -> Result<Option<WalletId>, ProofFault> {
    if text == "none" {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|_| ProofFault::Unreadable(super::WALLET_HEADER))
}

/// Reads an integer as RFC 9651 serializes one: at most 15 digits, no sign, no zero in front.
pub(super) fn parse_integer(text: &str) -> Option<u64> {
    let canonical = matches!(text.len(), 1..=15)
        && text.bytes().all(|b| b.is_ascii_digit())
        && (text.len() == 1 || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

/// Reads `N` bytes of lower-case hex.
fn lower_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}
