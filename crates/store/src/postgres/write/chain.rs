//! What the block follower writes.

use twofold_cosigner::port::{
    record::{Block, Coin, Rescan, Script, WalletTransaction},
    store::{Batch, Write},
};
use twofold_threshold::id::WalletId;

use super::{Param, Step, with};
use crate::fault::{Fault, int};

/// What a batch holds before it counts on: blocks are put and rolled back by one at a time, and a wallet's transactions
/// are numbered by one at a time. Wallets are held in the order of their ids, so that no two wait for each other.
pub(super) fn locks<'a>(batch: &'a Batch, steps: &mut Vec<Step<'a>>) {
    let blocks = |write: &Write| matches!(write, Write::PutBlock(_) | Write::RollBackBlocks { .. });
    if batch.writes.iter().any(blocks) {
        steps.push(Step::any("SELECT pg_advisory_xact_lock(845564996, 2)", Vec::new()));
    }
    let mut numbered: Vec<&[u8]> = Vec::new();
    for write in &batch.writes {
        match write {
            Write::PutTransaction(transaction) => numbered.push(&transaction.wallet.0),
            Write::MarkGone { wallet, .. } => numbered.push(&wallet.0),
            Write::RollBackBlocks { above } => steps.push(Step::any(
                "SELECT 1::bigint FROM wallets WHERE id IN (SELECT wallet FROM transactions WHERE height > $1)
                 ORDER BY id FOR NO KEY UPDATE",
                with![*above],
            )),
            _ => {}
        }
    }
    if !numbered.is_empty() {
        numbered.sort_unstable();
        numbered.dedup();
        steps.push(Step::any(
            "SELECT 1::bigint FROM wallets WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE",
            vec![Param::Blobs(numbered)],
        ));
    }
}

pub(super) fn settle_issued<'a>(
    wallet: &'a WalletId,
    txid: &'a [u8; 32],
    outpoints: &'a [[u8; 36]],
    height: u32,
) -> [Step<'a>; 2] {
    [
        Step::any(
            "UPDATE issued SET settled = $3 WHERE wallet = $1 AND txid = $2 AND settled IS NULL",
            with![&wallet.0, txid, height],
        ),
        Step::any(
            "UPDATE issued SET settled = $3 WHERE wallet = $1 AND settled IS NULL
             AND txid IN (SELECT txid FROM spent_by_issued WHERE wallet = $1 AND outpoint = ANY ($2))",
            with![&wallet.0, outpoints, height],
        ),
    ]
}

/// Those that are there stay; a place that another script has is refused by name.
pub(super) fn add_scripts(scripts: &[Script]) -> Step<'_> {
    let added = Step::any(
        "INSERT INTO scripts (output_key, wallet, keychain, idx)
         SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[])
         ON CONFLICT (output_key) DO NOTHING",
        vec![
            Param::Blobs(scripts.iter().map(|script| script.output_key.as_slice()).collect()),
            Param::Blobs(scripts.iter().map(|script| script.wallet.0.as_slice()).collect()),
            Param::Ints(scripts.iter().map(|script| script.keychain.into()).collect()),
            Param::Ints(scripts.iter().map(|script| script.index.into()).collect()),
        ],
    );
    Step {
        taken: Some("the script"),
        ..added
    }
}

/// The next change number of the wallet `$1`. Rows are never removed, so it only grows.
macro_rules! next_cursor {
    () => {
        "(SELECT coalesce(max(cursor), 0) + 1 FROM transactions WHERE wallet = $1)"
    };
}

