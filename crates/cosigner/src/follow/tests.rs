use bitcoin::hashes::Hash;

use super::merkle;

#[test]
fn a_branch_leads_from_every_transaction_to_the_root() {
    for size in 1..=33_u8 {
        let leaves: Vec<[u8; 32]> = (0..size).map(|n| [n; 32]).collect();
        let tree = merkle::Tree::new(leaves.iter().copied());
        let hashes = leaves.iter().map(|leaf| bitcoin::Txid::from_byte_array(*leaf));
        let root = bitcoin::merkle_tree::calculate_root(hashes).unwrap().to_byte_array();
        for (place, leaf) in leaves.iter().enumerate() {
            let mut node = *leaf;
            for (depth, sibling) in tree.branch(place).iter().enumerate() {
                let on_the_left = place >> depth & 1 == 0;
                node = if on_the_left {
                    merkle::node(&node, sibling)
                } else {
                    merkle::node(sibling, &node)
                };
            }
            assert_eq!(node, root, "transaction {place} of {size}");
        }
    }
}
