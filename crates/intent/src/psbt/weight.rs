//! How heavy the transaction will be once everybody has signed.

use bitcoin::{Script, TapSighashType, Transaction, TxOut, Weight};

/// Marker and flag of a transaction with witnesses.
const SEGWIT_MARKER: usize = 2;
/// Stack count, length, and a 64-byte signature.
const TAPROOT_KEY_PATH: usize = 1 + 1 + 64;

/// Exact for key-path inputs. For others' inputs it is what their script type needs at least: a witness that they
/// attach is theirs to choose and would let them water down the fee rate.
pub(super) fn estimate(tx: &Transaction, coins: &[TxOut], own: &[(usize, TapSighashType)]) -> Weight {
    let mut weight = tx.base_size() * 4 + SEGWIT_MARKER;
    for (index, coin) in coins.iter().enumerate() {
        weight += match own.iter().find(|(position, _)| *position == index) {
            Some((_, TapSighashType::Default)) => TAPROOT_KEY_PATH,
            Some(_) => TAPROOT_KEY_PATH + 1,
            None => foreign(&coin.script_pubkey),
        };
    }
    Weight::from_wu(weight as u64)
}

/// The least that unlocking this script adds, in weight units.
fn foreign(script: &Script) -> usize {
    if script.is_p2tr() {
        TAPROOT_KEY_PATH
    } else if script.is_p2wpkh() {
        // Count, a short signature of 71 bytes, a key of 33.
        1 + 1 + 71 + 1 + 33
    } else if script.is_p2sh() {
        // Most are a nested key hash: 23 bytes of script, then as above.
        4 * 23 + 1 + 1 + 71 + 1 + 33
    } else if script.is_p2pkh() {
        4 * (1 + 71 + 1 + 33) + 1
    } else {
        1
    }
}
