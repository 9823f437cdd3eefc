//! The keys of a sign-in provider, and tokens signed by them, well made or not.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A key that signs tokens, with the name that it is published under.
#[derive(Debug)]
pub struct SigningKey {
    name: String,
    pair: Pair,
}

#[derive(Debug)]
enum Pair {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Secret(Vec<u8>),
}

impl SigningKey {
    /// A new RSA key of 2048 bits, for `RS256`.
    ///
    /// # Panics
    ///
    /// Without randomness.
    #[must_use]
    pub fn rsa(name: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key");
        Self::new(name, Pair::Rsa(Box::new(pair)))
    }

    /// A new key on P-256, for `ES256`.
    ///
    /// # Panics
    ///
    /// Without randomness.
    #[must_use]
    pub fn p256(name: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a P-256 key");
        Self::new(name, Pair::P256(pair))
    }

    /// A new Ed25519 key, for `EdDSA`.
    ///
    /// # Panics
    ///
    /// Without randomness.
    #[must_use]
    pub fn ed25519(name: &str) -> Self {
        Self::new(name, Pair::Ed25519(Ed25519KeyPair::generate().expect("an Ed25519 key")))
    }

    /// A secret, for `HS256`.
    #[must_use]
    pub fn secret(name: &str, secret: &[u8]) -> Self {
        Self::new(name, Pair::Secret(secret.to_vec()))
    }

    fn new(name: &str, pair: Pair) -> Self {
        Self {
            name: name.to_owned(),
            pair,
        }
    }

    /// What it signs by.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
            Pair::Ed25519(_) => "EdDSA",
            Pair::Secret(_) => "HS256",
        }
    }

    /// Its public half as bytes, in the form of its kind; of a secret, the secret.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_ref().to_vec(),
            Pair::P256(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Secret(secret) => secret.clone(),
        }
    }

    /// As a provider publishes it.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let (kid, alg) = (&self.name, self.algorithm());
        match &self.pair {
            Pair::Rsa(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                json!({ "kty": "RSA", "kid": kid, "use": "sig", "alg": alg, "n": encode(n), "e": encode(e) })
            }
            Pair::P256(_) => {
                let point = self.public();
                let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
                json!({ "kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "alg": alg, "x": x, "y": y })
            }
            Pair::Ed25519(_) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "alg": alg, "x": encode(self.public()) })
            }
            Pair::Secret(secret) => json!({ "kty": "oct", "kid": kid, "alg": alg, "k": encode(secret) }),
        }
    }

    /// The header of an ordinary token of this key.
    #[must_use]
    pub fn header(&self) -> Value {
        json!({ "alg": self.algorithm(), "typ": "JWT", "kid": self.name })
    }

    /// An ordinary token.
    #[must_use]
    pub fn token(&self, claims: &Value) -> String {
        self.sign(&self.header(), claims)
    }

    /// A token with this header, whatever it says.
    #[must_use]
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        token(header, claims, |message| self.signature(message))
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .expect("an RSA signature");
                signature
            }
            Pair::P256(pair) => {
                let signature = pair.sign(&random, message).expect("an ECDSA signature");
                signature.as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            }
        }
    }
}

/// A token of these parts, signed by whatever `sign` does.
pub fn token(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = sign(message.as_bytes());
    format!("{message}.{}", encode(signature))
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
