//! What recovery keeps: its share and the unlock key, sealed to itself with age and signed; then, for each refresh since,
//! what the two dealers sealed to it ([`Chain`]).
//!
//! The age format itself is the caller's ([`SealToRecovery`], [`OpenAsRecovery`]): the stock `age` tool opens a package
//! without Twofold.

mod chain;

pub use chain::{Chain, ChainFrom, MAX_LINKS, Opened};

use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::{
    Fault, FaultKind,
    codec::{self, Decode, Encode, Kind, Reader, Writer},
    hash,
    id::{EpochId, KeyKind, Party, WalletId},
    identity::{Domain, IdentityKey, IdentitySecret, Signature64},
    repair::repaired::Repaired,
    secret::{Secret32, UnlockKey},
    share::{PublicShares, Share},
    transcript::FirstTranscript,
    words::{RecoveryRecipient, RecoverySecret},
};

/// The longest age file that a ceremony carries.
pub const MAX_SEALED: usize = 4096;

/// Sealing to recovery failed, for a reason of the implementation's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the age file could not be made or opened")]
pub struct AgeError;

/// Seals to an age recipient (X25519).
pub trait SealToRecovery {
    /// A binary age file for `recipient` alone.
    fn seal(&self, recipient: &RecoveryRecipient, plaintext: &[u8]) -> Result<Vec<u8>, AgeError>;
}

/// Opens what was sealed to recovery.
pub trait OpenAsRecovery {
    /// The plaintext of a binary age file.
    fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, AgeError>;
}

pub(crate) fn seal_to(
    age: &impl SealToRecovery,
    recipient: &RecoveryRecipient,
    plaintext: &[u8],
) -> Result<Vec<u8>, Fault> {
    let sealed = age.seal(recipient, plaintext).map_err(|_| FaultKind::RecoverySeal)?;
    if sealed.len() > MAX_SEALED {
        Err(FaultKind::RecoverySeal.into())
    } else {
        Ok(sealed)
    }
}

/// Recovery's first package: outside the transcript, naming it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstPackage {
    wallet: WalletId,
    kind: KeyKind,
    epoch: EpochId,
    sealed: Vec<u8>,
    signature: Signature64,
}

/// What a package holds.
#[derive(Debug)]
pub struct Contents {
    /// Recovery's share.
    pub share: Share,
    /// The unlock key of the same epoch.
    pub unlock: UnlockKey,
}

impl FirstPackage {
    /// Seals recovery's share and unlock key to recovery itself, and signs.
    pub(crate) fn seal(
        share: &Share,
        unlock: &UnlockKey,
        recipient: &RecoveryRecipient,
        age: &impl SealToRecovery,
        identity: &IdentitySecret,
    ) -> Result<Self, Fault> {
        let plaintext = Zeroizing::new({
            let share = share.to_secret_bytes();
            let mut bytes = Vec::with_capacity(share.len() + 32);
            bytes.extend_from_slice(&share);
            bytes.extend_from_slice(unlock.expose().expose());
            bytes
        });
        let sealed = seal_to(age, recipient, &plaintext)?;
        let (wallet, kind, epoch) = (share.wallet(), share.kind(), share.epoch());
        let signature = identity.sign(Domain::FIRST_PACKAGE, &signed_hash(wallet, kind, epoch, &sealed));
        Ok(Self {
            wallet,
            kind,
            epoch,
            sealed,
            signature,
        })
    }

    /// Seals what was repaired for recovery to its new words, and signs with them: the package that recovery's chain goes
    /// on from. `public` is what the share was held against.
    pub fn renew(
        repaired: &Repaired,
        public: &PublicShares,
        words: &RecoverySecret,
        age: &impl SealToRecovery,
    ) -> Result<Self, Fault> {
        let (share, unlock) = (&repaired.share, &repaired.unlock);
        if share.party() != Party::Recovery {
            return Err(FaultKind::ForeignCeremony.into());
        }
        share.check(public)?;
        Self::seal(share, unlock, &words.public().recipient, age, &words.identity())
    }

