//! Blocks and the mempool, read for a wallet that was really made.

use bitcoin::{
    Amount, Block, CompactTarget, OutPoint, ScriptBuf, Transaction, TxIn, TxMerkleNode, TxOut, absolute::LockTime,
    hashes::Hash, merkle_tree, transaction::Version,
};
use futures::executor::block_on;
use twofold_intent::Keychain;

use super::chain::sync;
use crate::{
    fixture::{House, Phone, Purse, random, stranger},
    follow::{FollowFault, Follower, Progress},
    port::{record::WalletTransaction, store::Store},
};

const VALUE: u64 = 100_000;

fn transaction(from: OutPoint, script: ScriptBuf, value: u64) -> Transaction {
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: from,
            // No two are alike.
            script_sig: random::<8>().to_vec().into(),
            ..TxIn::default()
        }],
        output: vec![TxOut {
            value: Amount::from_sat(value),
            script_pubkey: script,
        }],
    }
}

/// A payment to an address of the wallet.
fn payment(purse: &Purse, index: u32) -> Transaction {
    let script = purse.account.script(Keychain::External, index).unwrap();
    let from = OutPoint::new(bitcoin::Txid::from_byte_array(random()), 0);
    transaction(from, script, VALUE)
}

fn mine(house: &House, transactions: Vec<Transaction>) {
    house.chain.with(|chain| {
        let last = chain.blocks.last().unwrap().header;
        let reward = transaction(OutPoint::null(), stranger(), 1);
        let all: Vec<_> = [reward].into_iter().chain(transactions).collect();
        let ids = all.iter().map(|transaction| transaction.compute_txid().to_raw_hash());
        let mut header = bitcoin::block::Header {
            prev_blockhash: last.block_hash(),
            merkle_root: TxMerkleNode::from_raw_hash(merkle_tree::calculate_root(ids).unwrap()),
            time: last.time + 600,
            nonce: 0,
            ..last
        };
        while !header.target().is_met_by(header.block_hash()) {
            header.nonce += 1;
        }
        chain.blocks.push(Block { header, txdata: all });
    });
}

fn step(house: &House, follower: &mut Follower) -> Result<Progress, FollowFault> {
    block_on(house.mind.follow_step(follower))
}

fn follow(house: &House, follower: &mut Follower) -> Progress {
    loop {
        let progress = step(house, follower).unwrap();
        if !progress.more {
            return progress;
        }
    }
}

fn history(house: &House, purse: &Purse) -> Vec<WalletTransaction> {
    block_on(house.store.transactions(purse.id, 0, 10)).unwrap()
}

fn heights(house: &House, purse: &Purse) -> Vec<Option<u32>> {
    let rows = history(house, purse);
    rows.iter()
        .map(|row| row.block.as_ref().map(|block| block.height))
        .collect()
}

/// A server with a wallet that was paid in its first block, and its follower.
fn paid() -> (House, Purse, Follower) {
    let house = House::new();
    let purse = Phone::joined(&house).create(&house);
    let mut follower = Follower::new(house.config.clone());
    follow(&house, &mut follower);
    mine(&house, vec![payment(&purse, 19)]);
    assert_eq!(follow(&house, &mut follower).height, 1);
    (house, purse, follower)
}

#[test]
fn a_payment_in_a_block_and_what_spends_it_later_become_the_wallets_history() {
    let (house, purse, mut follower) = paid();
    assert_eq!(heights(&house, &purse), [Some(1)]);
    let coin = house
        .chain
        .with(|chain| OutPoint::new(chain.blocks[1].txdata[1].compute_txid(), 0));
    let known = block_on(house.store.coins(vec![crate::rpc::outpoint(coin)])).unwrap();
    assert_eq!((known.len(), known[0].value, known[0].index), (1, VALUE, 19));
    // The last address that was watched is paid, so that twenty more are watched behind it.
    assert_eq!(block_on(house.store.watched(purse.id)).unwrap(), [40, 20]);

    let spend = transaction(coin, stranger(), VALUE - 1_000);
    house
        .chain
        .with(|chain| chain.mempool.insert(spend.compute_txid(), spend.clone()));
    follow(&house, &mut follower);
    assert_eq!(heights(&house, &purse), [Some(1), None]);
    house.chain.with(|chain| chain.mempool.clear());
    mine(&house, vec![spend, payment(&purse, 39)]);
    follow(&house, &mut follower);
    let mut all = heights(&house, &purse);
    all.sort_unstable();
    assert_eq!(all, [Some(1), Some(2), Some(2)]);
    assert_eq!(block_on(house.store.watched(purse.id)).unwrap(), [60, 20]);
}

