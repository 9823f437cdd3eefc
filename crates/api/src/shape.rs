//! What is signed about a wallet's shape beside its device list.
//!
//! Recovery says yes to what one run of the server shows. A database that is brought back a second time shows the same
//! again; a sealing key, which lives in the memory of one run and for a day at most, it never shows again.

use alloc::vec::Vec;

use twofold_threshold::{checkpoint::Checkpoint, envelope::SealPublic, id::WalletId, identity::Domain};

/// Recovery's word that a frozen wallet signs again.
pub const UNFREEZE: Domain = Domain::new("unfreeze");

/// What recovery signs, in the domain [`UNFREEZE`], to end the freeze with this number. No other freeze ends by it, and none
/// at a server that does not hold `key` any more.
#[must_use]
pub fn unfreezing(wallet: WalletId, freeze: u64, key: &SealPublic) -> Vec<u8> {
    [wallet.0.as_slice(), &freeze.to_be_bytes(), key.as_bytes()].concat()
}

/// What recovery signs, in the domain [`Domain::LIFT_FENCE`], to lift a wallet's fence where the server shows it to stand. No
/// fence is lifted by it at a server that does not hold `key` any more.
#[must_use]
pub fn lifting(shown: &Checkpoint, key: &SealPublic) -> Vec<u8> {
    [shown.to_bytes().as_slice(), key.as_bytes()].concat()
}
