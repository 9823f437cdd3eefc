//! The KEK and the keys derived from it: one for each use, so that nothing sealed for one use opens for another.

mod ring;

use aws_lc_rs::{hkdf, hmac};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{AeadInPlace, KeyInit},
};
use rand_core::{CryptoRng, OsRng, RngCore};
use serde::{Deserialize, Serialize};
use twofold_threshold::secret::Secret32;
use zeroize::{Zeroize, Zeroizing};

pub(crate) use ring::{Keys, Ring};

const NONCE: usize = 24;
const TAG: usize = 16;
/// First byte of whatever is sealed here.
const VERSION: u8 = 1;

/// The key-encryption key: 32 bytes that the operator keeps outside the database.
#[derive(Debug)]
pub struct Kek(Secret32);

/// A KEK's name: it says which one is meant, and nothing of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KekName([u8; 32]);

/// What a server starts with.
#[derive(Debug, Clone, Copy)]
pub struct Keks<'k> {
    /// The KEK.
    pub kek: &'k Kek,
    /// The one that is to take its place, if it was drawn already.
    pub next: Option<&'k Kek>,
}

impl<'k> From<&'k Kek> for Keks<'k> {
    fn from(kek: &'k Kek) -> Self {
        Self { kek, next: None }
    }
}

impl Kek {
    /// Takes the operator's key.
    #[must_use]
    pub fn new(secret: Secret32) -> Self {
        Self(secret)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> KekName {
        self.subkeys().name
    }

    /// Seals what the server keeps in a file of its own: it opens under this KEK and for the same purpose alone.
    #[must_use]
    pub fn seal_file(&self, purpose: &str, plaintext: &[u8]) -> Vec<u8> {
        self.subkeys().files.seal(purpose.as_bytes(), plaintext, &mut OsRng)
    }

    /// Opens what [`Self::seal_file`] made.
    pub fn open_file(&self, purpose: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        self.subkeys().files.open(purpose.as_bytes(), sealed)
    }

    /// The keys derived from it, by HKDF-SHA256 (RFC 5869) with the use as `info`.
    pub(crate) fn subkeys(&self) -> Subkeys {
        let base = hkdf::Salt::new(hkdf::HKDF_SHA256, b"twofold/kek/1").extract(self.0.expose());
        let expand = |label: &str| {
            let mut bytes = [0; 32];
            let info = [label.as_bytes()];
            base.expand(&info, hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(&mut bytes))
                .unwrap_or_else(|_| unreachable!("HKDF gives at least one block"));
            bytes
        };
        let derive = |label: &str| {
            let mut bytes = expand(label);
            let key = Secret32::new(bytes);
            bytes.zeroize();
            key
        };
        Subkeys {
            name: KekName(expand("name")),
            outer: derive("outer seal"),
            secrets: RecordKey(derive("server secrets")),
            replies: RecordKey(derive("replies")),
            files: RecordKey(derive("server files")),
            state: MacKey::new(&derive("state record")),
            charges: MacKey::new(&derive("charge rows")),
        }
    }
}

/// One key for each use of the KEK.
#[derive(Debug)]
pub(crate) struct Subkeys {
    /// The KEK's name.
    pub(crate) name: KekName,
    /// The outer seal of shares and ceremonies.
    pub(crate) outer: Secret32,
    /// Server secrets.
    pub(crate) secrets: RecordKey,
    /// Recorded replies.
    pub(crate) replies: RecordKey,
    /// Files of the server beside the database.
    pub(crate) files: RecordKey,
    /// State records.
    pub(crate) state: MacKey,
    /// Charge rows.
    pub(crate) charges: MacKey,
}

/// A key for HMAC-SHA256.
#[derive(Debug)]
pub(crate) struct MacKey(hmac::Key);

impl MacKey {
    fn new(secret: &Secret32) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.expose()))
    }

    /// The MAC over a label and parts, each after its length.
    pub(crate) fn mac(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        let mut part = |bytes: &[u8]| {
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        };
        part(label.as_bytes());
        for bytes in parts {
            part(bytes);
        }
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }

    /// Whether `mac` is the MAC over these parts, in constant time.
    pub(crate) fn verify(&self, label: &str, parts: &[&[u8]], mac: &[u8]) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.mac(label, parts), mac).is_ok()
    }
}

/// A key for records that the server alone reads: XChaCha20-Poly1305 under random nonces.
#[derive(Debug)]
pub(crate) struct RecordKey(Secret32);

/// A record does not open: it was changed, belongs elsewhere, or the KEK is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed record does not open under this KEK")]
pub struct Unopened;

impl RecordKey {
    /// Seals `plaintext` so that it opens only for the same `bound`.
    pub(crate) fn seal(&self, bound: &[u8], plaintext: &[u8], rng: &mut (impl RngCore + CryptoRng)) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        let mut sealed = Vec::with_capacity(1 + NONCE + plaintext.len() + TAG);
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let body = sealed.get_mut(1 + NONCE..).unwrap_or_default();
        let tag = XChaCha20Poly1305::new(self.0.expose().into())
            .encrypt_in_place_detached(XNonce::from_slice(&nonce), bound, body)
            .unwrap_or_else(|_| unreachable!("a record is shorter than the cipher's 256 GiB"));
        sealed.extend_from_slice(&tag);
        sealed
    }

    /// Opens what [`Self::seal`] made for the same `bound`.
    pub(crate) fn open(&self, bound: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let (&[VERSION], rest) = sealed.split_first_chunk::<1>().ok_or(Unopened)? else {
            return Err(Unopened);
        };
        let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(Unopened)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG>().ok_or(Unopened)?;
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        XChaCha20Poly1305::new(self.0.expose().into())
            .decrypt_in_place_detached(XNonce::from_slice(nonce), bound, &mut plaintext, tag.into())
            .map_err(|_| Unopened)?;
        Ok(plaintext)
    }
}

#[cfg(test)]
mod tests;
