//! Many wallets at once, without their ceremonies: rows copied from one that was made, under other names. Nobody can
//! sign with the copies; they are there to be in the way.

use std::path::Path;

use anyhow::{Result, ensure};
use rusqlite::{Connection, params};
use twofold_threshold::id::WalletId;

/// Copies a wallet with its user, device, share, scripts and log, `count` times. The server must not be running.
pub(crate) fn copies(database: &Path, of: WalletId, count: u32) -> Result<()> {
    let mut connection = Connection::open(database)?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", -200_000)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch("CREATE TEMP TABLE made (wallet BLOB, user BLOB, device BLOB)")?;
    transaction.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
         INSERT INTO made SELECT randomblob(16), randomblob(16), randomblob(32) FROM n",
        [count],
    )?;
    transaction.execute_batch(
        "INSERT INTO users SELECT user, 'bench', hex(user) FROM made;
         INSERT INTO devices SELECT device, device, user, 'bench', 0 FROM made",
    )?;
    let of = of.0.as_slice();
    let copy = |statement: &str| transaction.execute(statement, params![of]);
    let wallets = copy(
        "INSERT INTO wallets SELECT made.wallet, made.user, number, name, version, birthday, state, public
         FROM made, wallets WHERE id = ?1",
    )?;
    copy(
        "INSERT INTO wallet_chains SELECT made.wallet, device_list, package
         FROM made, wallet_chains AS chains WHERE chains.wallet = ?1",
    )?;
    copy(
        "INSERT INTO shares SELECT made.wallet, kind, epoch, sealed
         FROM made, shares WHERE shares.wallet = ?1",
    )?;
    copy(
        "INSERT INTO audit SELECT made.wallet, seq, entry, chain
         FROM made, audit WHERE audit.wallet = ?1 AND seq <= 4",
    )?;
    copy(
        "INSERT INTO scripts SELECT randomblob(32), made.wallet, keychain, idx
         FROM made, scripts WHERE scripts.wallet = ?1",
    )?;
    copy(
        "INSERT INTO rescans SELECT made.wallet, next, last, missing_below
         FROM made, rescans WHERE rescans.wallet = ?1",
    )?;
    // A record of a request for each wallet, as after a busy quarter of an hour.
    transaction.execute_batch(
        "INSERT INTO replays SELECT device, randomblob(16), randomblob(32), randomblob(500), unixepoch() + 900 FROM made",
    )?;
    transaction.execute_batch("DROP TABLE made")?;
    transaction.commit()?;
    ensure!(
        wallets == usize::try_from(count)?,
        "{wallets} wallets instead of {count}"
    );
    Ok(())
}
