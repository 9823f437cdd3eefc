//! Identity keys: who speaks, apart from what they hold a share of.

use alloc::vec::Vec;
use core::fmt;

use ed25519_dalek::Signer as _;
use p256::ecdsa::signature::Verifier as _;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroize;

use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer},
    hash,
    id::{DeviceId, write_hex},
    secret::Secret32,
};

/// What a signature is for. No signature made for one domain verifies in another, nor as an HTTP message signature,
/// whose base begins with a quotation mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain(&'static str);

impl Domain {
    /// The server's word on the first half of a create ceremony.
    pub const FIRST_HALF: Self = Self::new("create/first-half");
    /// A party's word on a whole transcript.
    pub const TRANSCRIPT: Self = Self::new("transcript");
    /// The server's half of a signature.
    pub const COSIGN: Self = Self::new("cosign");
    /// The server's word on what it dealt for an ECDSA key.
    pub const ECDSA_DEALING: Self = Self::new("ecdsa/dealing");
    /// What a party says that asks another to sign ECDSA together.
    pub const ECDSA_ASK: Self = Self::new("ecdsa/ask");
    /// What a party answers another that asks it to sign ECDSA together.
    pub const ECDSA_ANSWER: Self = Self::new("ecdsa/answer");
    /// Recovery's half of a signature.
    pub const RECOVERY_COSIGN: Self = Self::new("recovery/cosign");
    /// A signed head of an audit chain.
    pub const CHECKPOINT: Self = Self::new("checkpoint");
    /// An entry of a device list.
    pub const DEVICE_LIST: Self = Self::new("device-list");
    /// What a device leaves for one that it enrols.
    pub const PARCEL: Self = Self::new("parcel");
    /// What recovery sealed to itself.
    pub const FIRST_PACKAGE: Self = Self::new("first-package");
    /// A helper's message of a repair.
    pub const REPAIR: Self = Self::new("repair");
    /// Recovery's word that a server that was rolled back may sign again, over a checkpoint.
    pub const LIFT_FENCE: Self = Self::new("fence/lift");
    /// A short-lived sealing key.
    pub const SEAL_KEY: Self = Self::new("seal-key");

    /// A domain of another crate. Names are lower-case words, `/` and `-`.
    ///
    /// # Panics
    /// On any other name; in a constant that is when the program is built.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        let mut n = 0;
        while n < bytes.len() {
            assert!(
                matches!(bytes[n], b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-'),
                "a domain is lower-case words"
            );
            n += 1;
        }
        Self(name)
    }

    /// The bytes that an identity key signs for `message`. A key that lives elsewhere signs these: ed25519 as they
    /// are, P-256 under SHA-256.
    #[must_use]
    pub fn signing_bytes(self, message: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(12 + self.0.len() + message.len());
        bytes.extend_from_slice(b"twofold/v1/");
        bytes.extend_from_slice(self.0.as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(message);
        bytes
    }
}

/// 64 bytes of signature: ed25519, P-256 (`r || s`) or BIP-340, as the context says.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature64(pub [u8; 64]);

impl fmt::Debug for Signature64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Display for Signature64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl TryFrom<&[u8]> for Signature64 {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        bytes.try_into().map(Self).map_err(|_| FaultKind::Length.into())
    }
}

impl Encode for Signature64 {
    fn encode(&self, writer: Writer) -> Writer {
        writer.fixed(&self.0)
    }
}

impl Decode for Signature64 {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.array().map(Self)
    }
}

/// The public half of an identity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum IdentityKey {
    /// RFC 8032.
    Ed25519([u8; 32]),
    /// SEC 1 compressed; for keys that live in WebCrypto, Secure Enclave or `StrongBox`.
    P256([u8; 33]),
}

