//! Merkle branches: what proves to a client that a transaction is in a block.

use bitcoin::hashes::{Hash, sha256d};

/// A block's merkle tree, leaves first.
#[derive(Debug)]
pub(crate) struct Tree(Vec<Vec<[u8; 32]>>);

impl Tree {
    /// Over transaction ids in internal byte order, in block order.
    pub(crate) fn new(leaves: impl Iterator<Item = [u8; 32]>) -> Self {
        let mut levels = vec![leaves.collect::<Vec<_>>()];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            let above = level
                .chunks(2)
                .map(|pair| node(&pair[0], pair.get(1).unwrap_or(&pair[0])))
                .collect();
            levels.push(above);
        }
        Self(levels)
    }

    /// The siblings on the way from a leaf to the root, deepest first.
    pub(crate) fn branch(&self, place: usize) -> Vec<[u8; 32]> {
        let below_root = self.0.iter().take(self.0.len().saturating_sub(1));
        let siblings = below_root.enumerate().filter_map(|(depth, level)| {
            let place = place >> depth;
            // A node without a sibling is paired with itself.
            level.get(place ^ 1).or_else(|| level.get(place)).copied()
        });
        siblings.collect()
    }
}

/// The node over two others.
pub(crate) fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    sha256d::Hash::hash(&[left.as_slice(), right].concat()).to_byte_array()
}