    /// Whose wallet.
    #[must_use]
    pub const fn wallet(&self) -> WalletId {
        self.wallet
    }

    /// Of which epoch.
    #[must_use]
    pub const fn epoch(&self) -> EpochId {
        self.epoch
    }

    /// The age file.
    #[must_use]
    pub fn sealed(&self) -> &[u8] {
        &self.sealed
    }

    /// Checks that recovery signed this package for exactly this wallet and epoch. It opens nothing, so anyone can.
    pub fn verify(&self, wallet: WalletId, public: &PublicShares, recovery: &IdentityKey) -> Result<(), Fault> {
        if self.wallet != wallet || self.kind != public.kind() || self.epoch != public.epoch() {
            return Err(Fault::of(FaultKind::ForeignCeremony, Party::Recovery));
        }
        recovery
            .verify(
                Domain::FIRST_PACKAGE,
                &signed_hash(self.wallet, self.kind, self.epoch, &self.sealed),
                &self.signature,
            )
            .map_err(|fault| fault.by(Party::Recovery))
    }

    /// Opens the package as recovery, against a transcript that recovery signed.
    pub fn open(
        &self,
        identity: &IdentityKey,
        opener: &impl OpenAsRecovery,
        transcript: &impl FirstTranscript,
        signature: &Signature64,
    ) -> Result<Contents, Fault> {
        if transcript.recovery().signing != *identity {
            return Err(FaultKind::UnexpectedIdentity.into());
        }
        transcript.verify(Party::Recovery, signature)?;
        let public = transcript.public_shares()?;
        self.open_at(
            identity,
            opener,
            (transcript.wallet(), &public),
            transcript.unlock_digest(),
        )
    }

    /// Opens the package at an epoch that a chain of transcripts led to.
    fn open_at(
        &self,
        identity: &IdentityKey,
        opener: &impl OpenAsRecovery,
        (wallet, public): (WalletId, &PublicShares),
        unlock_digest: &[u8; 32],
    ) -> Result<Contents, Fault> {
        self.verify(wallet, public, identity)?;
        let plaintext = opener
            .open(&self.sealed)
            .map_err(|_| Fault::of(FaultKind::SealedPackage, Party::Recovery))?;
        let (share, unlock) = plaintext.split_last_chunk::<32>().ok_or(FaultKind::Length)?;
        let share = Share::from_secret_bytes(share)?;
        if share.party() != Party::Recovery || share.wallet() != self.wallet {
            return Err(Fault::of(FaultKind::ForeignCeremony, Party::Recovery));
        }
        share.check(public).map_err(|fault| fault.by(Party::Recovery))?;
        let unlock = UnlockKey::new(Secret32::new(*unlock));
        unlock.check(unlock_digest)?;
        Ok(Contents { share, unlock })
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new(Kind::FirstPackage).field(self).finish()
    }
}

fn signed_hash(wallet: WalletId, kind: KeyKind, epoch: EpochId, sealed: &[u8]) -> [u8; 32] {
    hash::tagged(
        "twofold/first-package",
        &[
            &wallet.0,
            &[kind.number()],
            &epoch.number.to_be_bytes(),
            &epoch.transcript,
            sealed,
        ],
    )
}

impl TryFrom<&[u8]> for FirstPackage {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        codec::read(bytes, Kind::FirstPackage)
    }
}

impl Encode for FirstPackage {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.wallet)
            .field(&self.kind)
            .field(&self.epoch)
            .var(&self.sealed)
            .field(&self.signature)
    }
}

impl Decode for FirstPackage {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            wallet: reader.field()?,
            kind: reader.field()?,
            epoch: reader.field()?,
            sealed: reader.var(MAX_SEALED)?.to_vec(),
            signature: reader.field()?,
        })
    }
}
