//! What a device that is enrolled needs of the one that enrols it: the share, the unlock key, and what to hold all else
//! against.
//!
//! The share is sealed to the key that the person brought over from the new machine, and to nothing that a server names.
//! The whole is signed by the device that seals it, whose identity the new machine has from the same person: so the new
//! machine takes the wallet's public shares, its recovery and its list from that device and not from a server.

use alloc::vec::Vec;

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::DeviceList;
use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    envelope::{Binding, Purpose, SealPublic, SealSecret},
    hash,
    id::{CeremonyId, DeviceId, EpochId, KeyKind, Party, WalletId},
    identity::{Domain, IdentityKey, IdentitySecret, Signature64},
    secret::{Secret32, UnlockKey},
    share::{PublicShares, Share},
};

/// Most bytes of encoded public shares, and of what is sealed.
const MAX_PART: usize = 1024;

/// A signed parcel; its share is sealed to one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    wallet: WalletId,
    to: DeviceId,
    recovery: IdentityKey,
    list: [u8; 32],
    public: Vec<u8>,
    sealed: Vec<u8>,
    signature: Signature64,
}

/// What a parcel holds.
#[derive(Debug)]
pub struct Opened {
    /// The devices' share.
    pub share: Share,
    /// What it and the others are held against.
    pub public: PublicShares,
    /// The unlock key of the same epoch.
    pub unlock: UnlockKey,
    /// The identity that recovery's signatures are held to.
    pub recovery: IdentityKey,
    /// The list's head that the sender had verified.
    pub list: [u8; 32],
}

impl Parcel {
    /// Seals the devices' share for a new one. `list` is as the sender has verified it, before or after the new device's
    /// entry.
    pub fn seal(
        share: &Share,
        public: &PublicShares,
        unlock: &UnlockKey,
        list: &DeviceList,
        to: (&IdentityKey, &SealPublic),
        from: &IdentitySecret,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, Fault> {
        if share.party() != Party::Device || share.wallet() != list.wallet() {
            return Err(FaultKind::ForeignCeremony.into());
        }
        share.check(public)?;
        let (identity, sealing) = to;
        let plain = Zeroizing::new({
            let share = share.to_secret_bytes();
            let mut bytes = Vec::with_capacity(share.len() + 32);
            bytes.extend_from_slice(&share);
            bytes.extend_from_slice(unlock.expose().expose());
            bytes
        });
        let to = identity.device_id();
        let sealed = sealing.seal(&binding(list.wallet(), to, public), Purpose::Parcel, &plain, rng)?;
        let mut parcel = Self {
            wallet: list.wallet(),
            to,
            recovery: *list.recovery(),
            list: *list.head(),
            public: public.to_bytes(),
            sealed,
            signature: Signature64([0; 64]),
        };
        parcel.signature = from.sign(Domain::PARCEL, &parcel.body().finish());
        Ok(parcel)
    }

    /// Opens it as the device that it is for. `from` is the device that the person said adds this one.
    pub fn open(
        &self,
        wallet: WalletId,
        from: &IdentityKey,
        own: &IdentityKey,
        sealing: &SealSecret,
    ) -> Result<Opened, Fault> {
        from.verify(Domain::PARCEL, &self.body().finish(), &self.signature)
            .map_err(|fault| fault.by(Party::Server))?;
        if self.wallet != wallet || self.to != own.device_id() {
            return Err(FaultKind::ForeignCeremony.into());
        }
        let public = PublicShares::try_from(self.public.as_slice())?;
        let plain = sealing.open(&binding(wallet, self.to, &public), Purpose::Parcel, &self.sealed)?;
        let (share, unlock) = plain.split_last_chunk::<32>().ok_or(FaultKind::Length)?;
        let share = Share::from_secret_bytes(share)?;
        if share.party() != Party::Device || share.wallet() != wallet {
            return Err(FaultKind::ForeignCeremony.into());
        }
        share.check(&public)?;
        Ok(Opened {
            share,
            public,
            unlock: UnlockKey::new(Secret32::new(*unlock)),
            recovery: self.recovery,
            list: self.list,
        })
    }

    fn body(&self) -> Writer {
        Writer::new(Kind::Parcel)
            .field(&self.wallet)
            .field(&self.to)
            .field(&self.recovery)
            .fixed(&self.list)
            .var(&self.public)
            .var(&self.sealed)
    }

    /// Canonical bytes, signature included.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.body().field(&self.signature).finish()
    }
}

impl TryFrom<&[u8]> for Parcel {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::Parcel)?;
        let parcel = Self {
            wallet: reader.field()?,
            to: reader.field()?,
            recovery: reader.field()?,
            list: reader.array()?,
            public: reader.var(MAX_PART)?.to_vec(),
            sealed: reader.var(MAX_PART)?.to_vec(),
            signature: reader.field()?,
        };
        reader.finish()?;
        Ok(parcel)
    }
}

/// Where a parcel belongs: one device, at one epoch.
fn binding(wallet: WalletId, to: DeviceId, public: &PublicShares) -> Binding {
    let epoch: EpochId = public.epoch();
    let name = hash::tagged("twofold/parcel", &[&to.0, &epoch.transcript]);
    let mut ceremony = [0; 16];
    ceremony.copy_from_slice(&name[..16]);
    Binding {
        wallet,
        ceremony: CeremonyId(ceremony),
        epoch_number: epoch.number,
        previous: epoch,
        kind: KeyKind::Taproot,
        from: Party::Device,
        to: Party::Device,
    }
}

#[cfg(test)]
mod tests;
