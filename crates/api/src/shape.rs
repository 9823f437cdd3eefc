//! What is signed about a wallet's shape beside its device list.

use alloc::vec::Vec;

use twofold_threshold::{id::WalletId, identity::Domain};

/// Recovery's word that a frozen wallet signs again.
pub const UNFREEZE: Domain = Domain::new("unfreeze");

/// What recovery signs, in the domain [`UNFREEZE`], to end the freeze with this number. No other freeze ends by it.
#[must_use]
pub fn unfreezing(wallet: WalletId, freeze: u64) -> Vec<u8> {
    [wallet.0.as_slice(), &freeze.to_be_bytes()].concat()
}
