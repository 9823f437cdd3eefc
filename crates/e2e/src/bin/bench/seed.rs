//! What would take a chain or an age to come about, written into the database: coins, and many wallets. Copied wallets
//! are rows under other names; nobody can sign with them, they are there to be in the way.

use std::{fs::File, path::Path};

use anyhow::{Result, ensure};
use bitcoin::{
    OutPoint, Txid,
    consensus::encode::{serialize, serialize_hex},
    hashes::Hash as _,
};
use rusqlite::{Connection, Transaction, params};
use twofold_testkit::Postgres;
use twofold_threshold::id::WalletId;

use crate::{crowd::Crowd, device::random, purse::Purse, spend};

/// Gives a wallet coins on its first address, as the server's index would note them. The server must not be running.
pub(crate) fn fund(database: &Path, purse: &mut Purse, count: u32) -> Result<()> {
    let mut connection = Connection::open(database)?;
    let transaction = connection.transaction()?;
    let value = i64::try_from(spend::COIN)?;
    for _ in 0..count {
        let coin = OutPoint::new(Txid::from_byte_array(random()), 0);
        transaction
            .prepare_cached("INSERT INTO coins (outpoint, wallet, value, keychain, idx) VALUES (?1, ?2, ?3, 0, 0)")?
            .execute(params![serialize(&coin), purse.id.0.as_slice(), value])?;
        purse.coins.push(coin);
    }
    transaction.commit()?;
    Ok(())
}

/// The same where the data is in PostgreSQL; the server may be running.
pub(crate) fn fund_there(database: &Postgres, purse: &mut Purse, count: u32) -> Result<()> {
    let mut rows = Vec::new();
    for _ in 0..count {
        let coin = OutPoint::new(Txid::from_byte_array(random()), 0);
        rows.push(format!(
            "('\\x{}', '\\x{}', {}, 0, 0)",
            serialize_hex(&coin),
            purse.id,
            spend::COIN
        ));
        purse.coins.push(coin);
    }
    let sql = "INSERT INTO twofold.coins (outpoint, wallet, value, keychain, idx) VALUES ";
    database.sql(&format!("{sql}{}", rows.join(", ")))?;
    Ok(())
}

/// Copies a wallet with everything that belongs to one, `count` times; the crowd's wallets are the first of them. The
/// server must not be running.
///
/// All rows go in by the order of their keys, and what is random in a key comes behind the wallet's own random bytes:
/// with a million wallets each insertion would otherwise be somewhere else on the disk.
pub(crate) fn copies(database: &Path, of: WalletId, crowd: &Crowd, count: u32) -> Result<()> {
    let mut connection = Connection::open(database)?;
    for (pragma, value) in [("journal_mode", "OFF"), ("synchronous", "OFF"), ("foreign_keys", "OFF")] {
        connection.pragma_update(None, pragma, value)?;
    }
    connection.pragma_update(None, "cache_size", -200_000)?;
    let transaction = connection.transaction()?;
    names(&transaction, crowd, count)?;
    let of = of.0.as_slice();
    for statement in COPIES {
        transaction.execute(statement, params![of])?;
    }
    transaction.execute_batch(
        "INSERT INTO replays
         SELECT device, randomblob(16), randomblob(32), randomblob(560), unixepoch() + 900 FROM made ORDER BY device",
    )?;
    let wallets: u32 = transaction.query_row("SELECT count(*) FROM wallets", [], |row| row.get(0))?;
    ensure!(wallets > count, "{wallets} wallets instead of over {count}");
    transaction.commit()?;
    // Or the server's first fsync would write all of it.
    File::open(database)?.sync_all()?;
    Ok(())
}

/// Draws the names of all copies, with their users and devices.
fn names(transaction: &Transaction<'_>, crowd: &Crowd, count: u32) -> Result<()> {
    transaction.execute_batch(
        "CREATE TEMP TABLE made (wallet BLOB PRIMARY KEY, device BLOB, identity BLOB) WITHOUT ROWID;
         CREATE TEMP TABLE drawn (wallet BLOB)",
    )?;
    for member in crowd.members() {
        transaction
            .prepare_cached("INSERT INTO made VALUES (?1, ?2, ?3)")?
            .execute(params![
                member.wallet.0.as_slice(),
                member.device.id().0.as_slice(),
                member.device.key().to_bytes(),
            ])?;
    }
    let others = count.saturating_sub(u32::try_from(crowd.members().len())?);
    if others > 0 {
        transaction.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
             INSERT INTO drawn SELECT randomblob(16) FROM n",
            [others],
        )?;
    }
    transaction.execute_batch(
        "INSERT INTO made SELECT wallet, CAST(wallet || wallet AS BLOB), wallet FROM drawn ORDER BY wallet;
         INSERT INTO users SELECT wallet, 'bench', hex(wallet) FROM made ORDER BY wallet;
         INSERT INTO devices SELECT device, identity, wallet, 'bench', 0 FROM made ORDER BY device",
    )?;
    Ok(())
}

/// Each from the rows of the wallet `?1`: its own, its coins and spends of yesterday, its chain of records.
const COPIES: &[&str] = &[
    "INSERT INTO wallets SELECT made.wallet, made.wallet, number, name, version, birthday, state, public
     FROM made, wallets WHERE id = ?1 ORDER BY made.wallet",
    "INSERT INTO wallet_chains SELECT made.wallet, device_list, package
     FROM made, wallet_chains AS chains WHERE chains.wallet = ?1 ORDER BY made.wallet",
    "INSERT INTO shares SELECT made.wallet, kind, epoch, sealed
     FROM made, shares WHERE shares.wallet = ?1 ORDER BY made.wallet",
    "INSERT INTO audit SELECT made.wallet, seq, entry, chain
     FROM made, audit WHERE audit.wallet = ?1 AND seq <= 4 ORDER BY made.wallet, seq",
    "INSERT INTO scripts SELECT CAST(made.wallet || randomblob(16) AS BLOB), made.wallet, keychain, idx
     FROM made, scripts WHERE scripts.wallet = ?1 ORDER BY made.wallet, keychain, idx",
    "INSERT INTO coins SELECT CAST(made.wallet || made.wallet || x'00000000' AS BLOB), made.wallet, 1000, 0, 0
     FROM made WHERE ?1 = ?1 ORDER BY made.wallet",
    "INSERT INTO charges SELECT made.wallet, outpoint, asset, amount, mac
     FROM made, (SELECT * FROM charges WHERE wallet = ?1 LIMIT 1) ORDER BY made.wallet",
    "INSERT INTO issued SELECT made.wallet, txid, outpoints, at, settled
     FROM made, (SELECT * FROM issued WHERE wallet = ?1 LIMIT 1) ORDER BY made.wallet",
    "INSERT INTO spent_by_issued SELECT made.wallet, outpoint, txid
     FROM made, (SELECT * FROM spent_by_issued WHERE wallet = ?1 LIMIT 1) AS one ORDER BY made.wallet",
    "INSERT INTO rescans SELECT made.wallet, next, last, missing_below
     FROM made, rescans WHERE rescans.wallet = ?1 ORDER BY made.wallet",
];
