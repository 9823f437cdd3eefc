//! Why an entry can't be appended, or a chain is none.

use crate::Fault;

/// Why an entry or a chain of them is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListFault {
    /// An entry can't be read, or a signature of it fails.
    #[error("{0}")]
    Entry(Fault),
    /// There is no entry, or more than a list may have.
    #[error("the device list is empty or too long")]
    Length,
    /// The entry was signed for another head of the list.
    #[error("the device list has changed: sign again, on its newest entry")]
    StaleHead,
    /// A signer, or the device that the entry is about, is not on the list.
    #[error("a device that the entry names or that signed it is not on the list")]
    NotListed,
    /// The device to enrol is on the list, or was once: a device that comes back comes with a new key.
    #[error(
        "that device was struck off, or is on the list already: it comes back with a key of its own, by joining in a new folder (--home)"
    )]
    KnownBefore,
    /// Whoever signed it may not have it, however long they wait.
    #[error("those who signed it may not do this: ask a second approver, or sign with the recovery words")]
    Signers,
    /// No device would be left.
    #[error("no device would be left: enrol another first, and have it confirmed by the recovery words or an approver")]
    LastDevice,
    /// As many devices as a list may have.
    #[error("the list has as many devices as it may: revoke one first")]
    Full,
}

impl From<Fault> for ListFault {
    fn from(fault: Fault) -> Self {
        Self::Entry(fault)
    }
}
