//! A provider's keys (RFC 7517): public ones for signatures, each good for one algorithm, told apart by name.

mod cache;

use jsonwebtoken::DecodingKey;
use serde::Deserialize;

use crate::refused::Refused;

pub(crate) use cache::{Asked, Cache, Fetch};

/// Most keys that a provider may publish.
const MOST: usize = 64;
/// Longest name of a key.
const LONGEST_NAME: usize = 256;
/// Fewest bytes of an RSA modulus: 2048 bits.
const LEAST_MODULUS: usize = 256;
/// Most bytes of one: 8192 bits.
const MOST_MODULUS: usize = 1024;

/// How a token may be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// HMAC with SHA-256, under a secret that both sides hold.
    Hs256,
}

impl Algorithm {
    /// What a published key may be for. HMAC's is no public key, so no published one is ever used as its secret.
    pub(crate) const PUBLIC: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            "HS256" => Some(Self::Hs256),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
        }
    }

    const fn reviewed(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
        }
    }
}

/// A key and the one algorithm that it is for.
pub(crate) struct Key {
    name: Option<String>,
    algorithm: Algorithm,
    inner: DecodingKey,
}

impl Key {
    /// A secret that both sides hold.
    pub(crate) fn secret(secret: &[u8]) -> Self {
        Self {
            name: None,
            algorithm: Algorithm::Hs256,
            inner: DecodingKey::from_secret(secret),
        }
    }

    /// Whether the signature is this key's over what it covers.
    pub(crate) fn verify(&self, algorithm: Algorithm, signed: &str, signature: &str) -> Result<(), Refused> {
        if self.algorithm != algorithm {
            return Err(Refused::Algorithm);
        }
        let verified = jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &self.inner, algorithm.reviewed());
        if verified == Ok(true) {
            Ok(())
        } else {
            Err(Refused::Signature)
        }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.algorithm.name(), self.name)
    }
}

/// What a provider publishes, as far as it can be used.
#[derive(Debug)]
pub(crate) struct KeySet(Vec<std::sync::Arc<Key>>);

#[derive(Deserialize)]
struct Published {
    keys: Vec<Jwk>,
}

/// Every field is optional: a key of another kind is no reason to refuse the others.
#[derive(Deserialize)]
struct Jwk {
    kty: Option<String>,
    crv: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<serde::de::IgnoredAny>,
}

impl KeySet {
    /// Reads a JWK set. What makes no sense as a whole is the provider's trouble; so is a set without any usable key.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let Published { keys } =
            serde_json::from_slice(bytes).map_err(|error| format!("what it publishes is no set of keys: {error}"))?;
        if keys.len() > MOST {
            return Err(format!("it publishes more than {MOST} keys"));
        }
        let keys: Vec<_> = keys.iter().filter_map(Jwk::usable).map(std::sync::Arc::new).collect();
        if keys.is_empty() {
            return Err("it publishes no key that can be used".into());
        }
        Ok(Self(keys))
    }

    /// The key of this name, or the only one there is for the algorithm if the token names none.
    pub(crate) fn find(&self, name: Option<&str>, algorithm: Algorithm) -> Found {
        let mut fitting = self
            .0
            .iter()
            .filter(|key| key.algorithm == algorithm && name.is_none_or(|name| key.name.as_deref() == Some(name)));
        match (fitting.next(), fitting.next(), name) {
            (Some(key), None, _) => Found::One(std::sync::Arc::clone(key)),
            (Some(_), Some(_), Some(_)) => Found::Twice,
            (Some(_), Some(_), None) => Found::NotNamed,
            (None, _, _) => Found::None,
        }
    }
}

/// What a token's key is.
pub(crate) enum Found {
    One(std::sync::Arc<Key>),
    /// The provider gave one name to two keys.
    Twice,
    /// The token must name one of several.
    NotNamed,
    None,
}

impl Jwk {
    fn usable(&self) -> Option<Key> {
        let for_signatures = self.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
        let operations = self.key_ops.as_ref();
        let verifies = operations.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
        let name_fits = self.kid.as_ref().is_none_or(|name| name.len() <= LONGEST_NAME);
        // A private key that was published signs for anybody.
        if !(for_signatures && verifies && name_fits) || self.d.is_some() {
            return None;
        }
        let (algorithm, inner) = match (self.kty.as_deref()?, self.crv.as_deref()) {
            ("RSA", None) => (Algorithm::Rs256, self.rsa()?),
            ("EC", Some("P-256")) => (Algorithm::Es256, self.p256()?),
            ("OKP", Some("Ed25519")) => (Algorithm::EdDsa, self.ed25519()?),
            _ => return None,
        };
        // "Ed25519" is what RFC 9864 calls it.
        let named = |name: &str| name == algorithm.name() || (algorithm == Algorithm::EdDsa && name == "Ed25519");
        self.alg.as_deref().is_none_or(named).then(|| Key {
            name: self.kid.clone(),
            algorithm,
            inner,
        })
    }

    fn rsa(&self) -> Option<DecodingKey> {
        let (modulus, exponent) = (bytes(self.n.as_deref()?)?, bytes(self.e.as_deref()?)?);
        (LEAST_MODULUS..=MOST_MODULUS)
            .contains(&modulus.len())
            .then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
    }

    fn p256(&self) -> Option<DecodingKey> {
        let (x, y) = (self.x.as_deref()?, self.y.as_deref()?);
        let whole = bytes(x)?.len() == 32 && bytes(y)?.len() == 32;
        whole.then(|| DecodingKey::from_ec_components(x, y).ok()).flatten()
    }

    fn ed25519(&self) -> Option<DecodingKey> {
        let x = bytes(self.x.as_deref()?)?;
        (x.len() == 32).then(|| DecodingKey::from_ed_der(&x))
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.decode(text).ok()
}
