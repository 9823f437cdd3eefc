//! Bitcoin's merkle branches: proof that a block holds a transaction.

use bitcoin::hashes::{Hash, HashEngine, sha256d};
use bitcoin::{Transaction, TxMerkleNode};

/// Levels of the highest tree that a block of four million weight units can have, with room to spare.
const LEVELS: usize = 24;

/// Whether `branch`, deepest sibling first, leads from the transaction at `position` to `root`.
///
/// A transaction of exactly 64 bytes without its witness is refused: an inner node of the tree has that size too, so
/// one could be passed off as the other.
#[must_use]
pub fn proves(transaction: &Transaction, position: u32, branch: &[[u8; 32]], root: TxMerkleNode) -> bool {
    if branch.len() > LEVELS || transaction.base_size() == 64 || u64::from(position) >= 1 << branch.len() {
        return false;
    }
    let mut node = transaction.compute_txid().to_byte_array();
    for (level, sibling) in branch.iter().enumerate() {
        let right = position >> level & 1 == 1;
        let (left, right) = if right { (sibling, &node) } else { (&node, sibling) };
        let mut engine = sha256d::Hash::engine();
        engine.input(left);
        engine.input(right);
        node = sha256d::Hash::from_engine(engine).to_byte_array();
    }
    node == root.to_byte_array()
}
