//! Recovery words: 25 words that are recovery's identity, and never a share. They are not a BIP-39 seed phrase, though
//! they use its English list: 256 random bits, then 19 bits of checksum.

use alloc::{string::String, vec::Vec};
use core::fmt;

use bech32::{Bech32, Hrp};
use hkdf::Hkdf;
use rand_core::{CryptoRng, RngCore};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer},
    envelope::{SealPublic, SealSecret},
    hash,
    identity::{IdentityKey, IdentitySecret},
    secret::Secret32,
};

/// How many words there are.
pub const COUNT: usize = 25;
/// Bits of a word.
const WORD: usize = 11;
/// 256 bits and 19, padded to whole bytes.
const BYTES: usize = 35;

/// Why words were not accepted. It names a place, never a word: the right words of a mistyped line are still secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordsError {
    /// There are not 25.
    #[error("there are {found} words, not 25")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// A word is not in the list.
    #[error("word {position} is not in the list: check its spelling")]
    Unknown {
        /// Counted from 1.
        position: usize,
    },
    /// All words are in the list, but do not belong together.
    #[error("the words do not belong together: one is wrong, or two are swapped")]
    Checksum,
}

impl From<WordsError> for Fault {
    fn from(_: WordsError) -> Self {
        FaultKind::Words.into()
    }
}

/// The words, as a person writes them down.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RecoveryWords([u16; COUNT]);

impl RecoveryWords {
    /// The words for a secret.
    #[must_use]
    pub fn encode(secret: &RecoverySecret) -> Self {
        let mut bits = [0; BYTES];
        bits[..32].copy_from_slice(secret.0.expose());
        bits[32..].copy_from_slice(&checksum(&secret.0));
        let mut words = Self([0; COUNT]);
        for (n, word) in words.0.iter_mut().enumerate() {
            for bit in n * WORD..(n + 1) * WORD {
                *word = *word << 1 | u16::from(bits[bit / 8] >> (7 - bit % 8) & 1);
            }
        }
        bits.zeroize();
        words
    }

    /// Reads what a person typed: any case, any white space.
    pub fn parse(text: &str) -> Result<Self, WordsError> {
        let found = text.split_whitespace().count();
        if found != COUNT {
            return Err(WordsError::Count { found });
        }
        let mut words = Self([0; COUNT]);
        for (n, word) in text.split_whitespace().enumerate() {
            let lower = Zeroizing::new(word.to_ascii_lowercase());
            words.0[n] = bip39::Language::English
                .find_word(&lower)
                .ok_or(WordsError::Unknown { position: n + 1 })?;
        }
        words.secret()?;
        Ok(words)
    }

    /// The secret that they encode.
    pub fn secret(&self) -> Result<RecoverySecret, WordsError> {
        let mut bits = [0u8; BYTES];
        for (n, word) in self.0.iter().enumerate() {
            for bit in 0..WORD {
                let at = n * WORD + bit;
                let value = u8::from(word >> (WORD - 1 - bit) & 1 == 1);
                bits[at / 8] |= value << (7 - at % 8);
            }
        }
        let mut entropy = [0; 32];
        entropy.copy_from_slice(&bits[..32]);
        let secret = Secret32::new(entropy);
        let good = checksum(&secret) == bits[32..];
        entropy.zeroize();
        bits.zeroize();
        if good {
            Ok(RecoverySecret(secret))
        } else {
            Err(WordsError::Checksum)
        }
    }

    /// The words themselves, to be shown to their owner once.
    pub fn expose(&self) -> impl Iterator<Item = &'static str> + '_ {
        let list = bip39::Language::English.word_list();
        self.0.iter().map(|index| list[usize::from(*index)])
    }

    /// The words in one line.
    #[must_use]
    pub fn expose_line(&self) -> Zeroizing<String> {
        // No word is longer than eight letters: the line never grows, so no copy of it is left behind.
        let mut line = Zeroizing::new(String::with_capacity(COUNT * 9));
        for word in self.expose() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        line
    }
}

impl fmt::Debug for RecoveryWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryWords(redacted)")
    }
}

/// The first 19 bits of a tagged hash, left-aligned in three bytes.
fn checksum(secret: &Secret32) -> [u8; 3] {
    let hash = hash::tagged("twofold/recovery-words", &[secret.expose()]);
    [hash[0], hash[1], hash[2] & 0b1110_0000]
}