#[test]
fn c06_what_a_reorganization_took_back_waits_again_and_a_node_that_lags_takes_nothing_back() {
    let (house, purse, mut follower) = paid();
    let first = house.chain.with(|chain| chain.blocks.pop().unwrap());
    // A node that is behind on the same chain has only to catch up.
    assert!(!step(&house, &mut follower).unwrap().more);
    assert_eq!(heights(&house, &purse), [Some(1)]);
    mine(&house, Vec::new());
    mine(&house, Vec::new());
    assert_eq!(follow(&house, &mut follower).height, 2);
    assert_eq!(heights(&house, &purse), [None]);
    mine(&house, vec![first.txdata[1].clone()]);
    follow(&house, &mut follower);
    assert_eq!(heights(&house, &purse), [Some(3)]);
}

#[test]
fn where_scripts_are_followed_a_wallet_is_said_to_be_read_once_its_scripts_are() {
    let house = House::new();
    house.chain.with(|chain| chain.by_script = true);
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let told = || {
        let told = sync(&house, &phone, &purse, |_| {});
        (told.tip_height, told.scanned_height, told.transactions.len())
    };
    let mut follower = Follower::new(house.config.clone());
    mine(&house, Vec::new());
    assert!(step(&house, &mut follower).unwrap().more);
    assert_eq!(told(), (1, 0, 0), "only headers were read");
    follow(&house, &mut follower);
    assert_eq!(told(), (1, 1, 0));
    mine(&house, vec![payment(&purse, 3)]);
    assert!(step(&house, &mut follower).unwrap().more);
    assert_eq!(told(), (2, 1, 0), "the header came first");
    follow(&house, &mut follower);
    assert_eq!(told(), (2, 2, 1));
    // Another chain from the first block on, which has more work.
    house.chain.with(|chain| chain.blocks.truncate(1));
    for _ in 0..3 {
        mine(&house, Vec::new());
    }
    assert!(step(&house, &mut follower).unwrap().more);
    assert_eq!((told().0, told().1), (3, 0));
    follow(&house, &mut follower);
    assert_eq!((told().0, told().1), (3, 3));
}

#[test]
fn blocks_that_are_pruned_of_another_chain_or_without_work_are_told_apart_and_read_nothing() {
    let (house, purse, mut follower) = paid();
    for _ in 0..4 {
        mine(&house, Vec::new());
    }
    house.chain.with(|chain| chain.lowest = 4);
    let fault = step(&house, &mut follower).unwrap_err();
    assert!(matches!(fault, FollowFault::Pruned { next: 2, lowest: 4 }), "{fault}");
    house.chain.with(|chain| chain.lowest = 0);

    let whole = house.chain.with(|chain| {
        let whole = chain.blocks.clone();
        // A target that nobody met.
        chain.blocks[2].header.bits = CompactTarget::from_consensus(0x1d00_ffff);
        whole
    });
    let fault = step(&house, &mut follower).unwrap_err();
    assert!(matches!(fault, FollowFault::NoWork(_)), "{fault}");

    house.chain.with(|chain| {
        chain.blocks = vec![whole[0].clone()];
        chain.blocks[0].header.time += 1;
    });
    mine(&house, Vec::new());
    mine(&house, Vec::new());
    let fault = step(&house, &mut follower).unwrap_err();
    assert!(matches!(fault, FollowFault::AnotherChain { below: 0 }), "{fault}");

    house.chain.with(|chain| chain.blocks = whole);
    assert_eq!(follow(&house, &mut follower).height, 5);
    assert_eq!(heights(&house, &purse), [Some(1)]);
}
