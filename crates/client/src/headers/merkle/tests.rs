use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, sha256d};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut, Witness, merkle_tree};
use proptest::prelude::*;

use super::*;

fn transaction(seed: u32, script_bytes: usize) -> Transaction {
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::from_consensus(seed),
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            script_sig: ScriptBuf::new(),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        }],
        output: vec![TxOut {
            value: Amount::ONE_BTC,
            script_pubkey: ScriptBuf::from(vec![0; script_bytes]),
        }],
    }
}

/// The branch of the transaction at `place`, worked out level by level from the whole list.
pub(crate) fn branch(transactions: &[Transaction], place: usize) -> Vec<[u8; 32]> {
    let mut level: Vec<[u8; 32]> = transactions
        .iter()
        .map(|transaction| transaction.compute_txid().to_byte_array())
        .collect();
    let (mut place, mut branch) = (place, Vec::new());
    while level.len() > 1 {
        if level.len() % 2 == 1 {
            level.push(level[level.len() - 1]);
        }
        branch.push(level[place ^ 1]);
        level = level
            .chunks(2)
            .map(|pair| sha256d::Hash::hash(&[pair[0], pair[1]].concat()).to_byte_array())
            .collect();
        place /= 2;
    }
    branch
}

fn root(transactions: &[Transaction]) -> TxMerkleNode {
    let ids = transactions
        .iter()
        .map(|transaction| transaction.compute_txid().to_raw_hash());
    TxMerkleNode::from_raw_hash(merkle_tree::calculate_root(ids).expect("not empty"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn c05_true_branches_prove_and_altered_ones_do_not(
        count in 1u32..40,
        place in any::<prop::sample::Index>(),
        level in any::<prop::sample::Index>(),
    ) {
        let transactions: Vec<_> = (0..count).map(|seed| transaction(seed, 22)).collect();
        let (place, root) = (place.index(transactions.len()), root(&transactions));
        let position = u32::try_from(place).expect("small");
        let good = branch(&transactions, place);
        prop_assert!(proves(&transactions[place], position, &good, root));
        prop_assert!(!proves(&transaction(1000, 22), position, &good, root));
        prop_assert!(!proves(&transactions[place], position + (1 << good.len()), &good, root));
        if !good.is_empty() {
            let mut bad = good.clone();
            let level = level.index(bad.len());
            bad[level][0] ^= 1;
            prop_assert!(!proves(&transactions[place], position, &bad, root));
            bad.truncate(level);
            prop_assert!(!proves(&transactions[place], position & ((1 << level) - 1), &bad, root));
        }
    }
}

#[test]
fn c05_an_inner_node_is_no_transaction() {
    // 64 bytes: version 4, counts 1 + 1, input 41, value 8, script length 1 and script 4, lock time 4.
    let crafted = transaction(7, 4);
    assert_eq!(crafted.base_size(), 64);
    let alone = TxMerkleNode::from_byte_array(crafted.compute_txid().to_byte_array());
    assert!(!proves(&crafted, 0, &[], alone));
    let other = transaction(7, 5);
    let alone = TxMerkleNode::from_byte_array(other.compute_txid().to_byte_array());
    assert!(proves(&other, 0, &[], alone));
}

#[test]
fn c05_a_transaction_of_sixty_four_bytes_is_no_pair_of_nodes() {
    // Its fifth byte must say one input for the half to belong to a transaction; its author can choose the rest.
    let never = (0..100_000)
        .map(|seed| transaction(seed, 22))
        .find(|never| never.compute_txid().to_byte_array()[4] == 1)
        .unwrap();
    let mut other_half = [0; 32];
    // One output with a script of four bytes.
    (other_half[14], other_half[23]) = (1, 4);
    let mined = [never.compute_txid().to_byte_array(), other_half].concat();
    let mined: Transaction = bitcoin::consensus::deserialize(&mined).unwrap();
    assert_eq!(mined.base_size(), 64);
    let alone = TxMerkleNode::from_byte_array(mined.compute_txid().to_byte_array());
    assert!(!proves(&never, 0, &[other_half], alone));
}

#[test]
fn a_branch_longer_than_any_block_is_refused() {
    let transaction = transaction(1, 22);
    let root = TxMerkleNode::from_byte_array(transaction.compute_txid().to_byte_array());
    assert!(!proves(&transaction, 0, &vec![[0; 32]; 1000], root));
}
