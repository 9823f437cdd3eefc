//! What a chain of entries comes to.

mod kept;

use alloc::vec::Vec;

use super::{
    Act, Change, Entry, ListFault, MAX_DEVICES, MAX_ENROLLED, MAX_ENTRIES, MAX_ENTRY, MAX_RESEALED, Signer,
    powers::{Deed, Leave, Voices, leave},
};
use crate::{
    FaultKind,
    envelope::SealPublic,
    id::{DeviceId, WalletId},
    identity::IdentityKey,
    words::RecoveryIdentity,
};

/// How a device came onto the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It made the wallet.
    First,
    /// One device enrolled it, alone, after a wait.
    Alone(DeviceId),
    /// Two approvers, or one and recovery, enrolled it.
    Together,
    /// Recovery put it in a lost one's place.
    Recovered,
}

/// A listed device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    id: DeviceId,
    identity: IdentityKey,
    sealing: SealPublic,
    approver: bool,
    origin: Origin,
    confirmed: bool,
}

impl Device {
    /// Its name: the hash of its identity.
    #[must_use]
    pub const fn id(&self) -> DeviceId {
        self.id
    }

    /// Its identity.
    #[must_use]
    pub const fn identity(&self) -> &IdentityKey {
        &self.identity
    }

    /// What is for this device is sealed to this key.
    #[must_use]
    pub const fn sealing(&self) -> &SealPublic {
        &self.sealing
    }

    /// Its voice counts toward two.
    #[must_use]
    pub const fn is_approver(&self) -> bool {
        self.approver
    }

    /// How it came onto the list.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        self.origin
    }

    /// Recovery or two approvers have spoken for it, then or since: it stays when whoever enrolled it is revoked.
    #[must_use]
    pub const fn is_confirmed(&self) -> bool {
        self.confirmed
    }
}

/// A wallet's devices, as a verified chain says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceList {
    wallet: WalletId,
    recovery: IdentityKey,
    replaced: Option<RecoveryIdentity>,
    head: [u8; 32],
    len: u32,
    devices: Vec<Device>,
    revoked: Vec<DeviceId>,
}

impl DeviceList {
    /// The list of a wallet that was just made. `recovery` is the identity that recovery signed the wallet's first
    /// transcript with.
    pub fn first(wallet: WalletId, recovery: IdentityKey, entry: &Entry) -> Result<Self, ListFault> {
        entry.check_first(wallet)?;
        Ok(Self {
            wallet,
            recovery,
            replaced: None,
            head: entry.head(),
            len: 1,
            devices: Vec::from([Device {
                id: entry.identity().device_id(),
                identity: *entry.identity(),
                sealing: *entry.sealing(),
                approver: true,
                origin: Origin::First,
                confirmed: true,
            }]),
            revoked: Vec::new(),
        })
    }

    /// Verifies a whole chain, from its first entry.
    pub fn verify<E: AsRef<[u8]>>(wallet: WalletId, recovery: IdentityKey, entries: &[E]) -> Result<Self, ListFault> {
        let (first, rest) = entries.split_first().ok_or(ListFault::Length)?;
        if entries.len() > MAX_ENTRIES {
            return Err(ListFault::Length);
        }
        let mut list = Self::first(wallet, recovery, &Entry::try_from(first.as_ref())?)?;
        for entry in rest {
            list.append(&Change::try_from(entry.as_ref())?)?;
        }
        Ok(list)
    }

    /// Whose list.
    #[must_use]
    pub const fn wallet(&self) -> WalletId {
        self.wallet
    }

    /// The identity that recovery's signatures are held to now.
    #[must_use]
    pub const fn recovery(&self) -> &IdentityKey {
        &self.recovery
    }

    /// The whole identity that recovery has now, where its words were replaced; otherwise it is still that of the wallet's
    /// first transcript.
    #[must_use]
    pub const fn replaced(&self) -> Option<&RecoveryIdentity> {
        self.replaced.as_ref()
    }

    /// The hash of the last entry.
    #[must_use]
    pub const fn head(&self) -> &[u8; 32] {
        &self.head
    }

    /// How many entries the chain has.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a list has its first entry always")]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// The devices, in the order they were enrolled.
    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// A listed device.
    #[must_use]
    pub fn device(&self, id: DeviceId) -> Option<&Device> {
        self.devices.iter().find(|device| device.id == id)
    }

