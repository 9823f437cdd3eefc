//! Building a request's headers, for whatever holds the key.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use sha2::{Digest, Sha256};
use twofold_threshold::{
    id::{RequestDigest, WalletId},
    identity::IdentityKey,
};

use super::{
    AUTHORIZATION, LABEL, PROTOCOL_HEADER, ProofFault, Protocol, WALLET_HEADER, Window, covered, field, opening,
    proof::{check_authorization, check_content_type, check_lifetime, check_target},
    signature_base,
};
use crate::limits::NONCE_BYTES;

/// What a signature is to cover.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// The HTTP method: `POST`.
    pub method: &'a str,
    /// The server's public URL with the path that is asked for ([`crate::public_url::PublicUrl::target`]).
    pub target_uri: &'a str,
    /// The body's `Content-Type`, as it will be sent.
    pub content_type: &'a str,
    /// The body, as it will be sent.
    pub body: &'a [u8],
    /// The wallet that the request is about.
    pub wallet: Option<WalletId>,
    /// The protocol and who speaks it.
    pub protocol: &'a Protocol,
    /// The key that will sign.
    pub key: &'a IdentityKey,
    /// From when until when the request may be executed.
    pub window: Window,
    /// 16 random bytes, never used before by this device.
    pub nonce: [u8; NONCE_BYTES],
}

/// A request that waits for its signature. Sign [`Unsigned::base`] (Ed25519, or ECDSA on P-256 with SHA-256), then
/// [`Unsigned::attach`] the 64 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Unsigned {
    authorization: Option<String>,
    digest: String,
    content_type: String,
    protocol: String,
    wallet: String,
    params: String,
    base: Vec<u8>,
}

impl Unsigned {
    /// Spells out what is to be signed.
    pub fn new(draft: &Draft<'_>) -> Result<Self, ProofFault> {
        Self::spelt(draft, None)
    }

    /// The same with the value of an `Authorization` header.
    pub fn authorized(draft: &Draft<'_>, authorization: &str) -> Result<Self, ProofFault> {
        check_authorization(authorization)?;
        Self::spelt(draft, Some(authorization))
    }

    fn spelt(draft: &Draft<'_>, authorization: Option<&str>) -> Result<Self, ProofFault> {
        check_target(draft.method, draft.target_uri)?;
        check_content_type(draft.content_type)?;
        check_lifetime(draft.window)?;
        let digest = field::content_digest(&Sha256::digest(draft.body).into());
        let protocol = draft.protocol.to_string();
        let wallet = field::wallet(draft.wallet);
        let params = format!(
            "{};created={};expires={};nonce=\"{}\";keyid=\"{}\";alg=\"{}\";tag=\"{LABEL}\"",
            opening(authorization.is_some()),
            draft.window.created,
            draft.window.expires,
            field::nonce(draft.nonce),
            field::key_id(draft.key).ok_or(ProofFault::Algorithm)?,
            field::algorithm(draft.key).ok_or(ProofFault::Algorithm)?,
        );
        let values = [
            draft.method,
            draft.target_uri,
            &digest,
            draft.content_type,
            &protocol,
            &wallet,
        ];
        let base = signature_base(covered(values, authorization), &params);
        Ok(Self {
            authorization: authorization.map(Into::into),
            digest,
            content_type: draft.content_type.into(),
            protocol,
            wallet,
            params,
            base,
        })
    }

    /// The bytes to sign.
    #[must_use]
    pub fn base(&self) -> &[u8] {
        &self.base
    }

    /// What names this request: the same as [`super::Proof::digest`] at the other end.
    #[must_use]
    pub fn digest(&self) -> RequestDigest {
        RequestDigest(Sha256::digest(&self.base).into())
    }

    /// The headers, with the signature.
    #[must_use]
    pub fn attach(self, signature: &[u8; 64]) -> SignedHeaders {
        let headers = [
            ("content-type", self.content_type),
            ("content-digest", self.digest),
            (PROTOCOL_HEADER, self.protocol),
            (WALLET_HEADER, self.wallet),
            ("signature-input", format!("{LABEL}={}", self.params)),
            ("signature", field::signature(signature)),
        ];
        let authorization = self.authorization.map(|value| (AUTHORIZATION, value));
        SignedHeaders(headers.into_iter().chain(authorization).collect())
    }
}

impl core::fmt::Debug for Unsigned {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.params)
    }
}

/// Six headers, or seven, to be sent exactly so.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedHeaders(Vec<(&'static str, String)>);

impl SignedHeaders {
    /// Lower-case names and their values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

impl core::fmt::Debug for SignedHeaders {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_map()
            .entries(self.iter().filter(|(name, _)| *name != AUTHORIZATION))
            .finish()
    }
}

impl IntoIterator for SignedHeaders {
    type Item = (&'static str, String);
    type IntoIter = alloc::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
