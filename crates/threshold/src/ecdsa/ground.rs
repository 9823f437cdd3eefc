//! What all three must hold to be so before they make a key together.

use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer},
    id::{EpochId, Party, WalletId},
    identity::IdentityKey,
    words::RecoveryIdentity,
};

/// Where a wallet stands when it gains an ECDSA key: it exists, so everybody's identity is known to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ground {
    /// Whose wallet.
    pub wallet: WalletId,
    /// The wallet's epoch: the new key begins in it, under its unlock key and its number.
    pub epoch: EpochId,
    /// The server's identity.
    pub server: IdentityKey,
    /// The identity of the device that carries the messages.
    pub device: IdentityKey,
    /// Recovery's identity.
    pub recovery: RecoveryIdentity,
    /// Who recovery was when the wallet was made, other than now where its words were replaced since: the device list is
    /// verified from there on.
    pub first_recovery: IdentityKey,
    /// H(unlock key) of the epoch.
    pub unlock_digest: [u8; 32],
    /// The head of the device list.
    pub device_list_head: [u8; 32],
}

impl Ground {
    /// Who `party` is.
    #[must_use]
    pub const fn identity(&self, party: Party) -> &IdentityKey {
        match party {
            Party::Server => &self.server,
            Party::Device => &self.device,
            Party::Recovery => &self.recovery.signing,
        }
    }

    /// Whether `claimed`, which `from` says, is this ground.
    pub(super) fn check(&self, claimed: &Self, from: Party) -> Result<(), Fault> {
        if self == claimed {
            return Ok(());
        }
        // An older or newer epoch is no cheat.
        if self.wallet == claimed.wallet && self.epoch != claimed.epoch {
            return Err(FaultKind::StaleEpoch.into());
        }
        Err(Fault::of(FaultKind::ForeignCeremony, from))
    }
}

impl Encode for Ground {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.wallet)
            .field(&self.epoch)
            .field(&self.server)
            .field(&self.device)
            .field(&self.recovery)
            .field(&self.first_recovery)
            .fixed(&self.unlock_digest)
            .fixed(&self.device_list_head)
    }
}

impl Decode for Ground {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            wallet: reader.field()?,
            epoch: reader.field()?,
            server: reader.field()?,
            device: reader.field()?,
            recovery: reader.field()?,
            first_recovery: reader.field()?,
            unlock_digest: reader.array()?,
            device_list_head: reader.array()?,
        })
    }
}
