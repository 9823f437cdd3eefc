//! Bitcoin's merkle branches: proof that a block holds a transaction.

use bitcoin::consensus::deserialize;
use bitcoin::hashes::{Hash, sha256d};
use bitcoin::{Transaction, TxMerkleNode};

/// Levels of the highest tree that a block of four million weight units can have, with room to spare.
const LEVELS: usize = 24;

/// Whether `branch`, deepest sibling first, leads from the transaction at `position` to `root`.
///
/// A transaction of exactly 64 bytes without its witness is refused: what an inner node of the tree is made of has that size
/// too, so one could be passed off as the other. The other way round, what reads as such a transaction is no pair of nodes:
/// half of a mined one could be called the id of a transaction that never was.
#[must_use]
pub fn proves(transaction: &Transaction, position: u32, branch: &[[u8; 32]], root: TxMerkleNode) -> bool {
    if branch.len() > LEVELS || transaction.base_size() == 64 || u64::from(position) >= 1 << branch.len() {
        return false;
    }
    let mut node = transaction.compute_txid().to_byte_array();
    for (level, sibling) in branch.iter().enumerate() {
        let right = position >> level & 1 == 1;
        let (left, right) = if right { (sibling, &node) } else { (&node, sibling) };
        let pair = [left.as_slice(), right].concat();
        if deserialize::<Transaction>(&pair).is_ok_and(|mined| mined.base_size() == 64) {
            return false;
        }
        node = sha256d::Hash::hash(&pair).to_byte_array();
    }
    node == root.to_byte_array()
}
