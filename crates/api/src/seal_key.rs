//! The server's short-lived sealing key, and the unlock key sealed to it.
//!
//! The unlock key travels sealed (HPKE, RFC 9180) to a key that lives in the server's memory for at most a day, so that
//! neither a proxy that ends TLS nor a recording opened later gets it. The server offers its current key in every reply,
//! signed by its identity; a device seals only to an offer that it has verified.

use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest, Sha256};
use twofold_threshold::{
    envelope::{self, OVERHEAD, SealPublic, SealSecret},
    id::{CeremonyId, DeviceId, EpochId, KeyKind, Party, WalletId},
    identity::{Domain, IdentityKey, IdentitySecret, Signature64},
    rand_core::{CryptoRng, RngCore},
    secret::{Secret32, UnlockKey},
};

use crate::reason::{Reason, Refusal};

/// Bytes of an [`Offer`].
pub const OFFER_BYTES: usize = 1 + 32 + 8 + 64;
/// Bytes of the ciphertext in a [`SealedUnlockKey`].
pub const SEALED_BYTES: usize = 32 + OVERHEAD;

/// The format of [`Offer::to_bytes`].
const VERSION: u8 = 1;

/// What is wrong with an offer or with what was sealed to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealKeyFault {
    /// Not an offer's bytes.
    #[error("the server's sealing key is malformed")]
    Malformed,
    /// Not signed by this server.
    #[error("the server's sealing key is not signed by the server: do not continue with it")]
    Signature,
    /// The unlock key does not open: sealed for another wallet, epoch, step or device, or to another key.
    #[error("the unlock key was not sealed for this request")]
    Sealed,
}

impl From<SealKeyFault> for Refusal {
    fn from(fault: SealKeyFault) -> Self {
        let reason = match fault {
            SealKeyFault::Malformed | SealKeyFault::Signature => Reason::Malformed,
            SealKeyFault::Sealed => Reason::WrongUnlockKey,
        };
        Self::new(reason, alloc::string::ToString::to_string(&fault))
    }
}

/// A name for a sealing key: the first bytes of its hash.
pub type KeyId = [u8; 8];

/// A sealing key that a server claims to hold, with the signature that must be checked before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    public: SealPublic,
    not_after: u64,
    signature: Signature64,
}

impl Offer {
    /// Offers a key until `not_after`, in seconds since 1970.
    #[must_use]
    pub fn sign(server: &IdentitySecret, public: SealPublic, not_after: u64) -> Self {
        Self {
            public,
            not_after,
            signature: server.sign(Domain::SEAL_KEY, &message(&public, not_after)),
        }
    }

    /// Reads an offer. It is not verified yet.
    pub fn parse(bytes: &[u8]) -> Result<Self, SealKeyFault> {
        let bytes: &[u8; OFFER_BYTES] = bytes.try_into().map_err(|_| SealKeyFault::Malformed)?;
        let (&[version], rest) = bytes.split_first_chunk::<1>().ok_or(SealKeyFault::Malformed)?;
        let (public, rest) = rest.split_first_chunk::<32>().ok_or(SealKeyFault::Malformed)?;
        let (not_after, signature) = rest.split_first_chunk::<8>().ok_or(SealKeyFault::Malformed)?;
        if version != VERSION {
            return Err(SealKeyFault::Malformed);
        }
        Ok(Self {
            public: public.as_slice().try_into().map_err(|_| SealKeyFault::Malformed)?,
            not_after: u64::from_be_bytes(*not_after),
            signature: signature.try_into().map_err(|_| SealKeyFault::Malformed)?,
        })
    }

    /// Version, key, end of life in seconds since 1970 (big-endian), signature.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(OFFER_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&message(&self.public, self.not_after));
        bytes.extend_from_slice(&self.signature.0);
        bytes
    }

    /// The key's name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        key_id(&self.public)
    }

    /// When the server forgets the key, in seconds since 1970.
    #[must_use]
    pub const fn not_after(&self) -> u64 {
        self.not_after
    }

    /// The key itself.
    #[must_use]
    pub const fn public(&self) -> SealPublic {
        self.public
    }

    /// Checks that the server with this identity made the offer.
    pub fn verify(&self, server: &IdentityKey) -> Result<SealTo, SealKeyFault> {
        server
            .verify(
                Domain::SEAL_KEY,
                &message(&self.public, self.not_after),
                &self.signature,
            )
            .map_err(|_| SealKeyFault::Signature)?;
        Ok(SealTo(*self))
    }
}

fn message(public: &SealPublic, not_after: u64) -> [u8; 40] {
    let mut message = [0; 40];
    let (key, time) = message.split_at_mut(32);
    key.copy_from_slice(public.as_bytes());
    time.copy_from_slice(&not_after.to_be_bytes());
    message
}

