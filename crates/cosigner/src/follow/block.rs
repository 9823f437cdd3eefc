//! What mined and waiting transactions say of wallets, as writes.

use bitcoin::{Block, Transaction, hashes::Hash};

use super::{
    find::{Found, outpoint},
    merkle::Tree,
};
use crate::port::{
    record::{Mined, WalletTransaction},
    store::Write,
};

/// A transaction, and where it is.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) transaction: Transaction,
    /// Its block; none while it waits.
    pub(super) mined: Option<Mined>,
    /// When it was first seen, in seconds since 1970.
    pub(super) seen: u64,
}

/// The writes for what was found in a block; the block itself aside.
pub(super) fn writes_of(block: &Block, height: u32, found: Found, now: u64) -> Vec<Write> {
    let hash = block.block_hash().to_byte_array();
    // Most blocks concern nobody, and need no tree.
    let tree = (!found.touched.is_empty()).then(|| {
        let leaves = block.txdata.iter().map(|each| each.compute_txid().to_byte_array());
        Tree::new(leaves)
    });
    compose(found, |place| {
        let mined = Mined {
            height,
            hash,
            position: u32::try_from(place).ok()?,
            branch: tree.as_ref()?.branch(place),
        };
        Some(Placed {
            transaction: block.txdata.get(place)?.clone(),
            mined: Some(mined),
            // First seen now, unless the block is an old one.
            seen: now.min(u64::from(block.header.time)),
        })
    })
}

/// The writes for what was found in transactions from several places.
pub(super) fn writes(placed: Vec<Placed>, found: Found) -> Vec<Write> {
    let mut placed: Vec<_> = placed.into_iter().map(Some).collect();
    compose(found, |place| placed.get_mut(place)?.take())
}

/// The writes for what was found; `placed` is asked once for each transaction that concerns a wallet.
fn compose(found: Found, mut placed: impl FnMut(usize) -> Option<Placed>) -> Vec<Write> {
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
    for (place, wallets) in touched {
        let Some(Placed {
            transaction,
            mined,
            seen,
        }) = placed(place)
        else {
            continue;
        };
        let txid = transaction.compute_txid().to_byte_array();
        let raw = bitcoin::consensus::serialize(&transaction);
        let outpoints: Vec<_> = transaction
            .input
            .iter()
            .map(|input| outpoint(input.previous_output))
            .collect();
        for wallet in wallets {
            writes.push(Write::PutTransaction(WalletTransaction {
                wallet,
                txid,
                transaction: raw.clone(),
                block: mined.clone(),
                seen,
                gone: false,
                cursor: 0,
            }));
            if let Some(mined) = &mined {
                writes.push(Write::SettleIssued {
                    wallet,
                    txid,
                    outpoints: outpoints.clone(),
                    height: mined.height,
                });
            }
        }
    }
    writes
}
