use bitcoin::{OutPoint, Transaction, TxIn, TxOut, hashes::Hash};
use futures::executor::block_on;

use super::{Follower, mempool::in_turns, merkle};
use crate::{
    Config,
    port::{
        conformance::sample::{populate, put, wallet_id},
        record::{Block, Coin, Rescan, WalletTransaction},
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
fn a_wallet_that_lost_many_transactions_keeps_no_other_from_being_sent_again() {
    let (store, chain) = (MemoryStore::new(), MemoryChain::new());
    block_on(populate(&store));
    let genesis = chain.with(|chain| chain.blocks[0].block_hash().to_byte_array());
    let tip = Block {
        height: 0,
        hash: genesis,
        header: vec![0; 80],
    };
    block_on(put(&store, [Write::PutBlock(tip)]));
    // Whichever of the two is first in any order, the other one has its turn.
    for (greedy, modest) in [(1, 2), (2, 1)] {
        let lost = |wallet: u8, n: u8| lost(wallet, n, u32::from(10 * greedy + wallet));
        let many: Vec<_> = (0..60).flat_map(|n| lost(greedy, n)).collect();
        let [coin, row] = lost(modest, 60);
        let Write::PutTransaction(its) = &row else {
            unreachable!()
        };
        let its = bitcoin::Txid::from_byte_array(its.txid);
        block_on(put(&store, many.into_iter().chain([coin, row])));
        let mut follower = Follower::new(Config::new(bitcoin::Network::Regtest));
        chain.with(|chain| chain.sent.clear());
        block_on(follower.step(&store, &chain, 0)).unwrap();
        let sent = chain.with(|chain| std::mem::take(&mut chain.sent));
        assert_eq!(sent.len(), 20, "as many as in one look");
        assert!(sent.contains(&its), "wallet {modest} had no turn");
        // Nothing is given up that had no turn yet: all come within the next looks, whatever becomes of them.
        let mut all: std::collections::HashSet<_> = sent.into_iter().collect();
        for second in 1..4 {
            block_on(follower.step(&store, &chain, second)).unwrap();
            all.extend(chain.with(|chain| std::mem::take(&mut chain.sent)));
        }
        assert_eq!(all.len(), 61);
        chain.with(|chain| chain.mempool.clear());
        store.with(|tables| tables.transactions.clear());
    }
}

/// A coin, and a transaction that spends it and that the node's mempool lacks.
fn lost(wallet: u8, n: u8, output: u32) -> [Write; 2] {
    let coin = OutPoint::new(bitcoin::Txid::from_byte_array([n; 32]), output);
    let transaction = Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::ZERO,
        input: vec![TxIn {
            previous_output: coin,
            ..TxIn::default()
        }],
        output: vec![TxOut {
            value: bitcoin::Amount::from_sat(1_000),
            script_pubkey: bitcoin::ScriptBuf::new(),
        }],
    };
    let row = WalletTransaction {
        wallet: wallet_id(wallet),
        txid: transaction.compute_txid().to_byte_array(),
        transaction: bitcoin::consensus::serialize(&transaction),
        block: None,
        seen: 0,
        gone: false,
        cursor: 0,
    };
    let coin = Coin {
        wallet: wallet_id(wallet),
        outpoint: crate::rpc::outpoint(coin),
        value: 2_000,
        keychain: 0,
        index: 0,
    };
    [Write::AddCoin(coin), Write::PutTransaction(row)]
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

#[test]
fn what_is_sent_again_goes_on_after_the_wallet_that_came_last() {
    let lost = |wallet, n| ([n; 32], wallet_id(wallet));
    let left = vec![lost(1, 1), lost(1, 2), lost(2, 3), lost(3, 4), lost(3, 5)];
    let order = |last| -> Vec<u8> { in_turns(left.clone(), last).iter().map(|(txid, _)| txid[0]).collect() };
    assert_eq!(order(None), [1, 3, 4, 2, 5]);
    assert_eq!(order(Some(wallet_id(1))), [3, 4, 1, 5, 2]);
    assert_eq!(order(Some(wallet_id(2))), [4, 1, 3, 5, 2]);
    assert_eq!(order(Some(wallet_id(3))), [1, 3, 4, 2, 5]);
}
