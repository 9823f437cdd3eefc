//! A token as it came, and the three parts of one that is a JWS (RFC 7515), read strictly. Nothing here is believed yet.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::DeserializeOwned, de::IgnoredAny};
use zeroize::Zeroizing;

use crate::{keys::Algorithm, refused::Refused};

/// Longest token that is looked at, in bytes.
pub(crate) const LONGEST: usize = 8192;

/// A bearer token. Whoever has it is its owner to the app, so it is shown to nobody.
pub struct Token(Zeroizing<String>);

impl Token {
    /// Reads a token as it stands in an `Authorization: Bearer` header (RFC 6750, section 2.1).
    pub fn parse(text: &str) -> Result<Self, Refused> {
        if text.len() > LONGEST {
            return Err(Refused::TooLong);
        }
        let body = text.trim_end_matches('=');
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        if body.is_empty() || !body.bytes().all(fits) {
            return Err(Refused::Malformed);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// Reads a whole header's value.
    pub fn from_header(value: &str) -> Result<Self, Refused> {
        match value.split_at_checked(7) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer ") => Self::parse(token),
            _ => Err(Refused::Malformed),
        }
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}

/// What of a JWS's header matters. What would make a verifier look elsewhere for a key, or understand more than it does,
/// is named to be refused.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    cty: Option<IgnoredAny>,
    crit: Option<IgnoredAny>,
    jku: Option<IgnoredAny>,
    jwk: Option<IgnoredAny>,
    x5u: Option<IgnoredAny>,
    x5c: Option<IgnoredAny>,
    b64: Option<IgnoredAny>,
    zip: Option<IgnoredAny>,
    enc: Option<IgnoredAny>,
}

impl Header {
    fn plain(&self) -> Result<(), Refused> {
        let strange = [
            ("crit", &self.crit),
            ("jku", &self.jku),
            ("jwk", &self.jwk),
            ("x5u", &self.x5u),
            ("x5c", &self.x5c),
            ("b64", &self.b64),
            ("zip", &self.zip),
            ("enc", &self.enc),
            ("cty", &self.cty),
        ];
        match strange.into_iter().find(|(_, value)| value.is_some()) {
            Some((name, _)) => Err(Refused::Header(name)),
            None => Ok(()),
        }
    }
}

/// A JWS in its compact form.
pub(crate) struct Jws<'a> {
    header: Header,
    signed: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Jws<'a> {
    pub(crate) fn split(token: &'a str) -> Result<Self, Refused> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Refused::Malformed)?;
        if payload.contains('.') {
            return Err(Refused::Malformed);
        }
        Ok(Self {
            header: read(header)?,
            signed,
            payload,
            signature,
        })
    }

    /// Who issued it, by its own word.
    pub(crate) fn issuer(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Named {
            iss: String,
        }
        read::<Named>(self.payload).ok().map(|named| named.iss)
    }

    /// When it was made, by its own word.
    pub(crate) fn made(&self) -> Option<u64> {
        #[derive(Deserialize)]
        struct Made {
            iat: u64,
        }
        read::<Made>(self.payload).ok().map(|made| made.iat)
    }

    /// The algorithm, if it is one of those that its provider uses. Only then does anything of the header count.
    pub(crate) fn algorithm(&self, allowed: &[Algorithm]) -> Result<Algorithm, Refused> {
        self.header.plain()?;
        Algorithm::parse(&self.header.alg)
            .filter(|algorithm| allowed.contains(algorithm))
            .ok_or(Refused::Algorithm)
    }

    /// The header's `typ`, in lower case and without `application/`.
    pub(crate) fn kind(&self) -> Option<String> {
        let kind = self.header.typ.as_deref()?.to_ascii_lowercase();
        Some(kind.strip_prefix("application/").unwrap_or(&kind).to_owned())
    }

    pub(crate) fn key_name(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    pub(crate) fn signed(&self) -> &'a str {
        self.signed
    }

    pub(crate) fn signature(&self) -> &'a str {
        self.signature
    }

    /// The claims. Only after the signature was checked.
    pub(crate) fn claims<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        read(self.payload)
    }
}

/// A part of a JWS. Names that matter may not stand twice, so that no two readers differ.
fn read<T: DeserializeOwned>(part: &str) -> Result<T, Refused> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Refused::Malformed)
}
