//! What a block says of wallets, as writes.

use bitcoin::{Block, hashes::Hash};

use super::{
    find::{Found, outpoint},
    merkle::Tree,
};
use crate::port::{
    record::{Mined, WalletTransaction},
    store::Write,
};

/// The writes for what was found in a block; the block itself aside.
pub(super) fn writes(block: &Block, height: u32, found: Found, now: u64) -> Vec<Write> {
    let Found {
        touched,
        coins,
        scripts,
    } = found;
    let mut writes = Vec::new();
    if !scripts.is_empty() {
        writes.push(Write::AddScripts(scripts));
    }
    writes.extend(coins.into_iter().map(Write::AddCoin));
    if touched.is_empty() {
        return writes;
    }
    let hash = block.block_hash().to_byte_array();
    let tree = Tree::new(
        block
            .txdata
            .iter()
            .map(|transaction| transaction.compute_txid().to_byte_array()),
    );
    for (place, wallets) in touched {
        let (Some(transaction), Ok(position)) = (block.txdata.get(place), u32::try_from(place)) else {
            continue;
        };
        let txid = transaction.compute_txid().to_byte_array();
        let raw = bitcoin::consensus::serialize(transaction);
        let outpoints: Vec<_> = transaction
            .input
            .iter()
            .map(|input| outpoint(input.previous_output))
            .collect();
        let mined = Mined {
            height,
            hash,
            position,
            branch: tree.branch(place),
        };
        for wallet in wallets {
            writes.push(Write::PutTransaction(WalletTransaction {
                wallet,
                txid,
                transaction: raw.clone(),
                block: Some(mined.clone()),
                // First seen now, unless the block is an old one.
                seen: now.min(u64::from(block.header.time)),
                gone: false,
                cursor: 0,
            }));
            let outpoints = outpoints.clone();
            writes.push(Write::SettleIssued {
                wallet,
                txid,
                outpoints,
                height,
            });
        }
    }
    writes
}
