//! The refresh ceremony: new shares of the same key at the next epoch, two round trips, recovery absent.
//!
//! ```text
//! device                                server
//!    | Opening                             |   A_D, f_D(server) and the new unlock key, sealed
//!    |------------------------------------>|   its state sealed, nothing else changed
//!    |                         ServerRound |   A_S, f_S(device) sealed, its envelopes, its record for the device
//!    |<------------------------------------|
//!    |  signs T, makes the epoch durable   |
//!    | Closing                             |   its envelopes, its signature over T
//!    |------------------------------------>|   stores the epoch, erases the old one, signs T
//!    |                          Completion |
//!    |<------------------------------------|
//!    |  erases the old epoch               |
//! ```
//!
//! Device and server each deal a polynomial f(x) = a·x, so both know all that it adds to anybody. `frost`'s own
//! distributed refresh wants a package from everybody and drops whoever sent none, so only its dealing is used.
//!
//! **Each** of the two seals to recovery, and to every listed device, the whole of what is added and the new unlock key
//! ([`Envelopes`]). Whoever was absent takes the one that fits the signed transcript: one honest dealer is enough, and
//! nobody has to keep an old share for it. The sealing key that a device is listed with is used once: the device that
//! refreshes takes a fresh one in the same step, and any other when it has opened what waited for it, so that what was
//! sealed to the old one, recorded, opens for nobody who gets hold of the device later.
//!
//! A wallet with two keys refreshes [`both`] in one run.
//!
//! The second to deal can choose the sum. It gains nothing by that, since it knows the sum whatever it is; a sum of
//! zero, which would leave every old share alive, is refused.

pub mod both;
pub mod device;
mod envelopes;
mod increment;
mod link;
mod message;
pub mod server;
mod transcript;

pub use envelopes::Envelopes;
pub use link::Link;
pub use message::{Closing, Completion, Opening, ServerRound};
pub use transcript::{RefreshTranscript, SignedRefresh};

use alloc::vec::Vec;

use crate::{
    Fault, FaultKind,
    device_list::DeviceList,
    envelope::SealPublic,
    id::{EpochId, WalletId},
    identity::IdentityKey,
    share::PublicShares,
    words::RecoveryIdentity,
};

/// How far ahead of the last epoch's number the next one's may be: after a restore, numbers that were seen are skipped.
const MAX_SKIP: u32 = 1_000;

/// Where a wallet stands before a refresh: what every party must hold to be so.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Whose wallet.
    pub wallet: WalletId,
    /// The server's identity.
    pub server: IdentityKey,
    /// Recovery's identity.
    pub recovery: RecoveryIdentity,
    /// The devices that the wallet has.
    pub list: DeviceList,
    /// The current epoch.
    pub public: PublicShares,
}

impl Ground {
    /// Whether `identity` is on the list.
    #[must_use]
    pub fn lists(&self, identity: &IdentityKey) -> bool {
        self.list.device(identity.device_id()).is_some()
    }

    /// To whom a refresh is sealed, by identity and sealing key, in the list's order.
    pub(crate) fn recipients(&self) -> Vec<(IdentityKey, SealPublic)> {
        let devices = self.list.devices().iter();
        devices.map(|device| (*device.identity(), *device.sealing())).collect()
    }

    /// A number that an epoch after this one may have.
    fn check_number(&self, number: u32) -> Result<(), Fault> {
        let EpochId { number: last, .. } = self.public.epoch();
        if number > last && number - last <= MAX_SKIP {
            Ok(())
        } else {
            Err(FaultKind::StaleEpoch.into())
        }
    }
}

#[cfg(test)]
mod tests;