    /// Whether a device was on the list and is no more.
    #[must_use]
    pub fn was_revoked(&self, id: DeviceId) -> bool {
        self.revoked.contains(&id)
    }

    /// Which voices some signers are together. All must be listed.
    pub fn voices<'a>(&self, signers: impl IntoIterator<Item = &'a Signer>) -> Result<Voices, ListFault> {
        let (mut approvers, mut recovery) = (Vec::new(), false);
        for signer in signers {
            match signer {
                Signer::Recovery => recovery = true,
                Signer::Device(identity) => {
                    let device = self.device(identity.device_id()).ok_or(ListFault::NotListed)?;
                    if device.approver && !approvers.contains(&device.id) {
                        approvers.push(device.id);
                    }
                }
            }
        }
        Ok(match (recovery, approvers.len()) {
            (true, 0) => Voices::Recovery,
            (true, _) => Voices::OneAndRecovery,
            (false, 0 | 1) => Voices::OneDevice,
            (false, _) => Voices::TwoApprovers,
        })
    }

    /// Checks an entry whole: its place, its signatures, and that its signers may have what it says, now or after a wait.
    /// It tells what is wanted and by whom; the wait itself is the server's to keep.
    pub fn judge(&self, change: &Change) -> Result<(Deed, Voices), ListFault> {
        if change.wallet() != self.wallet {
            return Err(ListFault::Entry(FaultKind::ForeignCeremony.into()));
        }
        if *change.parent() != self.head || change.seq() != self.len.saturating_add(1) {
            return Err(ListFault::StaleHead);
        }
        self.judge_in_place(change)
    }

    /// Checks a wish, which stands on no head: that recovery alone asks for a machine to take a lost one's place. It is only
    /// asked for: what lists the machine is an entry.
    pub fn judge_wish(&self, wish: &Change) -> Result<(Deed, Voices), ListFault> {
        if wish.wallet() != self.wallet {
            return Err(ListFault::Entry(FaultKind::ForeignCeremony.into()));
        }
        if !wish.is_wish() {
            return Err(ListFault::StaleHead);
        }
        match self.judge_in_place(wish)? {
            judged @ (Deed::Recover, _) => Ok(judged),
            _ => Err(ListFault::Signers),
        }
    }

    fn judge_in_place(&self, change: &Change) -> Result<(Deed, Voices), ListFault> {
        let length = usize::try_from(self.len).unwrap_or(usize::MAX);
        if length >= MAX_ENTRIES || change.to_bytes().len() > MAX_ENTRY {
            return Err(ListFault::Length);
        }
        let voices = self.voices(change.signers())?;
        change.verify(&self.recovery)?;
        let listed = |id: &DeviceId| self.device(*id).ok_or(ListFault::NotListed);
        let deed = match change.act() {
            Act::Enrol { identity, .. } => {
                let id = identity.device_id();
                if self.device(id).is_some() || self.was_revoked(id) {
                    return Err(ListFault::KnownBefore);
                }
                let (deed, most) = match voices {
                    Voices::Recovery => (Deed::Recover, MAX_DEVICES),
                    _ => (Deed::Enrol, MAX_ENROLLED),
                };
                if self.devices.len() >= most {
                    return Err(ListFault::Full);
                }
                deed
            }
            Act::Revoke(id) => {
                listed(id)?;
                let struck = self.struck(*id, change);
                if struck.len() >= self.devices.len() {
                    return Err(ListFault::LastDevice);
                }
                // Whoever leaves at once takes nobody along: that would be to strike another off.
                if Self::alone(change, *id) && struck.len() == 1 {
                    Deed::RevokeSelf
                } else {
                    Deed::RevokeOther
                }
            }
            Act::MakeApprover(id) => {
                listed(id)?;
                Deed::AddApprover
            }
            Act::Reseal { device, .. } => {
                listed(device)?;
                if length >= MAX_RESEALED {
                    return Err(ListFault::Length);
                }
                if !Self::alone(change, *device) {
                    return Err(ListFault::Signers);
                }
                // It gives nobody anything: what was for the device stays for the device.
                return Ok((Deed::Refresh, voices));
            }
            Act::ReplaceRecovery(_) => Deed::ReplaceWords,
        };
        match leave(deed, voices) {
            Leave::Never => Err(ListFault::Signers),
            _ => Ok((deed, voices)),
        }
    }

    /// Appends an entry, and gives the devices that it struck off.
    pub fn append(&mut self, change: &Change) -> Result<Vec<DeviceId>, ListFault> {
        let (_, voices) = self.judge(change)?;
        let mut struck = Vec::new();
        match change.act() {
            Act::Enrol { identity, sealing } => {
                let origin = match voices {
                    Voices::Recovery => Origin::Recovered,
                    Voices::TwoApprovers | Voices::OneAndRecovery => Origin::Together,
                    Voices::OneDevice => Origin::Alone(Self::first_signer(change)?),
                };
                self.devices.push(Device {
                    id: identity.device_id(),
                    identity: *identity,
                    sealing: *sealing,
                    approver: origin == Origin::Recovered,
                    origin,
                    confirmed: !matches!(origin, Origin::Alone(_)),
                });
            }
            Act::Revoke(id) => {
                struck = self.struck(*id, change);
                self.devices.retain(|device| !struck.contains(&device.id));
                self.revoked.extend_from_slice(&struck);
            }
            Act::MakeApprover(id) => {
                if let Some(device) = self.devices.iter_mut().find(|device| device.id == *id) {
                    device.approver = true;
                    device.confirmed |= matches!(voices, Voices::TwoApprovers | Voices::OneAndRecovery);
                }
            }
            Act::Reseal { device: id, sealing } => {
                if let Some(device) = self.devices.iter_mut().find(|device| device.id == *id) {
                    device.sealing = *sealing;
                }
            }
            Act::ReplaceRecovery(identity) => {
                self.recovery = identity.signing;
                self.replaced = Some(*identity);
            }
        }
        self.head = change.head();
        self.len = self.len.saturating_add(1);
        Ok(struck)
    }

    /// Who goes when `id` is revoked: it, whom it alone enrolled and nobody confirmed, whom those alone enrolled, and so
    /// on; whoever signs the revocation stays.
    fn struck(&self, id: DeviceId, change: &Change) -> Vec<DeviceId> {
        let signs = |device: &Device| {
            change
                .signers()
                .any(|signer| *signer == Signer::Device(device.identity))
        };
        let mut struck = Vec::from([id]);
        let mut seen = 0;
        while let Some(gone) = struck.get(seen).copied() {
            seen += 1;
            for device in &self.devices {
                let his = device.origin == Origin::Alone(gone) && !device.confirmed;
                if his && !signs(device) && !struck.contains(&device.id) {
                    struck.push(device.id);
                }
            }
        }
        struck
    }

    /// Whether a device signed an entry, and nobody else.
    fn alone(change: &Change, id: DeviceId) -> bool {
        change
            .signers()
            .all(|signer| matches!(signer, Signer::Device(key) if key.device_id() == id))
    }

    fn first_signer(change: &Change) -> Result<DeviceId, ListFault> {
        change
            .signers()
            .find_map(|signer| match signer {
                Signer::Device(identity) => Some(identity.device_id()),
                Signer::Recovery => None,
            })
            .ok_or(ListFault::Signers)
    }
}

/// How a chain that is told compares with the one that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// It is the same.
    Same,
    /// It goes on from it.
    Onward,
    /// It ends before it: whoever tells it is behind.
    Behind,
    /// It has another entry at this number, counted from 1: somebody was shown two heads.
    Forked(u32),
}

/// Compares a chain that is told with the one that is known, entry by entry.
#[must_use]
pub fn succession<A: AsRef<[u8]>, B: AsRef<[u8]>>(known: &[A], told: &[B]) -> Succession {
    let fork = known
        .iter()
        .zip(told)
        .position(|(known, told)| known.as_ref() != told.as_ref());
    match fork {
        Some(at) => Succession::Forked(u32::try_from(at).map_or(u32::MAX, |at| at.saturating_add(1))),
        None if told.len() == known.len() => Succession::Same,
        None if told.len() > known.len() => Succession::Onward,
        None => Succession::Behind,
    }
}

#[cfg(test)]
mod tests;