/// The 32 bytes behind the words.
#[derive(ZeroizeOnDrop)]
pub struct RecoverySecret(Secret32);

impl RecoverySecret {
    /// A new one.
    #[must_use]
    pub fn generate(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        Self(Secret32::generate(rng))
    }

    /// From bytes, for vectors and hardware.
    #[must_use]
    pub fn new(secret: Secret32) -> Self {
        Self(secret)
    }

    /// The words that encode it.
    #[must_use]
    pub fn words(&self) -> RecoveryWords {
        RecoveryWords::encode(self)
    }

    /// The ed25519 key that recovery signs with.
    #[must_use]
    pub fn identity(&self) -> IdentitySecret {
        IdentitySecret::from_seed(&self.expand(b"signing"))
    }

    /// The X25519 key that packages are sealed to, in age's own form `AGE-SECRET-KEY-1...`.
    #[must_use]
    pub fn age_identity(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(128));
        let key = self.expand(b"age");
        bech32::encode_upper_to_fmt::<Bech32, String>(&mut text, Hrp::parse_unchecked("age-secret-key-"), key.expose())
            .unwrap_or_else(|_| unreachable!("32 bytes fit a bech32 string"));
        text
    }

    /// The raw X25519 secret behind [`Self::age_identity`].
    #[must_use]
    pub fn age_secret(&self) -> Secret32 {
        self.expand(b"age")
    }

    /// Who recovery is, in public.
    #[must_use]
    pub fn public(&self) -> RecoveryIdentity {
        RecoveryIdentity {
            signing: self.identity().public(),
            recipient: RecoveryRecipient(SealSecret::new(self.expand(b"age")).public()),
        }
    }

    fn expand(&self, label: &[u8]) -> Secret32 {
        let mut okm = [0; 32];
        Hkdf::<Sha256>::new(Some(b"twofold/recovery/v1"), self.0.expose())
            .expand(label, &mut okm)
            .unwrap_or_else(|_| unreachable!("32 bytes are within HKDF's reach"));
        let secret = Secret32::new(okm);
        okm.zeroize();
        secret
    }
}

impl fmt::Debug for RecoverySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoverySecret(redacted)")
    }
}

/// The age recipient that recovery's packages are sealed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryRecipient(SealPublic);

impl RecoveryRecipient {
    /// The X25519 public key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// Not an X25519 recipient of age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an age recipient; it begins with age1, as age-keygen prints it")]
pub struct RecipientFault;

impl core::str::FromStr for RecoveryRecipient {
    type Err = RecipientFault;

    fn from_str(text: &str) -> Result<Self, RecipientFault> {
        let (hrp, bytes) = bech32::decode(text).map_err(|_| RecipientFault)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| RecipientFault)?;
        let recipient = Self(SealPublic::checked(bytes).map_err(|_| RecipientFault)?);
        // One text for each key.
        if hrp == Hrp::parse_unchecked("age") && alloc::string::ToString::to_string(&recipient) == text {
            Ok(recipient)
        } else {
            Err(RecipientFault)
        }
    }
}

/// age's own form: `age1...`.
impl fmt::Display for RecoveryRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bech32::encode_lower_to_fmt::<Bech32, _>(f, Hrp::parse_unchecked("age"), self.0.as_bytes())
            .map_err(|_| fmt::Error)
    }
}

/// Recovery's public identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryIdentity {
    /// What recovery signs with.
    pub signing: IdentityKey,
    /// What is sealed to recovery is sealed to this.
    pub recipient: RecoveryRecipient,
}

impl RecoveryIdentity {
    /// The signing key, then the recipient: 32 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.signing.to_bytes();
        bytes.extend_from_slice(self.recipient.as_bytes());
        bytes
    }
}

impl TryFrom<&[u8]> for RecoveryIdentity {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let (signing, recipient) = bytes.split_last_chunk::<32>().ok_or(FaultKind::Length)?;
        Ok(Self {
            signing: IdentityKey::try_from(signing)?,
            recipient: RecoveryRecipient(SealPublic::try_from(recipient.as_slice())?),
        })
    }
}

impl Encode for RecoveryIdentity {
    fn encode(&self, writer: Writer) -> Writer {
        writer.field(&self.signing).field(&self.recipient.0)
    }
}

impl Decode for RecoveryIdentity {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            signing: reader.field()?,
            recipient: RecoveryRecipient(reader.field()?),
        })
    }
}

#[cfg(test)]
mod tests;
