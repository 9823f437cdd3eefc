//! What the block follower writes.

use rusqlite::{Connection, OptionalExtension, params};
use twofold_cosigner::port::record::{Block, Coin, Rescan, Script, WalletTransaction};
use twofold_threshold::id::WalletId;

use super::{add, run};
use crate::fault::{Fault, int};

pub(super) fn settle_issued(
    connection: &Connection,
    wallet: WalletId,
    txid: &[u8; 32],
    outpoints: &[[u8; 36]],
    height: u32,
) -> Result<(), Fault> {
    let sql = "UPDATE issued SET settled = ?3 WHERE wallet = ?1 AND txid = ?2 AND settled IS NULL";
    run(connection, sql, params![wallet.0, txid, height])?;
    for outpoint in outpoints {
        run(
            connection,
            "UPDATE issued SET settled = ?3 WHERE wallet = ?1 AND settled IS NULL
             AND txid IN (SELECT txid FROM spent_by_issued WHERE wallet = ?1 AND outpoint = ?2)",
            params![wallet.0, outpoint, height],
        )?;
    }
    Ok(())
}

pub(super) fn add_script(connection: &Connection, script: &Script) -> Result<(), Fault> {
    add(
        connection,
        "the script",
        "INSERT INTO scripts (output_key, wallet, keychain, idx) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (output_key) DO NOTHING",
        params![script.output_key, script.wallet.0, script.keychain, script.index],
    )
}

/// The next change number of the wallet `?1`. Rows are never removed, so it only grows.
macro_rules! next_cursor {
    () => {
        "(SELECT coalesce(max(cursor), 0) + 1 FROM transactions WHERE wallet = ?1)"
    };
}

pub(super) fn put_transaction(connection: &Connection, transaction: &WalletTransaction) -> Result<(), Fault> {
    let block = transaction.block.as_ref();
    // Only a roll-back un-mines: whoever saw it in the mempool may come late.
    run(
        connection,
        concat!(
            "INSERT INTO transactions (wallet, txid, cursor, seen, gone, height, block_hash, position, branch, raw)
             VALUES (?1, ?2, ",
            next_cursor!(),
            ", ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (wallet, txid) DO UPDATE
             SET cursor = excluded.cursor, gone = ?4, height = ?5, block_hash = ?6, position = ?7, branch = ?8, raw = ?9
             WHERE (?5 IS NOT NULL OR height IS NULL)
             AND (gone IS NOT ?4 OR height IS NOT ?5 OR block_hash IS NOT ?6 OR position IS NOT ?7
                  OR branch IS NOT ?8 OR raw IS NOT ?9)"
        ),
        params![
            transaction.wallet.0,
            transaction.txid,
            int("a time", transaction.seen)?,
            transaction.gone,
            block.map(|block| block.height),
            block.map(|block| block.hash),
            block.map(|block| block.position),
            block.map(|block| block.branch.concat()),
            transaction.transaction,
        ],
    )?;
    Ok(())
}

pub(super) fn mark_gone(connection: &Connection, wallet: WalletId, txid: &[u8; 32]) -> Result<(), Fault> {
    run(
        connection,
        concat!(
            "UPDATE transactions SET gone = 1, cursor = ",
            next_cursor!(),
            " WHERE wallet = ?1 AND txid = ?2 AND height IS NULL AND gone = 0"
        ),
        params![wallet.0, txid],
    )?;
    Ok(())
}

pub(super) fn add_coin(connection: &Connection, coin: &Coin) -> Result<(), Fault> {
    run(
        connection,
        "INSERT INTO coins (outpoint, wallet, value, keychain, idx) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (outpoint) DO NOTHING",
        params![
            coin.outpoint,
            coin.wallet.0,
            int("an amount", coin.value)?,
            coin.keychain,
            coin.index
        ],
    )?;
    Ok(())
}

pub(super) fn put_block(connection: &Connection, block: &Block) -> Result<(), Fault> {
    run(
        connection,
        "INSERT INTO blocks (height, hash, header) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET hash = ?2, header = ?3",
        params![block.height, block.hash, block.header],
    )?;
    Ok(())
}

pub(super) fn roll_back(connection: &Connection, above: u32) -> Result<(), Fault> {
    run(connection, "DELETE FROM blocks WHERE height > ?1", [above])?;
    // One by one, lowest first, so that each gets the next change number of its wallet.
    let next = "SELECT number, wallet FROM transactions WHERE height > ?1 ORDER BY height, position LIMIT 1";
    let unmine = concat!(
        "UPDATE transactions SET height = NULL, block_hash = NULL, position = NULL, branch = NULL, gone = 0, cursor = ",
        next_cursor!(),
        " WHERE number = ?2"
    );
    while let Some((number, wallet)) = connection
        .prepare_cached(next)?
        .query_row([above], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?
    {
        run(connection, unmine, params![wallet, number])?;
    }
    run(
        connection,
        "UPDATE issued SET settled = NULL WHERE settled > ?1",
        [above],
    )?;
    run(connection, "UPDATE rescans SET last = ?1 WHERE last > ?1", [above])?;
    Ok(())
}

pub(super) fn put_rescan(connection: &Connection, rescan: &Rescan) -> Result<(), Fault> {
    run(
        connection,
        "INSERT INTO rescans (wallet, next, last, missing_below) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET next = ?2, last = ?3, missing_below = ?4",
        params![rescan.wallet.0, rescan.next, rescan.last, rescan.missing_below],
    )?;
    Ok(())
}

pub(super) fn move_rescan(connection: &Connection, from: &Rescan, to: Option<&Rescan>) -> Result<(), Fault> {
    let found = "DELETE FROM rescans WHERE wallet = ?1 AND next = ?2 AND last = ?3 AND missing_below IS ?4";
    let as_read = params![from.wallet.0, from.next, from.last, from.missing_below];
    match to {
        Some(to) if run(connection, found, as_read)? == 1 => put_rescan(connection, to),
        None => run(connection, found, as_read).map(|_| ()),
        Some(_) => Ok(()),
    }
}
