//! A wallet's shape as its state record keeps it: which devices it has and what they are called, a freeze, what waits.
//!
//! The device list itself is the signed chain; what is here of it is what each request needs, and is worked out from the
//! chain whenever that grows.

use serde::{Deserialize, Serialize};
use twofold_api::{Reason, Refusal};
use twofold_threshold::{
    device_list::{DeviceList, Entry, ListFault},
    id::{DeviceId, WalletId},
    identity::IdentityKey,
};

use crate::{
    Cosigner, fault,
    pending::Waiting,
    port::{Clock, chain::Chain, store::Store},
    wallet::Owned,
};

/// What is kept of the shape.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// The listed devices and what they are called. None in a wallet from before there was more than one.
    devices: Vec<Named>,
    /// Recovery's identity when the wallet was made, encoded.
    recovery: Vec<u8>,
    /// Why signing stops, where a device froze the wallet.
    pub(crate) freeze: Option<Freeze>,
    /// What waits.
    pub(crate) waiting: Waiting,
    /// How long a recovery of this wallet waits, in seconds, where the operator has said so.
    pub(crate) recovery_wait: Option<u64>,
    parcels: Vec<Parcel>,
    revoked_at: Option<u32>,
    /// When the codes end that were minted for further machines.
    invited: Vec<u64>,
    /// The codes that the operator minted for recovery, hashed, and when each ends.
    recovering: Vec<([u8; 32], u64)>,
}

/// A listed device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Named {
    id: [u8; 32],
    name: String,
}

/// A freeze.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Freeze {
    /// The place in the audit chain where it stands.
    pub(crate) since: u64,
    /// The device that froze the wallet.
    pub(crate) by: [u8; 32],
}

/// What a device left for one that it enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Parcel {
    to: [u8; 32],
    epoch: u32,
    sealed: Vec<u8>,
}

/// Most codes for further machines that are open at once.
const INVITED: usize = 5;
/// Most codes for recovery that are open at once.
const RECOVERING: usize = 16;

impl Shape {
    /// The shape of a wallet that was just made.
    pub(crate) fn new(device: DeviceId, name: String, recovery: &IdentityKey) -> Self {
        Self {
            devices: vec![Named { id: device.0, name }],
            recovery: recovery.to_bytes(),
            ..Self::default()
        }
    }

    /// Recovery's identity when the wallet was made; none where that is not kept here.
    pub(crate) fn recovery(&self) -> Result<Option<IdentityKey>, Refusal> {
        match self.recovery.as_slice() {
            [] => Ok(None),
            bytes => IdentityKey::try_from(bytes)
                .map(Some)
                .map_err(|cause| fault::internal("recovery's identity can't be read", &cause)),
        }
    }

    /// Whether a device is listed; none where that is not kept here.
    pub(crate) fn lists(&self, device: DeviceId) -> Option<bool> {
        if self.devices.is_empty() {
            None
        } else {
            Some(self.devices.iter().any(|named| named.id == device.0))
        }
    }

    /// What each device is called.
    pub(crate) fn names(&self) -> Vec<([u8; 32], String)> {
        self.devices
            .iter()
            .map(|named| (named.id, named.name.clone()))
            .collect()
    }

    /// Calls a device something else; false where it is not listed.
    pub(crate) fn rename(&mut self, device: DeviceId, name: &str) -> bool {
        let named = self.devices.iter_mut().find(|named| named.id == device.0);
        named.map(|named| name.clone_into(&mut named.name)).is_some()
    }

    /// Takes over which devices there are. `name` is for one that is new.
    pub(crate) fn follow(&mut self, list: &DeviceList, name: &str) {
        let called = |id: DeviceId| {
            let known = self.devices.iter().find(|named| named.id == id.0);
            known.map_or_else(|| name.to_owned(), |named| named.name.clone())
        };
        let devices = list.devices().iter().map(|device| Named {
            id: device.id().0,
            name: called(device.id()),
        });
        self.devices = devices.collect();
        self.parcels.retain(|parcel| list.device(DeviceId(parcel.to)).is_some());
    }

