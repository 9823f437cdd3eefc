//! A transcript that all three parties signed, of either key.

use alloc::vec::Vec;

use super::{Transcript, verify};
use crate::{
    Fault,
    codec::{Decode, Encode, Kind, Reader, Writer},
    id::{EpochId, Party, WalletId},
    identity::{IdentityKey, Signature64},
    share::PublicShares,
    words::RecoveryIdentity,
};

/// What all three parties sign when a key is made. What it is written by is this crate's, so nobody else has one.
pub trait FirstTranscript: Encode + Decode + Clone {
    /// What one with its signatures claims to be.
    #[doc(hidden)]
    const SIGNED: Kind;

    /// Whose wallet.
    fn wallet(&self) -> WalletId;

    /// Who `party` is.
    fn identity(&self, party: Party) -> &IdentityKey;

    /// Recovery's identity.
    fn recovery(&self) -> &RecoveryIdentity;

    /// Who recovery was when the wallet was made: the device list is verified from there on.
    fn first_recovery(&self) -> &IdentityKey;

    /// The head of the device list.
    fn device_list_head(&self) -> &[u8; 32];

    /// H(unlock key).
    fn unlock_digest(&self) -> &[u8; 32];

    /// H(T).
    fn hash(&self) -> [u8; 32];

    /// The epoch that this transcript makes.
    fn epoch(&self) -> EpochId;

    /// The wallet's epoch that there was before; [`EpochId::NONE`] where the wallet was made with this key.
    fn previous(&self) -> EpochId;

    /// Group key, chain code and verifying shares of the epoch that this transcript makes.
    fn public_shares(&self) -> Result<PublicShares, Fault>;

    /// Checks `party`'s signature over this transcript.
    fn verify(&self, party: Party, signature: &Signature64) -> Result<(), Fault> {
        verify(self.identity(party), &self.hash(), party, signature)
    }
}

impl FirstTranscript for Transcript {
    const SIGNED: Kind = Kind::SignedTranscript;

    fn wallet(&self) -> WalletId {
        self.wallet
    }

    fn identity(&self, party: Party) -> &IdentityKey {
        match party {
            Party::Server => &self.server,
            Party::Device => &self.device,
            Party::Recovery => &self.recovery.signing,
        }
    }

    fn recovery(&self) -> &RecoveryIdentity {
        &self.recovery
    }

    fn first_recovery(&self) -> &IdentityKey {
        &self.recovery.signing
    }

    fn device_list_head(&self) -> &[u8; 32] {
        &self.device_list_head
    }

    fn unlock_digest(&self) -> &[u8; 32] {
        &self.unlock_digest
    }

    fn hash(&self) -> [u8; 32] {
        Self::hash(self)
    }

    fn epoch(&self) -> EpochId {
        Self::epoch(self)
    }

    fn previous(&self) -> EpochId {
        EpochId::NONE
    }

    fn public_shares(&self) -> Result<PublicShares, Fault> {
        Self::public_shares(self)
    }
}

/// T with all three signatures: the first link of a key's chain of epochs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed<T> {
    transcript: T,
    signatures: [Signature64; 3],
}

/// T of a create ceremony with all three signatures.
pub type SignedTranscript = Signed<Transcript>;

impl<T: FirstTranscript> Signed<T> {
    /// Puts a transcript and its signatures together, checking each.
    pub fn new(transcript: T, signatures: [Signature64; 3]) -> Result<Self, Fault> {
        for party in Party::ALL {
            transcript.verify(party, &signatures[party.index()])?;
        }
        Ok(Self { transcript, signatures })
    }

    /// T.
    #[must_use]
    pub const fn transcript(&self) -> &T {
        &self.transcript
    }

    /// A party's signature over H(T).
    #[must_use]
    pub const fn signature(&self, party: Party) -> &Signature64 {
        &self.signatures[party.index()]
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let writer = Writer::new(T::SIGNED).field(&self.transcript);
        self.signatures.iter().fold(writer, Writer::field).finish()
    }
}

/// Decoding verifies all three signatures.
impl<T: FirstTranscript> TryFrom<&[u8]> for Signed<T> {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, T::SIGNED)?;
        let transcript = reader.field()?;
        let signatures = [reader.field()?, reader.field()?, reader.field()?];
        reader.finish()?;
        Self::new(transcript, signatures)
    }
}
