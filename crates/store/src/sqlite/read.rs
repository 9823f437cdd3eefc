//! The port's reads.

use rusqlite::{Connection, OptionalExtension, Params, params};
use tracing::Instrument as _;
use twofold_cosigner::port::{
    record::{
        AuditEntry, Block, Ceremony, Chains, ChargeGroup, Coin, Device, Invitation, Issued, Replay, Rescan, Script,
        Share, User, UserId, Wallet, WalletTransaction,
    },
    store::{Batch, Counts, OpenCeremonies, SpendQuery, SpendRows, Store, StoreFault},
};
use twofold_threshold::id::{CeremonyId, DeviceId, KeyKind, WalletId};

use super::{
    row::SqliteRow,
    spend::{charges, coin, replay, script, share, spend, wallet},
    writer,
};
use crate::{
    SqliteStore,
    fault::Fault,
    metric::SPANS,
    row::{Record, counted},
};

/// `SELECT` with the record's columns.
macro_rules! select {
    ($connection:expr, $record:ty, $rest:literal, $params:expr) => {
        rows::<$record>(
            $connection,
            &format!("SELECT {} FROM {}", <$record>::COLUMNS, $rest),
            $params,
        )
    };
}

pub(super) use select;

pub(super) fn rows<R: Record>(connection: &Connection, sql: &str, params: impl Params) -> Result<Vec<R>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(R::read(&SqliteRow(row))?);
    }
    Ok(records)
}

pub(super) fn one<R>(rows: Result<Vec<R>, Fault>) -> Result<Option<R>, Fault> {
    rows.map(|mut rows| rows.pop())
}

/// Several reads of one state of the database. A connection that reads forgets its pages whenever another has written
/// meanwhile, so this is also cheaper than one read after the other.
fn at_once<T>(connection: &Connection, read: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    execute(connection, "BEGIN")?;
    let moment = Moment(connection);
    let result = read()?;
    execute(connection, "COMMIT")?;
    drop(moment);
    Ok(result)
}

/// Ends a transaction that an error or a panic has left open, or no other could begin on this connection.
struct Moment<'a>(&'a Connection);

impl Drop for Moment<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            // Where even this fails, the next reader is told by its own `BEGIN`.
            let _ = execute(self.0, "ROLLBACK");
        }
    }
}

