//! The bytes of a keystore, format 1.
//!
//! Both kinds start with the magic, the format, the kind and the keystore's random id.
//!
//! | key file | bytes |
//! |---|---|
//! | magic `TWOFOLD\0`, format 1, kind `K`, keystore id | 8, 1, 1, 16 |
//! | derivation (1: Argon2id 1.3), KiB, passes, lanes | 1, 4, 4, 4 |
//! | salt | 16 |
//! | nonce, data key under the passphrase's key | 24, 32 + 16 |
//!
//! | item | bytes |
//! |---|---|
//! | magic, format 1, kind `I`, keystore id | 8, 1, 1, 16 |
//! | nonce, content under the data key | 24, any + 16 |
//!
//! Everything before the nonce is associated data; an item's name is too. Numbers are big-endian.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::kdf::{Cost, Passphrase};
use crate::port::{BlobName, KeystoreFault};

const MAGIC: &[u8; 8] = b"TWOFOLD\0";
const FORMAT: u8 = 1;
const KIND_KEY: u8 = b'K';
const KIND_ITEM: u8 = b'I';
const ARGON2ID: u8 = 1;
const START: usize = 8 + 1 + 1 + 16;
const KEY_HEADER: usize = START + 1 + 4 + 4 + 4 + 16;
const NONCE: usize = 24;
const TAG: usize = 16;

/// Tells keystores apart, so that an item of one is no item of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HomeId(pub(super) [u8; 16]);

/// The file that holds the data key.
pub(super) struct KeyFile<'a> {
    home: HomeId,
    cost: Cost,
    salt: [u8; 16],
    header: &'a [u8],
    nonce: [u8; NONCE],
    sealed: &'a [u8],
}

fn start(kind: u8, home: HomeId) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(KEY_HEADER + NONCE + 32 + TAG);
    bytes.extend_from_slice(MAGIC);
    bytes.push(FORMAT);
    bytes.push(kind);
    bytes.extend_from_slice(&home.0);
    bytes
}

/// Checks the start and returns the keystore's id.
fn parse_start(bytes: &[u8], kind: u8, name: &str) -> Result<HomeId, KeystoreFault> {
    let damaged = || KeystoreFault::Damaged { name: name.into() };
    let magic: &[u8; 8] = bytes.first_chunk().ok_or_else(damaged)?;
    let format = *bytes.get(8).ok_or_else(damaged)?;
    if magic != MAGIC {
        return Err(damaged());
    }
    if format > FORMAT {
        return Err(KeystoreFault::Newer {
            found: format,
            known: FORMAT,
        });
    }
    if format != FORMAT || bytes.get(9) != Some(&kind) {
        return Err(damaged());
    }
    Ok(HomeId(array(bytes, 10).ok_or_else(damaged)?))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

impl<'a> KeyFile<'a> {
    /// The keystore's id.
    pub(super) const fn home(&self) -> HomeId {
        self.home
    }

    /// The key file's bytes for a data key and a passphrase.
    pub(super) fn seal(
        home: HomeId,
        data_key: &Zeroizing<[u8; 32]>,
        passphrase: &Passphrase,
        cost: Cost,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<Vec<u8>, KeystoreFault> {
        let mut salt = [0; 16];
        random.fill_bytes(&mut salt);
        let mut nonce = [0; NONCE];
        random.fill_bytes(&mut nonce);
        let mut bytes = start(KIND_KEY, home);
        bytes.push(ARGON2ID);
        for number in [cost.memory_kib, cost.passes, cost.lanes] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&salt);
        let key = cost.stretch(passphrase, &salt)?;
        let sealed = encrypt(&key, &nonce, &bytes, data_key.as_ref()).ok_or_else(|| KeystoreFault::Damaged {
            name: "keystore".into(),
        })?;
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// Reads a key file; nothing is decrypted yet.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, KeystoreFault> {
        let home = parse_start(bytes, KIND_KEY, "keystore")?;
        let damaged = || KeystoreFault::Damaged {
            name: "keystore".into(),
        };
        if bytes.len() != KEY_HEADER + NONCE + 32 + TAG || bytes.get(START) != Some(&ARGON2ID) {
            return Err(damaged());
        }
        let cost = Cost::new(
            number(bytes, START + 1).ok_or_else(damaged)?,
            number(bytes, START + 5).ok_or_else(damaged)?,
            number(bytes, START + 9).ok_or_else(damaged)?,
        )?;
        Ok(Self {
            home,
            cost,
            salt: array(bytes, START + 13).ok_or_else(damaged)?,
            header: &bytes[..KEY_HEADER],
            nonce: array(bytes, KEY_HEADER).ok_or_else(damaged)?,
            sealed: &bytes[KEY_HEADER + NONCE..],
        })
    }

    /// The keystore's id and data key.
    pub(super) fn open(&self, passphrase: &Passphrase) -> Result<(HomeId, Zeroizing<[u8; 32]>), KeystoreFault> {
        let key = self.cost.stretch(passphrase, &self.salt)?;
        let plain = decrypt(&key, &self.nonce, self.header, self.sealed).ok_or(KeystoreFault::WrongPassphrase)?;
        let data_key = array(&plain, 0).ok_or(KeystoreFault::WrongPassphrase)?;
        Ok((self.home, Zeroizing::new(data_key)))
    }
}

fn item_data(start: &[u8], name: &BlobName) -> Vec<u8> {
    [start, name.as_str().as_bytes()].concat()
}

/// An item's bytes.
pub(super) fn seal_item(
    home: HomeId,
    name: &BlobName,
    data_key: &Zeroizing<[u8; 32]>,
    plain: &[u8],
    random: &mut (impl RngCore + CryptoRng),
) -> Result<Vec<u8>, KeystoreFault> {
    let mut nonce = [0; NONCE];
    random.fill_bytes(&mut nonce);
    let mut bytes = start(KIND_ITEM, home);
    let sealed = encrypt(data_key, &nonce, &item_data(&bytes, name), plain)
        .ok_or_else(|| KeystoreFault::Damaged { name: name.to_string() })?;
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&sealed);
    Ok(bytes)
}

/// An item's content.
pub(super) fn open_item(
    home: HomeId,
    name: &BlobName,
    data_key: &Zeroizing<[u8; 32]>,
    bytes: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeystoreFault> {
    let damaged = || KeystoreFault::Damaged { name: name.to_string() };
    if parse_start(bytes, KIND_ITEM, name.as_str())? != home {
        return Err(damaged());
    }
    let nonce: [u8; NONCE] = array(bytes, START).ok_or_else(damaged)?;
    let sealed = bytes.get(START + NONCE..).ok_or_else(damaged)?;
    decrypt(data_key, &nonce, &item_data(&bytes[..START], name), sealed).ok_or_else(damaged)
}

fn encrypt(key: &Zeroizing<[u8; 32]>, nonce: &[u8; NONCE], data: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    let cipher = XChaCha20Poly1305::new(Key::from_slice(key.as_slice()));
    cipher
        .encrypt(XNonce::from_slice(nonce), Payload { msg: plain, aad: data })
        .ok()
}

fn decrypt(key: &Zeroizing<[u8; 32]>, nonce: &[u8; NONCE], data: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = XChaCha20Poly1305::new(Key::from_slice(key.as_slice()));
    cipher
        .decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: data })
        .ok()
        .map(Zeroizing::new)
}
