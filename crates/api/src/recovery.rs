//! What recovery signs to be let in where a device was lost, beside entries of the device list.

use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};
use twofold_threshold::{
    envelope::SealPublic,
    id::{DeviceId, WalletId},
    identity::{Domain, IdentityKey},
};

/// Recovery's word that a device may read what recovery needs.
pub const READ: Domain = Domain::new("recover/read");

/// What recovery signs, in the domain [`READ`], for one machine and one wallet.
#[must_use]
pub fn reading(wallet: WalletId, device: DeviceId) -> Vec<u8> {
    [wallet.0.as_slice(), &device.0].concat()
}

/// What names the recovery of one device: recovery signs over it when it asks the server to help.
#[must_use]
pub fn mandate(identity: &IdentityKey, sealing: &SealPublic) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"twofold/asked/1")
        .chain_update([6])
        .chain_update(identity.to_bytes())
        .chain_update(sealing.as_bytes())
        .finalize()
        .into()
}