pub(super) fn put_transaction(transaction: &WalletTransaction) -> Result<Step<'_>, Fault> {
    let block = transaction.block.as_ref();
    // Only a roll-back un-mines: whoever saw it in the mempool may come late.
    Ok(Step::any(
        concat!(
            "INSERT INTO transactions AS old (wallet, txid, cursor, seen, gone, height, block_hash, position, branch, raw)
             VALUES ($1, $2, ",
            next_cursor!(),
            ", $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (wallet, txid) DO UPDATE
             SET cursor = excluded.cursor, gone = excluded.gone, height = excluded.height,
                 block_hash = excluded.block_hash, position = excluded.position, branch = excluded.branch,
                 raw = excluded.raw
             WHERE (excluded.height IS NOT NULL OR old.height IS NULL)
             AND (old.gone, old.height, old.block_hash, old.position, old.branch, old.raw) IS DISTINCT FROM
                 (excluded.gone, excluded.height, excluded.block_hash, excluded.position, excluded.branch, excluded.raw)"
        ),
        with![
            &transaction.wallet.0,
            &transaction.txid,
            int("a time", transaction.seen)?,
            i64::from(transaction.gone),
            block.map(|block| block.height),
            block.map(|block| &block.hash),
            block.map(|block| block.position),
            block.map(|block| block.branch.concat()),
            &transaction.transaction,
        ],
    ))
}

pub(super) fn mark_gone<'a>(wallet: &'a WalletId, txid: &'a [u8; 32]) -> Step<'a> {
    Step::any(
        concat!(
            "UPDATE transactions SET gone = 1, cursor = ",
            next_cursor!(),
            " WHERE wallet = $1 AND txid = $2 AND height IS NULL AND gone = 0"
        ),
        with![&wallet.0, txid],
    )
}

pub(super) fn add_coin(coin: &Coin) -> Result<Step<'_>, Fault> {
    Ok(Step::any(
        "INSERT INTO coins (outpoint, wallet, value, keychain, idx) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (outpoint) DO NOTHING",
        with![
            &coin.outpoint,
            &coin.wallet.0,
            int("an amount", coin.value)?,
            coin.keychain,
            coin.index,
        ],
    ))
}

pub(super) fn put_block(block: &Block) -> Step<'_> {
    Step::any(
        "INSERT INTO blocks (height, hash, header) VALUES ($1, $2, $3)
         ON CONFLICT (height) DO UPDATE SET hash = excluded.hash, header = excluded.header",
        with![block.height, &block.hash, &block.header],
    )
}

/// What was mined above is unmined, the lowest first, so that each gets the next change number of its wallet.
pub(super) fn roll_back<'a>(above: u32) -> [Step<'a>; 4] {
    [
        Step::any("DELETE FROM blocks WHERE height > $1", with![above]),
        Step::any(
            "WITH mined AS (
                 SELECT number, wallet, row_number() OVER (PARTITION BY wallet ORDER BY height, position) AS place
                 FROM transactions WHERE height > $1
             )
             UPDATE transactions t
             SET height = NULL, block_hash = NULL, position = NULL, branch = NULL, gone = 0,
                 cursor = (SELECT max(cursor) FROM transactions WHERE wallet = mined.wallet) + mined.place
             FROM mined WHERE t.number = mined.number",
            with![above],
        ),
        Step::any("UPDATE issued SET settled = NULL WHERE settled > $1", with![above]),
        Step::any("UPDATE rescans SET last = $1 WHERE last > $1", with![above]),
    ]
}

pub(super) fn put_rescan<'a>(rescan: &Rescan) -> Step<'a> {
    Step::any(
        "INSERT INTO rescans (wallet, next, last, missing_below) VALUES ($1, $2, $3, $4)
         ON CONFLICT (wallet) DO UPDATE
         SET next = excluded.next, last = excluded.last, missing_below = excluded.missing_below",
        with![rescan.wallet.0.to_vec(), rescan.next, rescan.last, rescan.missing_below],
    )
}

/// If it is still as it was read.
pub(super) fn move_rescan<'a>(from: &Rescan, to: Option<&Rescan>) -> Step<'a> {
    let mut params = with![from.wallet.0.to_vec(), from.next, from.last, from.missing_below];
    match to {
        None => Step::any(
            "DELETE FROM rescans WHERE wallet = $1 AND next = $2 AND last = $3 AND missing_below IS NOT DISTINCT FROM $4",
            params,
        ),
        Some(to) => {
            params.extend(with![to.wallet.0.to_vec(), to.next, to.last, to.missing_below]);
            Step::any(
                "UPDATE rescans SET wallet = $5, next = $6, last = $7, missing_below = $8
                 WHERE wallet = $1 AND next = $2 AND last = $3 AND missing_below IS NOT DISTINCT FROM $4",
                params,
            )
        }
    }
}