fn execute(connection: &Connection, sql: &'static str) -> Result<(), Fault> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// What a list of keys finds.
pub(super) fn each<R, K>(keys: &[K], mut find: impl FnMut(&K) -> Result<Vec<R>, Fault>) -> Result<Vec<R>, Fault> {
    let mut records = Vec::new();
    for key in keys {
        records.append(&mut find(key)?);
    }
    Ok(records)
}

impl SqliteStore {
    /// Whether a failed write left it unknown what is on the disk. Nothing works from then on: the process should end,
    /// and what is there be read anew.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.0.sealed.load(std::sync::atomic::Ordering::Acquire)
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, StoreFault> {
        if self.is_sealed() {
            return Err(writer::sealed());
        }
        Ok(self.0.readers.read(read)?)
    }
}

impl Store for SqliteStore {
    async fn commit(&self, batch: Batch) -> Result<(), StoreFault> {
        if self.is_sealed() {
            return Err(writer::sealed());
        }
        let span = tracing::info_span!(target: SPANS, "commit");
        let answered = self.0.writer.submit(batch)?.instrument(span);
        answered.await.unwrap_or_else(|_| Err(writer::stopped()))
    }

    async fn server_secret(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreFault> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT sealed FROM server_secrets WHERE name = ?1")?;
            Ok(statement.query_row([name], |row| row.get(0)).optional()?)
        })
    }

    async fn counter(&self, name: &'static str) -> Result<u64, StoreFault> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT value FROM counters WHERE name = ?1")?;
            let value: Option<i64> = statement.query_row([name], |row| row.get(0)).optional()?;
            u64::try_from(value.unwrap_or(0)).map_err(|_| Fault::Damaged(format!("the counter {name} is negative")))
        })
    }

    async fn invitation(&self, code_hash: [u8; 32]) -> Result<Option<Invitation>, StoreFault> {
        self.read(|connection| {
            one(select!(
                connection,
                Invitation,
                "invitations WHERE code_hash = ?1",
                [code_hash]
            ))
        })
    }

    async fn user(&self, issuer: &str, subject: &str) -> Result<Option<User>, StoreFault> {
        self.read(|connection| {
            one(select!(
                connection,
                User,
                "users WHERE issuer = ?1 AND subject = ?2",
                [issuer, subject]
            ))
        })
    }

    async fn device(&self, id: DeviceId) -> Result<Option<Device>, StoreFault> {
        self.read(|connection| one(select!(connection, Device, "devices WHERE id = ?1", [id.0])))
    }

    async fn users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreFault> {
        self.read(|connection| {
            select!(
                connection,
                User,
                "users WHERE id > ?1 ORDER BY id LIMIT ?2",
                params![past(after.as_ref().map(|user| &user.0)), limit]
            )
        })
    }

    async fn devices(
        &self,
        user: Option<UserId>,
        after: Option<DeviceId>,
        limit: u32,
    ) -> Result<Vec<Device>, StoreFault> {
        let after = past(after.as_ref().map(|device| &device.0));
        self.read(|connection| match user {
            Some(user) => select!(
                connection,
                Device,
                "devices WHERE user_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
                params![user.0, after, limit]
            ),
            None => select!(
                connection,
                Device,
                "devices WHERE id > ?1 ORDER BY id LIMIT ?2",
                params![after, limit]
            ),
        })
    }

    async fn counts(&self, now: u64) -> Result<Counts, StoreFault> {
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        self.read(|connection| {
            let mut statement = connection.prepare(&counted("?1"))?;
            Ok(statement.query_row([now], |row| {
                Ok(Counts {
                    users: row.get(0)?,
                    devices: row.get(1)?,
                    wallets: row.get(2)?,
                    ceremonies: row.get(3)?,
                    invitations: row.get(4)?,
                    waiting: row.get(5)?,
                    rescans: row.get(6)?,
                })
            })?)
        })
    }

    async fn wallet(&self, id: WalletId) -> Result<Option<Wallet>, StoreFault> {
        self.read(|connection| one(wallet(connection, id)))
    }

    async fn wallets(
        &self,
        user: Option<UserId>,
        after: Option<WalletId>,
        limit: u32,
    ) -> Result<Vec<Wallet>, StoreFault> {
        let after = past(after.as_ref().map(|wallet| &wallet.0));
        self.read(|connection| match user {
            Some(user) => select!(
                connection,
                Wallet,
                "wallets WHERE user_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
                params![user.0, after, limit]
            ),
            None => select!(
                connection,
                Wallet,
                "wallets WHERE id > ?1 ORDER BY id LIMIT ?2",
                params![after, limit]
            ),
        })
    }

    async fn chains(&self, wallet: WalletId) -> Result<Option<Chains>, StoreFault> {
        self.read(|connection| {
            one(select!(
                connection,
                Chains,
                "wallet_chains WHERE wallet = ?1",
                [wallet.0]
            ))
        })
    }

    async fn device_count(&self, user: UserId) -> Result<u32, StoreFault> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT count(*) FROM devices WHERE user_id = ?1")?;
            Ok(statement.query_row([user.0], |row| row.get(0))?)
        })
    }

    async fn wallet_count(&self, user: UserId) -> Result<u32, StoreFault> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT count(*) FROM wallets WHERE user_id = ?1")?;
            Ok(statement.query_row([user.0], |row| row.get(0))?)
        })
    }

    async fn wallets_of(&self, user: UserId, after: Option<WalletId>, limit: u32) -> Result<Vec<Wallet>, StoreFault> {
        self.read(|connection| match after {
            // No number is greater than that of a wallet that is not theirs.
            Some(after) => select!(
                connection,
                Wallet,
                "wallets WHERE user_id = ?1 AND number > (SELECT number FROM wallets WHERE id = ?2 AND user_id = ?1) \
                 ORDER BY number LIMIT ?3",
                params![user.0, after.0, limit]
            ),
            None => select!(
                connection,
                Wallet,
                "wallets WHERE user_id = ?1 ORDER BY number LIMIT ?2",
                params![user.0, limit]
            ),
        })
    }

    async fn share(&self, wallet: WalletId, kind: KeyKind, epoch: u32) -> Result<Option<Share>, StoreFault> {
        self.read(|connection| one(share(connection, wallet, kind, epoch)))
    }

    async fn shares(&self, wallet: WalletId) -> Result<Vec<Share>, StoreFault> {
        self.read(|connection| {
            select!(
                connection,
                Share,
                "shares WHERE wallet = ?1 ORDER BY kind, epoch",
                [wallet.0]
            )
        })
    }

    async fn charge_groups(
        &self,
        wallet: WalletId,
        after: Option<[u8; 36]>,
        limit: u32,
    ) -> Result<Vec<ChargeGroup>, StoreFault> {
        let after = after.as_ref().map_or(&[][..], |outpoint| &outpoint[..]);
        self.read(|connection| {
            select!(
                connection,
                ChargeGroup,
                "charges WHERE wallet = ?1 AND outpoint > ?2 ORDER BY outpoint LIMIT ?3",
                params![wallet.0, after, limit]
            )
        })
    }

    async fn ceremonies(&self, after: Option<CeremonyId>, limit: u32) -> Result<Vec<Ceremony>, StoreFault> {
        let after = after.as_ref().map_or(&[][..], |id| &id.0[..]);
        self.read(|connection| {
            select!(
                connection,
                Ceremony,
                "ceremonies WHERE id > ?1 ORDER BY id LIMIT ?2",
                params![after, limit]
            )
        })
    }

    async fn ceremony(&self, id: CeremonyId) -> Result<Option<Ceremony>, StoreFault> {
        self.read(|connection| one(select!(connection, Ceremony, "ceremonies WHERE id = ?1", [id.0])))
    }

    async fn ceremony_of(&self, wallet: WalletId) -> Result<Option<Ceremony>, StoreFault> {
        self.read(|connection| {
            one(select!(
                connection,
                Ceremony,
                "ceremonies WHERE wallet = ?1",
                [wallet.0]
            ))
        })
    }

    async fn open_ceremonies(&self, user: UserId, now: u64) -> Result<OpenCeremonies, StoreFault> {
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT (SELECT count(*) FROM ceremonies WHERE user_id = ?1 AND expires >= ?2),
                        (SELECT count(*) FROM ceremonies WHERE expires >= ?2)",
            )?;
            Ok(statement.query_row(params![user.0, now], |row| {
                Ok(OpenCeremonies {
                    user: row.get(0)?,
                    all: row.get(1)?,
                })
            })?)
        })
    }

    async fn replay(&self, device: DeviceId, nonce: [u8; 16]) -> Result<Option<Replay>, StoreFault> {
        self.read(|connection| one(replay(connection, device, nonce)))
    }

    async fn audit(&self, wallet: WalletId, from: u64, limit: u32) -> Result<Vec<AuditEntry>, StoreFault> {
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        self.read(|connection| {
            select!(
                connection,
                AuditEntry,
                "audit WHERE wallet = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
                params![wallet.0, from, limit]
            )
        })
    }

    async fn charges(&self, wallet: WalletId, outpoints: Vec<[u8; 36]>) -> Result<Vec<ChargeGroup>, StoreFault> {
        self.read(|connection| {
            at_once(connection, || {
                each(&outpoints, |outpoint| charges(connection, wallet, outpoint))
            })
        })
    }

    async fn issued(&self, wallet: WalletId) -> Result<Vec<Issued>, StoreFault> {
        self.read(|connection| {
            select!(
                connection,
                Issued,
                "issued WHERE wallet = ?1 AND settled IS NULL ORDER BY at, txid LIMIT 1000",
                [wallet.0]
            )
        })
    }

    async fn waiting(&self, wallet: WalletId, most: u32) -> Result<u32, StoreFault> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM issued WHERE wallet = ?1 AND settled IS NULL LIMIT ?2)",
            )?;
            Ok(statement.query_row(params![wallet.0, most], |row| row.get(0))?)
        })
    }

    async fn is_issued(&self, wallet: WalletId, txid: [u8; 32]) -> Result<bool, StoreFault> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM issued WHERE wallet = ?1 AND txid = ?2)")?;
            Ok(statement.query_row(params![wallet.0, txid], |row| row.get(0))?)
        })
    }

    async fn scripts(&self, output_keys: Vec<[u8; 32]>) -> Result<Vec<Script>, StoreFault> {
        self.read(|connection| at_once(connection, || each(&output_keys, |key| script(connection, key))))
    }

    async fn all_scripts(&self, after: Option<[u8; 32]>, limit: u32) -> Result<Vec<Script>, StoreFault> {
        let after = after.as_ref().map_or(&[][..], |key| &key[..]);
        self.read(|connection| {
            select!(
                connection,
                Script,
                "scripts WHERE output_key > ?1 ORDER BY output_key LIMIT ?2",
                params![after, limit]
            )
        })
    }

    async fn watched(&self, wallet: WalletId) -> Result<[u32; 2], StoreFault> {
        self.read(|connection| past_highest(connection, "scripts", wallet))
    }

    async fn used(&self, wallet: WalletId) -> Result<[u32; 2], StoreFault> {
        self.read(|connection| past_highest(connection, "coins", wallet))
    }

    async fn coins(&self, outpoints: Vec<[u8; 36]>) -> Result<Vec<Coin>, StoreFault> {
        self.read(|connection| at_once(connection, || each(&outpoints, |outpoint| coin(connection, outpoint))))
    }

    async fn spend(&self, query: SpendQuery) -> Result<SpendRows, StoreFault> {
        self.read(|connection| at_once(connection, || spend(connection, &query)))
    }

    async fn transactions(
        &self,
        wallet: WalletId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<WalletTransaction>, StoreFault> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        self.read(|connection| {
            select!(
                connection,
                WalletTransaction,
                "transactions WHERE wallet = ?1 AND cursor > ?2 ORDER BY cursor LIMIT ?3",
                params![wallet.0, after, limit]
            )
        })
    }

    async fn newest_change(&self, wallet: WalletId) -> Result<u64, StoreFault> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT cursor FROM transactions WHERE wallet = ?1 ORDER BY cursor DESC LIMIT 1")?;
            let cursor: Option<i64> = statement.query_row([wallet.0], |row| row.get(0)).optional()?;
            Ok(cursor.and_then(|cursor| u64::try_from(cursor).ok()).unwrap_or(0))
        })
    }

    async fn transaction(&self, wallet: WalletId, txid: [u8; 32]) -> Result<Option<WalletTransaction>, StoreFault> {
        self.read(|connection| {
            one(select!(
                connection,
                WalletTransaction,
                "transactions WHERE wallet = ?1 AND txid = ?2",
                params![wallet.0, txid]
            ))
        })
    }

    async fn unconfirmed(
        &self,
        after: Option<([u8; 32], WalletId)>,
        limit: u32,
    ) -> Result<Vec<([u8; 32], WalletId)>, StoreFault> {
        let (txid, wallet) = match &after {
            None => (&[][..], &[][..]),
            Some((txid, wallet)) => (&txid[..], &wallet.0[..]),
        };
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT txid, wallet FROM transactions
                 WHERE height IS NULL AND gone = 0 AND (txid, wallet) > (?1, ?2) ORDER BY txid, wallet LIMIT ?3",
            )?;
            let rows = statement.query_map(params![txid, wallet, limit], |row| {
                Ok((row.get(0)?, WalletId(row.get(1)?)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    async fn rescan(&self, wallet: WalletId) -> Result<Option<Rescan>, StoreFault> {
        self.read(|connection| one(select!(connection, Rescan, "rescans WHERE wallet = ?1", [wallet.0])))
    }

    async fn rescans(&self, after: Option<WalletId>, limit: u32) -> Result<Vec<Rescan>, StoreFault> {
        let after = after.as_ref().map_or(&[][..], |wallet| &wallet.0[..]);
        self.read(|connection| {
            select!(
                connection,
                Rescan,
                "rescans WHERE next <= last AND wallet > ?1 ORDER BY wallet LIMIT ?2",
                params![after, limit]
            )
        })
    }

    async fn tip(&self) -> Result<Option<Block>, StoreFault> {
        self.read(|connection| one(select!(connection, Block, "blocks ORDER BY height DESC LIMIT 1", [])))
    }

    async fn blocks(&self, from: u32, limit: u32) -> Result<Vec<Block>, StoreFault> {
        self.read(|connection| {
            select!(
                connection,
                Block,
                "blocks WHERE height >= ?1 ORDER BY height LIMIT ?2",
                [from, limit]
            )
        })
    }
}

/// Where a list goes on: every key is greater than the empty one.
fn past<const N: usize>(after: Option<&[u8; N]>) -> &[u8] {
    after.map_or(&[], <[u8; N]>::as_slice)
}

/// One past the highest index in a table, external and internal.
pub(super) fn past_highest(connection: &Connection, table: &'static str, wallet: WalletId) -> Result<[u32; 2], Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT (SELECT coalesce(max(idx) + 1, 0) FROM {table} WHERE wallet = ?1 AND keychain = 0),
                (SELECT coalesce(max(idx) + 1, 0) FROM {table} WHERE wallet = ?1 AND keychain = 1)"
    ))?;
    Ok(statement.query_row([wallet.0], |row| Ok([row.get(0)?, row.get(1)?]))?)
}
