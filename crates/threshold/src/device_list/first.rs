//! The list's first entry: the first device names itself.

use alloc::vec::Vec;

use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    envelope::SealPublic,
    hash,
    id::WalletId,
    identity::{Domain, IdentityKey, Signature64},
};

/// An entry that is not yet signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    wallet: WalletId,
    parent: [u8; 32],
    identity: IdentityKey,
    sealing: SealPublic,
    signer: IdentityKey,
}

impl Draft {
    /// The first entry: a device that lists itself.
    #[must_use]
    pub fn first(wallet: WalletId, identity: IdentityKey, sealing: SealPublic) -> Self {
        Self {
            wallet,
            parent: [0; 32],
            identity,
            sealing,
            signer: identity,
        }
    }

    /// The bytes that the signer's key signs.
    #[must_use]
    pub fn signing_bytes(&self) -> Vec<u8> {
        Domain::DEVICE_LIST.signing_bytes(&self.body().finish())
    }

    /// The entry, once signed.
    pub fn signed(self, signature: Signature64) -> Result<Entry, Fault> {
        self.signer
            .verify(Domain::DEVICE_LIST, &self.body().finish(), &signature)?;
        Ok(Entry { draft: self, signature })
    }

    fn body(&self) -> Writer {
        Writer::new(Kind::DeviceEntry)
            .field(&self.wallet)
            .fixed(&self.parent)
            .field(&self.identity)
            .field(&self.sealing)
            .field(&self.signer)
    }
}

/// A signed entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    draft: Draft,
    signature: Signature64,
}

impl Entry {
    /// Whose wallet.
    #[must_use]
    pub const fn wallet(&self) -> WalletId {
        self.draft.wallet
    }

    /// The hash of the entry before; zeroes for the first.
    #[must_use]
    pub const fn parent(&self) -> &[u8; 32] {
        &self.draft.parent
    }

    /// The listed device's identity.
    #[must_use]
    pub const fn identity(&self) -> &IdentityKey {
        &self.draft.identity
    }

    /// What is sealed to that device is sealed to this.
    #[must_use]
    pub const fn sealing(&self) -> &SealPublic {
        &self.draft.sealing
    }

    /// Who listed it.
    #[must_use]
    pub const fn signer(&self) -> &IdentityKey {
        &self.draft.signer
    }

    /// The list's head with this entry as its last.
    #[must_use]
    pub fn head(&self) -> [u8; 32] {
        hash::tagged("twofold/device-list", &[&self.to_bytes()])
    }

    /// Checks that this is a wallet's first entry, self-signed.
    pub fn check_first(&self, wallet: WalletId) -> Result<(), Fault> {
        if self.draft.wallet != wallet || self.draft.parent != [0; 32] || self.draft.signer != self.draft.identity {
            return Err(FaultKind::ForeignCeremony.into());
        }
        Ok(())
    }

    /// Canonical bytes, signature included.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.draft.body().field(&self.signature).finish()
    }
}

/// Decoding verifies the signature: an `Entry` that exists is signed.
impl TryFrom<&[u8]> for Entry {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::DeviceEntry)?;
        let draft = Draft {
            wallet: reader.field()?,
            parent: reader.array()?,
            identity: reader.field()?,
            sealing: reader.field()?,
            signer: reader.field()?,
        };
        let signature = reader.field()?;
        reader.finish()?;
        draft.signed(signature)
    }
}

#[cfg(test)]
mod tests;
