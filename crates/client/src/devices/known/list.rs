//! A device list as this machine keeps it under its seal, with what it came to: what was verified once and lay where nobody
//! else writes is not verified again, and of a longer list only what is new.

use twofold_threshold::device_list::{Change, DeviceList, ListFault, MAX_ENTRIES, MAX_ENTRY};
use twofold_threshold::id::WalletId;
use twofold_threshold::identity::IdentityKey;

use crate::fault::{Breach, Fault};
use crate::keystore::record::{Reader, Writer};
use crate::port::KeystoreFault;
use crate::wallet::Record;

/// A list that was verified, or one from before it was kept what that came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownList {
    entries: Vec<Vec<u8>>,
    verified: Option<DeviceList>,
    /// What the log was of when the list was read.
    generation: u32,
}

impl KnownList {
    /// A list that is verified when it is looked at.
    pub(crate) const fn unverified(entries: Vec<Vec<u8>>, generation: u32) -> Self {
        Self {
            entries,
            verified: None,
            generation,
        }
    }

    /// A list that was verified just now.
    pub(crate) const fn verified(entries: Vec<Vec<u8>>, list: DeviceList, generation: u32) -> Self {
        Self {
            entries,
            verified: Some(list),
            generation,
        }
    }

    /// Verifies a list from its first entry.
    pub(crate) fn verify(
        wallet: WalletId,
        recovery: IdentityKey,
        entries: Vec<Vec<u8>>,
        generation: u32,
    ) -> Result<Self, Fault> {
        let list = DeviceList::verify(wallet, recovery, &entries).map_err(Breach::DeviceList)?;
        Ok(Self::verified(entries, list, generation))
    }

    /// A longer one, or the same, as it was told: what comes after this one is verified. That it begins with this one was
    /// seen before.
    pub(crate) fn onward(&self, record: &Record, told: Vec<Vec<u8>>, generation: u32) -> Result<Self, Fault> {
        let mut list = self.list(record)?;
        for entry in told.get(self.entries.len()..).unwrap_or_default() {
            let change = Change::try_from(entry.as_slice()).map_err(ListFault::from);
            list.append(&change.map_err(Breach::DeviceList)?)
                .map_err(Breach::DeviceList)?;
        }
        Ok(Self::verified(told, list, generation))
    }

    /// What the list comes to.
    pub(crate) fn list(&self, record: &Record) -> Result<DeviceList, Fault> {
        match &self.verified {
            Some(list) => Ok(list.clone()),
            None => {
                Ok(DeviceList::verify(record.wallet, record.recovery()?, &self.entries).map_err(Breach::DeviceList)?)
            }
        }
    }

    /// Its entries.
    pub(crate) fn entries(&self) -> &[Vec<u8>] {
        &self.entries
    }

    /// What the log was of when the list was read.
    pub(crate) const fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether the other one was read later. Within a generation a list only grows.
    pub(super) fn is_before(&self, other: &Self) -> bool {
        (self.generation, self.entries.len()) < (other.generation, other.entries.len())
    }

    pub(crate) fn write(&self, writer: Writer) -> Writer {
        let verified = self.verified.as_ref().map(DeviceList::to_kept_bytes);
        writer
            .fixed(&self.generation.to_be_bytes())
            .all(&self.entries)
            .optional(verified.as_deref())
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, KeystoreFault> {
        let generation = u32::from_be_bytes(reader.array()?);
        let mut list = Self::read_entries(reader, generation)?;
        if let Some(bytes) = reader.optional()? {
            let verified = DeviceList::from_kept_bytes(bytes).map_err(|_| reader.damaged())?;
            if usize::try_from(verified.len()) != Ok(list.entries.len()) {
                return Err(reader.damaged());
            }
            list.verified = Some(verified);
        }
        Ok(list)
    }

    pub(super) fn read_entries(reader: &mut Reader<'_>, generation: u32) -> Result<Self, KeystoreFault> {
        let entries = reader.all(u32::try_from(MAX_ENTRIES).unwrap_or(u32::MAX))?;
        if entries.iter().any(|entry| entry.len() > MAX_ENTRY) {
            return Err(reader.damaged());
        }
        Ok(Self::unverified(entries, generation))
    }
}
