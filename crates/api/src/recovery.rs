//! What recovery signs, beside entries of the device list, where a device was lost or other words take the old ones' place.

use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};
use twofold_threshold::{
    envelope::SealPublic,
    id::{DeviceId, EpochId, WalletId},
    identity::{Domain, IdentityKey},
    words::RecoveryIdentity,
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

/// New words' word that they take a share that is sealed to a key.
pub const ACCEPT: Domain = Domain::new("replace/accept");

/// What new words sign, in the domain [`ACCEPT`]: for which server, and the key that their share is to be sealed to. So
/// nobody gets a share in the name of words that they do not have.
#[must_use]
pub fn accepting(server: &IdentityKey, key: &SealPublic) -> Vec<u8> {
    [server.to_bytes().as_slice(), key.as_bytes()].concat()
}

/// What names the replacing of a wallet's words by others: what is asked for, what waits, and what both helpers sign over.
#[must_use]
pub fn replacing(words: &RecoveryIdentity) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"twofold/asked/1")
        .chain_update([5])
        .chain_update(words.signing.to_bytes())
        .chain_update(words.recipient.as_bytes())
        .finalize()
        .into()
}

/// What names the repair of a server's share: both helpers sign over it, for one server and epoch.
#[must_use]
pub fn restoring(server: &IdentityKey, epoch: &EpochId) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"twofold/asked/1")
        .chain_update([7])
        .chain_update(server.to_bytes())
        .chain_update(epoch.number.to_be_bytes())
        .chain_update(epoch.transcript)
        .finalize()
        .into()
}
