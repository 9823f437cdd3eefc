//! The proof that a device asks: HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530), in one strict form.
//!
//! A signature covers, in exactly this order, `@method`, `@target-uri`, `content-digest`, `content-type`,
//! `twofold-protocol` and `twofold-wallet`. Its parameters are, in exactly this order, `created`, `expires`, `nonce`,
//! `keyid`, `alg` and `tag="twofold"`. Its label is `twofold`, and a request has one.
//!
//! ```text
//! POST /twofold.v1.CosignerService/Sign
//! Content-Type: application/proto
//! Content-Digest: sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:
//! Twofold-Protocol: 1;sdk="twofold-cli/0.1.0"
//! Twofold-Wallet: 000102030405060708090a0b0c0d0e0f
//! Signature-Input: twofold=("@method" "@target-uri" "content-digest" "content-type" "twofold-protocol" "twofold-wallet");created=1790000000;expires=1790000030;nonce="AAAAAAAAAAAAAAAAAAAAAA";keyid="ed25519:26b40b8f..";alg="ed25519";tag="twofold"
//! Signature: twofold=:wqcAqbmYJ2ji...:
//! ```
//!
//! RFC 9421 lets a verifier choose what it asks for; this one takes a single spelling of every part (the canonical
//! serialization of RFC 9651), so no two readers of the same headers can disagree about what was signed. `keyid` is the
//! key itself, so a signature is checked before anything is looked up. `@target-uri` is the server's configured public
//! URL with the path that was asked for: a proxy in between changes nothing. Content-Digest covers the body as sent,
//! envelopes included, and `Content-Encoding` is refused, as it would be outside the signature.
//!
//! Where a request has an `Authorization` header, a seventh component `authorization` follows the six: a token that was put
//! in, taken out or exchanged on the way makes another request, whose signature does not hold.
//!
//! This module parses and builds. Checking a signature, the clock and the nonce is the cosigner's.

mod base;
mod field;
mod proof;
mod protocol;
mod unsigned;

pub use base::signature_base;
pub use proof::{Proof, ProofFault, Window};
pub use protocol::{Protocol, ProtocolFault};
pub use unsigned::{Draft, SignedHeaders, Unsigned};

use twofold_threshold::identity::IdentityKey;

/// The label of the one signature, and its `tag`.
pub const LABEL: &str = "twofold";
/// What is covered, in this order.
pub const COMPONENTS: [&str; 6] = [
    "@method",
    "@target-uri",
    "content-digest",
    "content-type",
    "twofold-protocol",
    "twofold-wallet",
];
/// Header with the wallet that a request is about: its id in lower-case hex, or `none`.
pub const WALLET_HEADER: &str = "twofold-wallet";
/// Header with the protocol's major version and the client's name and version.
pub const PROTOCOL_HEADER: &str = "twofold-protocol";

/// What is covered beside [`COMPONENTS`], behind them, where the request has that header.
pub const AUTHORIZATION: &str = "authorization";

/// [`COMPONENTS`] as the inner list that opens the signature's parameters.
const COVERED: &str =
    r#"("@method" "@target-uri" "content-digest" "content-type" "twofold-protocol" "twofold-wallet")"#;
/// The same with [`AUTHORIZATION`].
const COVERED_AND_AUTHORIZED: &str =
    r#"("@method" "@target-uri" "content-digest" "content-type" "twofold-protocol" "twofold-wallet" "authorization")"#;

/// Reads a key as `keyid` spells it; none where it is none, or a weak one.
#[must_use]
pub fn parse_key(text: &str) -> Option<IdentityKey> {
    IdentityKey::try_from(field::parse_key_id(text)?.to_bytes().as_slice()).ok()
}

/// What is covered, with values: the six, and the header that some requests have.
fn covered<'a>(
    values: [&'a str; 6],
    authorization: Option<&'a str>,
) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
    let authorization = authorization.map(|value| (AUTHORIZATION, value));
    COMPONENTS.into_iter().zip(values).chain(authorization)
}

/// The signature's components, as the parameters begin with them.
const fn opening(authorized: bool) -> &'static str {
    if authorized { COVERED_AND_AUTHORIZED } else { COVERED }
}

#[cfg(test)]
mod tests;