impl IdentityKey {
    /// Checks `signature` over `message` in `domain`. ed25519 is verified strictly: no weak key, no malleability.
    pub fn verify(&self, domain: Domain, message: &[u8], signature: &Signature64) -> Result<(), Fault> {
        let bytes = domain.signing_bytes(message);
        let valid = match self {
            Self::Ed25519(key) => ed25519_dalek::VerifyingKey::from_bytes(key)
                .and_then(|key| key.verify_strict(&bytes, &ed25519_dalek::Signature::from_bytes(&signature.0))),
            Self::P256(key) => p256::ecdsa::VerifyingKey::from_sec1_bytes(key)
                .and_then(|key| key.verify(&bytes, &p256::ecdsa::Signature::from_slice(&signature.0)?)),
        };
        valid.map_err(|_| FaultKind::IdentitySignature.into())
    }

    /// The device that this identity names.
    #[must_use]
    pub fn device_id(&self) -> DeviceId {
        DeviceId(hash::tagged("twofold/device-id", &[&self.to_bytes()]))
    }

    /// One byte of algorithm, then the key: 33 or 34 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (algorithm, key): (u8, &[u8]) = match self {
            Self::Ed25519(key) => (1, key),
            Self::P256(key) => (2, key),
        };
        let mut bytes = Vec::with_capacity(1 + key.len());
        bytes.push(algorithm);
        bytes.extend_from_slice(key);
        bytes
    }

    /// Refuses a key that no honest party would have.
    fn checked(self) -> Result<Self, Fault> {
        let good = match &self {
            Self::Ed25519(key) => ed25519_dalek::VerifyingKey::from_bytes(key)
                .is_ok_and(|key| !key.is_weak() && &key.to_edwards().compress().0 == key.as_bytes()),
            Self::P256(key) => p256::ecdsa::VerifyingKey::from_sec1_bytes(key).is_ok(),
        };
        if good {
            Ok(self)
        } else {
            Err(FaultKind::PublicKey.into())
        }
    }
}

impl TryFrom<&[u8]> for IdentityKey {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let (algorithm, key) = bytes.split_first().ok_or(FaultKind::Length)?;
        match algorithm {
            1 => Self::Ed25519(key.try_into().map_err(|_| FaultKind::Length)?),
            2 => Self::P256(key.try_into().map_err(|_| FaultKind::Length)?),
            _ => return Err(FaultKind::UnknownName.into()),
        }
        .checked()
    }
}

impl Encode for IdentityKey {
    fn encode(&self, writer: Writer) -> Writer {
        writer.fixed(&self.to_bytes())
    }
}

impl Decode for IdentityKey {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        match reader.u8()? {
            1 => Self::Ed25519(reader.array()?),
            2 => Self::P256(reader.array()?),
            _ => return Err(FaultKind::UnknownName.into()),
        }
        .checked()
    }
}

impl fmt::Display for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.to_bytes())
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityKey({self})")
    }
}

/// An ed25519 identity whose secret this process holds.
pub struct IdentitySecret(ed25519_dalek::SigningKey);

impl IdentitySecret {
    /// From a 32-byte seed (RFC 8032's secret key).
    #[must_use]
    pub fn from_seed(seed: &Secret32) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed.expose()))
    }

    /// A new one.
    #[must_use]
    pub fn generate(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        Self::from_seed(&Secret32::generate(rng))
    }

    /// The seed, for a keystore.
    #[must_use]
    pub fn expose_seed(&self) -> Secret32 {
        let mut seed = self.0.to_bytes();
        let secret = Secret32::new(seed);
        seed.zeroize();
        secret
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> IdentityKey {
        IdentityKey::Ed25519(self.0.verifying_key().to_bytes())
    }

    /// Signs `message` in `domain`.
    #[must_use]
    pub fn sign(&self, domain: Domain, message: &[u8]) -> Signature64 {
        self.sign_raw(&domain.signing_bytes(message))
    }

    /// Signs bytes as they are: what a machine asked for by [`Domain::signing_bytes`], or the base of an HTTP message
    /// signature (RFC 9421).
    #[must_use]
    pub fn sign_raw(&self, bytes: &[u8]) -> Signature64 {
        Signature64(self.0.sign(bytes).to_bytes())
    }
}

impl fmt::Debug for IdentitySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentitySecret(redacted, {})", self.public())
    }
}

#[cfg(test)]
mod tests;
