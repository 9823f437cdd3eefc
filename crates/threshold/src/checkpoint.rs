//! Checkpoints: signed heads of a wallet's audit chain, which devices carry so that a rolled-back server is noticed.

use alloc::vec::Vec;

use crate::{
    Fault,
    codec::{Kind, Reader, Writer},
    hash,
    id::{EpochId, Party, WalletId},
    identity::{Domain, IdentityKey, IdentitySecret, Signature64},
};

/// What a checkpoint says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whose wallet.
    pub wallet: WalletId,
    /// Counts the times that a fence was lifted.
    pub generation: u32,
    /// Counts the chain's entries.
    pub seq: u64,
    /// The key's epoch.
    pub epoch: EpochId,
    /// The head of the device list.
    pub list: [u8; 32],
    /// The head of the audit chain.
    pub chain: [u8; 32],
}

impl Head {
    /// Signs it with the server's identity.
    #[must_use]
    pub fn sign(self, server: &IdentitySecret) -> Checkpoint {
        let signature = server.sign(Domain::CHECKPOINT, &self.body().finish());
        Checkpoint { head: self, signature }
    }

    fn body(&self) -> Writer {
        Writer::new(Kind::Checkpoint)
            .field(&self.wallet)
            .u32(self.generation)
            .u64(self.seq)
            .field(&self.epoch)
            .fixed(&self.list)
            .fixed(&self.chain)
    }
}

/// A head with the server's signature, not yet checked: [`Checkpoint::verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    head: Head,
    signature: Signature64,
}

impl Checkpoint {
    /// Bytes of a checkpoint.
    pub const LEN: usize = 2 + 16 + 4 + 8 + 36 + 32 + 32 + 64;

    /// The head, once `server` is seen to have signed it.
    pub fn verify(&self, server: &IdentityKey) -> Result<&Head, Fault> {
        server
            .verify(Domain::CHECKPOINT, &self.head.body().finish(), &self.signature)
            .map_err(|fault| fault.by(Party::Server))?;
        Ok(&self.head)
    }

    /// A hash over head and signature: the context that a co-signature is bound to.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        hash::tagged("twofold/checkpoint", &[&self.to_bytes()])
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.head.body().field(&self.signature).finish()
    }
}

impl TryFrom<&[u8]> for Checkpoint {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::Checkpoint)?;
        let head = Head {
            wallet: reader.field()?,
            generation: reader.u32()?,
            seq: reader.u64()?,
            epoch: reader.field()?,
            list: reader.array()?,
            chain: reader.array()?,
        };
        let signature = reader.field()?;
        reader.finish()?;
        Ok(Self { head, signature })
    }
}

#[cfg(test)]
mod tests;
