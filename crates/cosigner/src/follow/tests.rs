use bitcoin::hashes::Hash;
use futures::executor::block_on;

use super::{Follower, merkle};
use crate::{
    Config,
    port::{
        conformance::sample::{populate, put, wallet_id},
        record::{Block, Rescan},
        store::{Store, Write},
    },
    testing::{MemoryChain, MemoryStore},
};

#[test]
fn a_rescan_that_cannot_be_read_holds_up_no_other() {
    let (store, chain) = (MemoryStore::new(), MemoryChain::new());
    block_on(populate(&store));
    let known = chain.with(|chain| chain.blocks[0].block_hash().to_byte_array());
    let block = |height, hash| {
        let header = vec![0; 80];
        Write::PutBlock(Block { height, hash, header })
    };
    block_on(put(&store, [block(0, [9; 32]), block(1, known)]));
    let rescan = |n, next| {
        Write::PutRescan(Rescan {
            wallet: wallet_id(n),
            next,
            last: 1,
            missing_below: None,
        })
    };
    for stuck in [1, 2] {
        let other = 3 - stuck;
        let mut follower = Follower::new(Config::new(bitcoin::Network::Regtest));
        block_on(put(&store, [rescan(stuck, 0), rescan(other, 1)]));
        for _ in 0..3 {
            // The node has not got the block that one of them asks for.
            drop(block_on(follower.step(&store, &chain, 0)));
        }
        assert_eq!(block_on(store.rescan(wallet_id(other))).unwrap(), None);
        assert!(block_on(store.rescan(wallet_id(stuck))).unwrap().is_some());
    }
}

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