    /// These devices are gone: what they asked for falls, and a refresh is due.
    pub(crate) fn struck(&mut self, devices: &[DeviceId], epoch: u32) {
        if !devices.is_empty() {
            self.waiting.drop_of(devices);
            self.want_refresh(epoch);
        }
    }

    /// Somebody who is gone has a share of this epoch: a refresh is due.
    pub(crate) fn want_refresh(&mut self, epoch: u32) {
        self.revoked_at = Some(epoch);
    }

    /// Whether a device was revoked, or words replaced, in this epoch.
    pub(crate) fn refresh_due(&self, epoch: u32) -> bool {
        self.revoked_at == Some(epoch)
    }

    /// Keeps what a new device needs until it has it.
    pub(crate) fn leave_parcel(&mut self, to: DeviceId, epoch: u32, sealed: Vec<u8>) {
        self.parcels.retain(|parcel| parcel.to != to.0);
        if !sealed.is_empty() {
            let to = to.0;
            self.parcels.push(Parcel { to, epoch, sealed });
        }
    }

    /// What was left for a device. Where the shares were dealt anew since, it follows by what was sealed to it then.
    pub(crate) fn parcel(&self, to: DeviceId) -> Vec<u8> {
        let mut left = self.parcels.iter();
        let left = left.find(|parcel| parcel.to == to.0);
        left.map(|parcel| parcel.sealed.clone()).unwrap_or_default()
    }

    /// Whether something was left for a device that it has not said to have opened.
    pub(crate) fn has_parcel(&self, to: DeviceId) -> bool {
        self.parcels.iter().any(|parcel| parcel.to == to.0)
    }

    /// Counts a code for another machine.
    pub(crate) fn invite(&mut self, now: u64, expires: u64) -> Result<(), Refusal> {
        self.invited.retain(|expires| *expires > now);
        if self.invited.len() >= INVITED {
            return Err(Refusal::new(
                Reason::QuotaExceeded,
                "as many codes for further machines are open as may be; wait until one ends",
            ));
        }
        self.invited.push(expires);
        Ok(())
    }

    /// Notes a code by which recovery may ask. It stands here and not with the invitation alone: a device mints invitations
    /// for this wallet too, and who can write the database makes any.
    pub(crate) fn let_recovery_ask(&mut self, code: [u8; 32], now: u64, expires: u64) -> Result<(), Refusal> {
        self.recovering.retain(|(_, expires)| *expires > now);
        if self.recovering.len() >= RECOVERING {
            return Err(Refusal::new(
                Reason::QuotaExceeded,
                "as many invitations for recovery of this wallet are open as may be; wait until one ends",
            ));
        }
        self.recovering.push((code, expires));
        Ok(())
    }

    /// Whether recovery may ask by this code.
    pub(crate) fn lets_recovery_ask(&self, code: &[u8; 32], now: u64) -> bool {
        self.recovering
            .iter()
            .any(|(minted, expires)| minted == code && now < *expires)
    }
}

/// Why an entry of a device list is refused.
pub(crate) fn refused(fault: &ListFault) -> Refusal {
    match fault {
        ListFault::Entry(fault) => fault::protocol(fault),
        ListFault::StaleHead => Reason::ListChanged.into(),
        ListFault::NotListed => Refusal::new(Reason::DeviceNotListed, fault.to_string()),
        fault => Refusal::new(Reason::NotPermitted, fault.to_string()),
    }
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Refuses a device that is not on the wallet's list, whoever's it is.
    pub(crate) async fn listed(&self, owned: &Owned, device: DeviceId) -> Result<(), Refusal> {
        let listed = match owned.state().shape.lists(device) {
            Some(listed) => listed,
            None => self.made_by(owned.id(), device).await?,
        };
        if listed {
            Ok(())
        } else {
            Err(Reason::DeviceNotListed.into())
        }
    }

    /// Whether a device made a wallet that has had no other since.
    async fn made_by(&self, wallet: WalletId, device: DeviceId) -> Result<bool, Refusal> {
        let chains = self.chains(wallet).await?;
        let first = chains.device_list.first().map(Vec::as_slice).unwrap_or_default();
        let first = Entry::try_from(first).map_err(|cause| fault::internal("a device list can't be read", &cause))?;
        Ok(first.identity().device_id() == device)
    }
}
