//! Reading a request's headers into a proof.

use alloc::{string::String, vec::Vec};

use sha2::{Digest, Sha256};
use twofold_threshold::{
    id::{RequestDigest, WalletId},
    identity::IdentityKey,
};

use super::{AUTHORIZATION, COVERED, LABEL, covered, field, opening, protocol::Protocol, signature_base};
use crate::{
    limits::{LIFETIME_SECONDS, NONCE_BYTES},
    reason::{Reason, Refusal},
};

/// Most characters in a `Content-Type`.
const CONTENT_TYPE_CHARS: usize = 100;

/// A request's signature and all that it covers, in the one form that is accepted. It is parsed, not yet verified:
/// check [`Proof::signature`] over [`Proof::base`] under [`Proof::key`], the body against [`Proof::body_digest`], the
/// clock against [`Proof::window`] and the nonce against what was seen.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    window: Window,
    nonce: [u8; NONCE_BYTES],
    key: IdentityKey,
    wallet: Option<WalletId>,
    protocol: Protocol,
    body_digest: [u8; 32],
    signature: [u8; 64],
    base: Vec<u8>,
}

/// From when until when a request may be executed, in seconds since 1970; at most a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When the device signed.
    pub created: u64,
    /// When the request dies.
    pub expires: u64,
}