fn key_id(public: &SealPublic) -> KeyId {
    let mut id = KeyId::default();
    id.iter_mut()
        .zip(Sha256::digest(public.as_bytes()))
        .for_each(|(to, from)| *to = from);
    id
}

/// A sealing key that was verified to be the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealTo(Offer);

impl SealTo {
    /// The offer that it was verified in, for a party that seals on another machine.
    #[must_use]
    pub const fn offer(&self) -> &Offer {
        &self.0
    }

    /// The key's name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.0.id()
    }

    /// When the server forgets the key, in seconds since 1970.
    #[must_use]
    pub const fn not_after(&self) -> u64 {
        self.0.not_after
    }

    /// The key itself, for what a ceremony seals to it.
    #[must_use]
    pub const fn public(&self) -> &SealPublic {
        &self.0.public
    }

    /// Seals an unlock key for one use.
    pub fn seal(
        &self,
        unlock: &UnlockKey,
        usage: &Usage,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<SealedUnlockKey, SealKeyFault> {
        let sealed = self
            .0
            .public
            .seal(
                &usage.binding(),
                envelope::Purpose::UnlockKey,
                unlock.expose().expose(),
                rng,
            )
            .map_err(|_| SealKeyFault::Malformed)?;
        let ciphertext = sealed.try_into().map_err(|_| SealKeyFault::Malformed)?;
        Ok(SealedUnlockKey {
            key_id: self.id(),
            ciphertext,
        })
    }
}

/// Which request an unlock key is sealed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// [`crate::request::BeginCreate`].
    BeginCreate,
    /// [`crate::request::FinishCreate`].
    FinishCreate,
    /// [`crate::request::TestSign`].
    TestSign,
    /// [`crate::request::Sign`].
    Sign,
    /// [`crate::request::SignMessage`].
    SignMessage,
    /// [`crate::request::Recover`].
    Recover,
    /// [`crate::request::BeginRefresh`].
    BeginRefresh,
    /// [`crate::request::FinishRefresh`].
    FinishRefresh,
    /// [`crate::request::RepairRecovery`].
    RepairRecovery,
}

impl Step {
    const fn number(self) -> u8 {
        match self {
            Self::BeginCreate => 1,
            Self::FinishCreate => 2,
            Self::TestSign => 3,
            Self::Sign => 4,
            Self::SignMessage => 5,
            Self::Recover => 16,
            Self::BeginRefresh => 6,
            Self::FinishRefresh => 7,
            Self::RepairRecovery => 17,
        }
    }
}

/// Where a sealed unlock key belongs; it opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The wallet that it unlocks.
    pub wallet: WalletId,
    /// The number of the epoch that it unlocks; 1 while the wallet is made.
    pub epoch: u32,
    /// In which request it is sent.
    pub step: Step,
    /// The device that sends it.
    pub device: DeviceId,
}

impl Usage {
    /// Step and device take the place of the ceremony's name, as a hash.
    fn binding(&self) -> envelope::Binding {
        let context = Sha256::new()
            .chain_update(b"twofold/v1/unlock-key-usage\n")
            .chain_update([self.step.number()])
            .chain_update(self.device.0)
            .finalize();
        let mut ceremony = [0; 16];
        ceremony.iter_mut().zip(context).for_each(|(to, from)| *to = from);
        envelope::Binding {
            wallet: self.wallet,
            ceremony: CeremonyId(ceremony),
            epoch_number: self.epoch,
            previous: EpochId::NONE,
            kind: KeyKind::Taproot,
            from: Party::Device,
            to: Party::Server,
        }
    }
}

/// An unlock key, sealed to the server.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedUnlockKey {
    /// To which of the server's keys.
    pub key_id: KeyId,
    /// Encapsulated key (32 bytes), ciphertext (32) and tag (16).
    pub ciphertext: [u8; SEALED_BYTES],
}

impl SealedUnlockKey {
    /// Opens it with the secret half of the key that it names, for exactly the usage that it was sealed for.
    pub fn open(&self, secret: &SealSecret, usage: &Usage) -> Result<UnlockKey, SealKeyFault> {
        let opened = secret
            .open(&usage.binding(), envelope::Purpose::UnlockKey, &self.ciphertext)
            .map_err(|_| SealKeyFault::Sealed)?;
        Secret32::try_from(opened.as_slice())
            .map(UnlockKey::new)
            .map_err(|_| SealKeyFault::Sealed)
    }
}

impl fmt::Debug for SealedUnlockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedUnlockKey(to {})", hex::encode(self.key_id))
    }
}

#[cfg(test)]
mod tests;