/// Why headers are no [`Proof`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofFault {
    /// A header that must be there is not.
    #[error("the request has no {0} header")]
    Missing(&'static str),
    /// A header that must be there once is there twice.
    #[error("the request has more than one {0} header")]
    Repeated(&'static str),
    /// A header holds something else than visible ASCII, or too much.
    #[error("the {0} header can't be read")]
    Unreadable(&'static str),
    /// Not exactly one signature with our label.
    #[error("Signature-Input must hold one signature, labelled `twofold`")]
    Label,
    /// The signature covers something else than it must.
    #[error("the signature must cover exactly {COVERED}, and \"authorization\" behind them where there is that header")]
    Components,
    /// A parameter is missing, misspelled, or out of order.
    #[error("the signature's parameter `{0}` is missing, malformed or out of order")]
    Parameter(&'static str),
    /// Something follows the last parameter.
    #[error("something follows the signature's `tag`")]
    Surplus,
    /// `alg` does not go with the key in `keyid`.
    #[error("`alg` does not fit the key in `keyid`")]
    Algorithm,
    /// `expires` is not after `created`, or more than a minute after it.
    #[error("`expires` must be after `created`, by at most {LIFETIME_SECONDS} seconds")]
    Lifetime,
    /// The body is encoded in a way that the signature does not cover.
    #[error("send the body without Content-Encoding")]
    Encoded,
    /// The method or the target can't stand in a signature base.
    #[error("the method or the target holds something else than visible ASCII")]
    Target,
}

impl From<ProofFault> for Refusal {
    fn from(fault: ProofFault) -> Self {
        Self::new(Reason::SignatureMissing, alloc::string::ToString::to_string(&fault))
    }
}

/// The headers that matter here, by place.
const NAMES: [&str; 8] = [
    "content-digest",
    "content-type",
    "twofold-protocol",
    "twofold-wallet",
    "signature-input",
    "signature",
    "content-encoding",
    AUTHORIZATION,
];

impl Proof {
    /// Reads a request.
    ///
    /// `method` is as in the request line; `target_uri` is the server's public URL with the path and query that were
    /// asked for; `headers` gives every header line as lower-case name and raw value, repeated ones repeatedly. Nothing
    /// is allocated until every header has been checked.
    pub fn parse<'a>(
        method: &str,
        target_uri: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, ProofFault> {
        let [
            digest,
            content_type,
            protocol,
            wallet,
            input,
            signature,
            encoding,
            authorization,
        ] = collect(headers)?;
        if !matches!(encoding, None | Some("identity")) {
            return Err(ProofFault::Encoded);
        }
        check_target(method, target_uri)?;
        let input = input.ok_or(ProofFault::Missing("signature-input"))?;
        let signature = signature.ok_or(ProofFault::Missing("signature"))?;
        let digest = digest.ok_or(ProofFault::Missing("content-digest"))?;
        let content_type = content_type.ok_or(ProofFault::Missing("content-type"))?;
        let protocol = protocol.ok_or(ProofFault::Missing("twofold-protocol"))?;
        let wallet = wallet.ok_or(ProofFault::Missing("twofold-wallet"))?;
        check_content_type(content_type)?;
        authorization.map(check_authorization).transpose()?;

        let params = input
            .strip_prefix(LABEL)
            .and_then(|rest| rest.strip_prefix('='))
            .ok_or(ProofFault::Label)?;
        let Params { window, nonce, key } = Params::parse(params, authorization.is_some())?;
        let values = [method, target_uri, digest, content_type, protocol, wallet];
        Ok(Self {
            window,
            nonce,
            key,
            body_digest: field::parse_content_digest(digest).ok_or(ProofFault::Unreadable("content-digest"))?,
            signature: field::parse_signature(signature).ok_or(ProofFault::Unreadable("signature"))?,
            wallet: field::parse_wallet(wallet)?,
            protocol: Protocol::parse(protocol).ok_or(ProofFault::Unreadable("twofold-protocol"))?,
            base: signature_base(covered(values, authorization), params),
        })
    }

    /// From when until when the request may be executed. Its length is already checked.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// The request's nonce: no other request of this device has it.
    #[must_use]
    pub const fn nonce(&self) -> [u8; NONCE_BYTES] {
        self.nonce
    }

    /// The key that claims to have signed.
    #[must_use]
    pub const fn key(&self) -> &IdentityKey {
        &self.key
    }

    /// The wallet that the request is about.
    #[must_use]
    pub const fn wallet(&self) -> Option<WalletId> {
        self.wallet
    }

    /// The protocol that the client speaks.
    #[must_use]
    pub const fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// SHA-256 that the body must have, as sent.
    #[must_use]
    pub const fn body_digest(&self) -> &[u8; 32] {
        &self.body_digest
    }

    /// The signature: Ed25519's 64 bytes, or ECDSA's r and s of 32 bytes each. An ECDSA signature has a second valid
    /// form (s negated); nothing may be told apart by these bytes, only by [`Proof::digest`].
    #[must_use]
    pub const fn signature(&self) -> &[u8; 64] {
        &self.signature
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn base(&self) -> &[u8] {
        &self.base
    }

    /// What names this request: SHA-256 of [`Proof::base`], worked out at each call. It covers all that was signed and
    /// not the signature.
    #[must_use]
    pub fn digest(&self) -> RequestDigest {
        RequestDigest(Sha256::digest(&self.base).into())
    }
}

impl core::fmt::Debug for Proof {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Whoever has a token is its owner.
        let shown = |line: &&str| !line.starts_with("\"authorization\": ");
        let base = String::from_utf8_lossy(&self.base);
        base.split('\n')
            .filter(shown)
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// What the signature's parameters say.
struct Params {
    window: Window,
    nonce: [u8; NONCE_BYTES],
    key: IdentityKey,
}

impl Params {
    fn parse(text: &str, authorized: bool) -> Result<Self, ProofFault> {
        let rest = text.strip_prefix(opening(authorized)).ok_or(ProofFault::Components)?;
        let (created, rest) = parameter(rest, "created")?;
        let (expires, rest) = parameter(rest, "expires")?;
        let (nonce, rest) = parameter(rest, "nonce")?;
        let (keyid, rest) = parameter(rest, "keyid")?;
        let (alg, rest) = parameter(rest, "alg")?;
        let (tag, rest) = parameter(rest, "tag")?;
        if !rest.is_empty() {
            return Err(if rest.starts_with(',') {
                ProofFault::Label
            } else {
                ProofFault::Surplus
            });
        }

        let created = field::parse_integer(created).ok_or(ProofFault::Parameter("created"))?;
        let expires = field::parse_integer(expires).ok_or(ProofFault::Parameter("expires"))?;
        let nonce = quoted(nonce)
            .and_then(field::parse_nonce)
            .ok_or(ProofFault::Parameter("nonce"))?;
        let key = quoted(keyid)
            .and_then(field::parse_key_id)
            .ok_or(ProofFault::Parameter("keyid"))?;
        let alg = quoted(alg).ok_or(ProofFault::Parameter("alg"))?;
        if quoted(tag) != Some(LABEL) {
            return Err(ProofFault::Parameter("tag"));
        }
        if Some(alg) != field::algorithm(&key) {
            return Err(ProofFault::Algorithm);
        }
        let window = Window { created, expires };
        check_lifetime(window)?;
        Ok(Self { window, nonce, key })
    }
}

/// Takes `;name=value` off the front. None of our values holds a semicolon or a comma, quoted or not.
fn parameter<'a>(text: &'a str, name: &'static str) -> Result<(&'a str, &'a str), ProofFault> {
    let value = text
        .strip_prefix(';')
        .and_then(|rest| rest.strip_prefix(name))
        .and_then(|rest| rest.strip_prefix('='))
        .ok_or(ProofFault::Parameter(name))?;
    Ok(value.split_at(value.find([';', ',']).unwrap_or(value.len())))
}

/// What stands between the quotes. Values with quotes or backslashes inside fail when they are parsed.
fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix('"')
}

/// Picks our headers out of all, each at most once, trimmed as RFC 9421 section 2.1 says.
fn collect<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<[Option<&'a str>; NAMES.len()], ProofFault> {
    let mut found = [None; NAMES.len()];
    for (name, value) in headers {
        let Some((place, name)) = NAMES.iter().enumerate().find(|(_, known)| **known == name) else {
            continue;
        };
        let Some(slot) = found.get_mut(place) else { continue };
        let text = core::str::from_utf8(value)
            .map_err(|_| ProofFault::Unreadable(name))?
            .trim_matches([' ', '\t']);
        if !is_visible(text) {
            return Err(ProofFault::Unreadable(name));
        }
        if slot.replace(text).is_some() {
            return Err(ProofFault::Repeated(name));
        }
    }
    Ok(found)
}

pub(super) fn check_target(method: &str, target_uri: &str) -> Result<(), ProofFault> {
    let fits = |text: &str| !text.is_empty() && text.bytes().all(|b| matches!(b, b'!'..=b'~'));
    if fits(method) && fits(target_uri) {
        Ok(())
    } else {
        Err(ProofFault::Target)
    }
}

pub(super) fn check_content_type(text: &str) -> Result<(), ProofFault> {
    let trimmed = text.trim_matches([' ', '\t']) == text;
    let fits = matches!(text.len(), 1..=CONTENT_TYPE_CHARS) && is_visible(text) && trimmed;
    if fits {
        Ok(())
    } else {
        Err(ProofFault::Unreadable("content-type"))
    }
}

pub(super) fn check_authorization(text: &str) -> Result<(), ProofFault> {
    let trimmed = text.trim_matches([' ', '\t']) == text;
    if !text.is_empty() && is_visible(text) && trimmed {
        Ok(())
    } else {
        Err(ProofFault::Unreadable(AUTHORIZATION))
    }
}

pub(super) fn check_lifetime(window: Window) -> Result<(), ProofFault> {
    let lifetime = window.expires.checked_sub(window.created);
    // Structured fields have no integer of more than 15 digits.
    let spellable = window.expires < 10_u64.pow(15);
    if spellable && matches!(lifetime, Some(1..=LIFETIME_SECONDS)) {
        Ok(())
    } else {
        Err(ProofFault::Lifetime)
    }
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' '..=b'~'))
}
