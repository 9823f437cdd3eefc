//! The port's reads.

use tokio_postgres::Row;
use twofold_cosigner::port::{
    record::{
        AuditEntry, Block, Ceremony, Chains, ChargeGroup, Coin, Device, Invitation, Issued, Replay, Rescan, Script,
        Share, User, UserId, Wallet, WalletTransaction,
    },
    store::{Batch, Counts, OpenCeremonies, SpendQuery, SpendRows, Store, StoreFault},
};
use twofold_threshold::id::{CeremonyId, DeviceId, KeyKind, WalletId};

use tracing::Instrument as _;

use super::{
    PostgresStore,
    fault::{Ended, ended},
    row::PostgresRow,
    write::{Param, with},
};
use crate::{
    fault::Fault,
    metric::SPANS,
    row::{Columns as _, Record, counted},
};

/// How often a read is asked anew whose connection broke. The first of those that are kept after a restart of the database
/// are broken, all at once.
const ATTEMPTS: u32 = 3;

impl PostgresStore {
    /// The rows of a query.
    pub(super) async fn ask(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Fault> {
        let mut attempt = 1;
        loop {
            let mut session = self.take().await?;
            match session.rows(sql, params).await {
                Err(Fault::Postgres(error)) if ended(&error) == Ended::Cut => {
                    session.give_up();
                    if attempt >= ATTEMPTS {
                        return Err(error.into());
                    }
                    attempt += 1;
                }
                Ok(rows) => {
                    self.0.pool.answered();
                    return Ok(rows);
                }
                fault => return fault,
            }
        }
    }

    /// Records, from `FROM` on.
    async fn list<R: Record>(&self, from: &str, params: Vec<Param<'_>>) -> Result<Vec<R>, StoreFault> {
        let rows = self.ask(&format!("SELECT {} FROM {from}", R::COLUMNS), &params).await?;
        let records = rows.iter().map(|row| R::read(&PostgresRow(row)));
        Ok(records.collect::<Result<_, Fault>>()?)
    }

    async fn one<R: Record>(&self, from: &str, params: Vec<Param<'_>>) -> Result<Option<R>, StoreFault> {
        Ok(self.list(from, params).await?.pop())
    }

    /// Records that a list of keys finds, `$1`, in its order. `find` goes on from the keys, called `k`.
    async fn each<R: Record>(&self, table: &str, on: &str, params: Vec<Param<'_>>) -> Result<Vec<R>, StoreFault> {
        let columns: Vec<String> = R::COLUMNS.split(", ").map(|column| format!("t.{column}")).collect();
        let sql = format!(
            "SELECT {} FROM unnest($1::bytea[]) WITH ORDINALITY k (key, at) JOIN {table} t ON {on} ORDER BY k.at",
            columns.join(", ")
        );
        let rows = self.ask(&sql, &params).await?;
        let records = rows.iter().map(|row| R::read(&PostgresRow(row)));
        Ok(records.collect::<Result<_, Fault>>()?)
    }

    /// The numbers of the one row that a query has.
    async fn numbers<const N: usize>(&self, sql: &str, params: Vec<Param<'_>>) -> Result<[u32; N], StoreFault> {
        let rows = self.ask(sql, &params).await?;
        let mut numbers = [0; N];
        if let Some(row) = rows.first() {
            for (at, number) in numbers.iter_mut().enumerate() {
                *number = PostgresRow(row).get(at)?;
            }
        }
        Ok(numbers)
    }

    /// A number of the one row that a query has, if it has one.
    async fn number(&self, sql: &str, params: Vec<Param<'_>>) -> Result<u64, StoreFault> {
        let rows = self.ask(sql, &params).await?;
        match rows.first() {
            Some(row) => Ok(PostgresRow(row).unsigned(0)?),
            None => Ok(0),
        }
    }
}

/// Where a list goes on: every key is greater than the empty one.
fn past<const N: usize>(after: Option<&[u8; N]>) -> Param<'_> {
    Param::Bytes(after.map_or(&[], <[u8; N]>::as_slice))
}

/// A bound that a caller may set as high as it likes.
fn bound(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Store for PostgresStore {
    async fn commit(&self, batch: Batch) -> Result<(), StoreFault> {
        let span = tracing::info_span!(target: SPANS, "commit");
        self.commit_whole(batch).instrument(span).await
    }

    async fn server_secret(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreFault> {
        let sql = "SELECT sealed FROM server_secrets WHERE name = $1";
        let rows = self.ask(sql, &[name.into()]).await?;
        Ok(rows.first().map(|row| PostgresRow(row).get(0)).transpose()?)
    }

    async fn counter(&self, name: &'static str) -> Result<u64, StoreFault> {
        self.number("SELECT value FROM counters WHERE name = $1", with![name])
            .await
    }

    async fn invitation(&self, code_hash: [u8; 32]) -> Result<Option<Invitation>, StoreFault> {
        self.one("invitations WHERE code_hash = $1", with![&code_hash]).await
    }

    async fn user(&self, issuer: &str, subject: &str) -> Result<Option<User>, StoreFault> {
        self.one("users WHERE issuer = $1 AND subject = $2", with![issuer, subject])
            .await
    }

    async fn device(&self, id: DeviceId) -> Result<Option<Device>, StoreFault> {
        self.one("devices WHERE id = $1", with![&id.0]).await
    }

    async fn users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreFault> {
        let after = past(after.as_ref().map(|user| &user.0));
        self.list("users WHERE id > $1 ORDER BY id LIMIT $2", with![after, limit])
            .await
    }

    async fn devices(
        &self,
        user: Option<UserId>,
        after: Option<DeviceId>,
        limit: u32,
    ) -> Result<Vec<Device>, StoreFault> {
        let after = past(after.as_ref().map(|device| &device.0));
        match &user {
            Some(user) => {
                let of_user = "devices WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3";
                self.list(of_user, with![&user.0, after, limit]).await
            }
            None => {
                self.list("devices WHERE id > $1 ORDER BY id LIMIT $2", with![after, limit])
                    .await
            }
        }
    }

    async fn counts(&self, now: u64) -> Result<Counts, StoreFault> {
        let counts = self.numbers(&counted("$1"), with![bound(now)]).await?;
        let [users, devices, wallets, ceremonies, invitations, waiting, rescans] = counts;
        Ok(Counts {
            users,
            devices,
            wallets,
            ceremonies,
            invitations,
            waiting,
            rescans,
        })
    }

    async fn wallet(&self, id: WalletId) -> Result<Option<Wallet>, StoreFault> {
        self.one("wallets WHERE id = $1", with![&id.0]).await
    }

    async fn wallets(
        &self,
        user: Option<UserId>,
        after: Option<WalletId>,
        limit: u32,
    ) -> Result<Vec<Wallet>, StoreFault> {
        let after = past(after.as_ref().map(|wallet| &wallet.0));
        match &user {
            Some(user) => {
                let of_user = "wallets WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3";
                self.list(of_user, with![&user.0, after, limit]).await
            }
            None => {
                self.list("wallets WHERE id > $1 ORDER BY id LIMIT $2", with![after, limit])
                    .await
            }
        }
    }

    async fn chains(&self, wallet: WalletId) -> Result<Option<Chains>, StoreFault> {
        self.one("wallet_chains WHERE wallet = $1", with![&wallet.0]).await
    }

    async fn device_count(&self, user: UserId) -> Result<u32, StoreFault> {
        let [count] = self
            .numbers("SELECT count(*) FROM devices WHERE user_id = $1", with![&user.0])
            .await?;
        Ok(count)
    }

    async fn wallet_count(&self, user: UserId) -> Result<u32, StoreFault> {
        let [count] = self
            .numbers("SELECT count(*) FROM wallets WHERE user_id = $1", with![&user.0])
            .await?;
        Ok(count)
    }

    async fn wallets_of(&self, user: UserId, after: Option<WalletId>, limit: u32) -> Result<Vec<Wallet>, StoreFault> {
        if let Some(after) = &after {
            // No number is greater than that of a wallet that is not theirs.
            let behind = "wallets WHERE user_id = $1 AND number > (SELECT number FROM wallets WHERE id = $2 AND \
                          user_id = $1) ORDER BY number LIMIT $3";
            return self.list(behind, with![&user.0, &after.0, limit]).await;
        }
        let first = "wallets WHERE user_id = $1 ORDER BY number LIMIT $2";
        self.list(first, with![&user.0, limit]).await
    }

    async fn share(&self, wallet: WalletId, kind: KeyKind, epoch: u32) -> Result<Option<Share>, StoreFault> {
        self.one(
            "shares WHERE wallet = $1 AND kind = $2 AND epoch = $3",
            with![&wallet.0, kind.number(), epoch],
        )
        .await
    }

    async fn shares(&self, wallet: WalletId) -> Result<Vec<Share>, StoreFault> {
        self.list("shares WHERE wallet = $1 ORDER BY kind, epoch", with![&wallet.0])
            .await
    }

    async fn charge_groups(
        &self,
        wallet: WalletId,
        after: Option<[u8; 36]>,
        limit: u32,
    ) -> Result<Vec<ChargeGroup>, StoreFault> {
        self.list(
            "charges WHERE wallet = $1 AND outpoint > $2 ORDER BY outpoint LIMIT $3",
            with![&wallet.0, past(after.as_ref()), limit],
        )
        .await
    }

    async fn ceremonies(&self, after: Option<CeremonyId>, limit: u32) -> Result<Vec<Ceremony>, StoreFault> {
        let after = past(after.as_ref().map(|id| &id.0));
        self.list("ceremonies WHERE id > $1 ORDER BY id LIMIT $2", with![after, limit])
            .await
    }

    async fn ceremony(&self, id: CeremonyId) -> Result<Option<Ceremony>, StoreFault> {
        self.one("ceremonies WHERE id = $1", with![&id.0]).await
    }

    async fn ceremony_of(&self, wallet: WalletId) -> Result<Option<Ceremony>, StoreFault> {
        self.one("ceremonies WHERE wallet = $1", with![&wallet.0]).await
    }

    async fn open_ceremonies(&self, user: UserId, now: u64) -> Result<OpenCeremonies, StoreFault> {
        let sql = "SELECT (SELECT count(*) FROM ceremonies WHERE user_id = $1 AND expires >= $2),
                          (SELECT count(*) FROM ceremonies WHERE expires >= $2)";
        let [user, all] = self.numbers(sql, with![&user.0, bound(now)]).await?;
        Ok(OpenCeremonies { user, all })
    }

    async fn replay(&self, device: DeviceId, nonce: [u8; 16]) -> Result<Option<Replay>, StoreFault> {
        self.one("replays WHERE device = $1 AND nonce = $2", with![&device.0, &nonce])
            .await
    }

    async fn audit(&self, wallet: WalletId, from: u64, limit: u32) -> Result<Vec<AuditEntry>, StoreFault> {
        self.list(
            "audit WHERE wallet = $1 AND seq >= $2 ORDER BY seq LIMIT $3",
            with![&wallet.0, bound(from), limit],
        )
        .await
    }

    async fn charges(&self, wallet: WalletId, outpoints: Vec<[u8; 36]>) -> Result<Vec<ChargeGroup>, StoreFault> {
        self.each(
            "charges",
            "t.wallet = $2 AND t.outpoint = k.key",
            with![outpoints.as_slice(), &wallet.0],
        )
        .await
    }

    async fn issued(&self, wallet: WalletId) -> Result<Vec<Issued>, StoreFault> {
        self.list(
            "issued WHERE wallet = $1 AND settled IS NULL ORDER BY at, txid LIMIT 1000",
            with![&wallet.0],
        )
        .await
    }

    async fn waiting(&self, wallet: WalletId, most: u32) -> Result<u32, StoreFault> {
        let sql = "SELECT count(*) FROM (SELECT 1 FROM issued WHERE wallet = $1 AND settled IS NULL LIMIT $2) w";
        let [count] = self.numbers(sql, with![&wallet.0, most]).await?;
        Ok(count)
    }

    async fn is_issued(&self, wallet: WalletId, txid: [u8; 32]) -> Result<bool, StoreFault> {
        let sql = "SELECT count(*) FROM issued WHERE wallet = $1 AND txid = $2";
        let [count] = self.numbers(sql, with![&wallet.0, &txid]).await?;
        Ok(count > 0)
    }

    async fn scripts(&self, output_keys: Vec<[u8; 32]>) -> Result<Vec<Script>, StoreFault> {
        self.each("scripts", "t.output_key = k.key", with![output_keys.as_slice()])
            .await
    }

    async fn all_scripts(&self, after: Option<[u8; 32]>, limit: u32) -> Result<Vec<Script>, StoreFault> {
        self.list(
            "scripts WHERE output_key > $1 ORDER BY output_key LIMIT $2",
            with![past(after.as_ref()), limit],
        )
        .await
    }

    async fn watched(&self, wallet: WalletId) -> Result<[u32; 2], StoreFault> {
        self.numbers(
            "SELECT (SELECT coalesce(max(idx) + 1, 0) FROM scripts WHERE wallet = $1 AND keychain = 0),
                    (SELECT coalesce(max(idx) + 1, 0) FROM scripts WHERE wallet = $1 AND keychain = 1)",
            with![&wallet.0],
        )
        .await
    }

    async fn used(&self, wallet: WalletId) -> Result<[u32; 2], StoreFault> {
        self.numbers(
            "SELECT (SELECT coalesce(max(idx) + 1, 0) FROM coins WHERE wallet = $1 AND keychain = 0),
                    (SELECT coalesce(max(idx) + 1, 0) FROM coins WHERE wallet = $1 AND keychain = 1)",
            with![&wallet.0],
        )
        .await
    }

    async fn coins(&self, outpoints: Vec<[u8; 36]>) -> Result<Vec<Coin>, StoreFault> {
        self.each("coins", "t.outpoint = k.key", with![outpoints.as_slice()])
            .await
    }

    async fn spend(&self, query: SpendQuery) -> Result<SpendRows, StoreFault> {
        Ok(self.spend_at_once(&query).await?)
    }

    async fn transactions(
        &self,
        wallet: WalletId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<WalletTransaction>, StoreFault> {
        self.list(
            "transactions WHERE wallet = $1 AND cursor > $2 ORDER BY cursor LIMIT $3",
            with![&wallet.0, bound(after), limit],
        )
        .await
    }

    async fn newest_change(&self, wallet: WalletId) -> Result<u64, StoreFault> {
        let sql = "SELECT cursor FROM transactions WHERE wallet = $1 ORDER BY cursor DESC LIMIT 1";
        self.number(sql, with![&wallet.0]).await
    }

    async fn transaction(&self, wallet: WalletId, txid: [u8; 32]) -> Result<Option<WalletTransaction>, StoreFault> {
        self.one("transactions WHERE wallet = $1 AND txid = $2", with![&wallet.0, &txid])
            .await
    }

    async fn unconfirmed(
        &self,
        after: Option<([u8; 32], WalletId)>,
        limit: u32,
    ) -> Result<Vec<([u8; 32], WalletId)>, StoreFault> {
        let (txid, wallet) = match &after {
            None => (past::<32>(None), past::<16>(None)),
            Some((txid, wallet)) => (past(Some(txid)), past(Some(&wallet.0))),
        };
        let sql = "SELECT txid, wallet FROM transactions
                   WHERE height IS NULL AND gone = 0 AND (txid, wallet) > ($1, $2) ORDER BY txid, wallet LIMIT $3";
        let rows = self.ask(sql, &[txid, wallet, limit.into()]).await?;
        let found = rows
            .iter()
            .map(PostgresRow)
            .map(|row| Ok((row.get(0)?, row.wallet(1)?)));
        Ok(found.collect::<Result<_, Fault>>()?)
    }

    async fn rescan(&self, wallet: WalletId) -> Result<Option<Rescan>, StoreFault> {
        self.one("rescans WHERE wallet = $1", with![&wallet.0]).await
    }

    async fn rescans(&self, after: Option<WalletId>, limit: u32) -> Result<Vec<Rescan>, StoreFault> {
        let after = past(after.as_ref().map(|wallet| &wallet.0));
        self.list(
            "rescans WHERE next <= last AND wallet > $1 ORDER BY wallet LIMIT $2",
            with![after, limit],
        )
        .await
    }

    async fn tip(&self) -> Result<Option<Block>, StoreFault> {
        self.one("blocks ORDER BY height DESC LIMIT 1", Vec::new()).await
    }

    async fn blocks(&self, from: u32, limit: u32) -> Result<Vec<Block>, StoreFault> {
        self.list("blocks WHERE height >= $1 ORDER BY height LIMIT $2", with![from, limit])
            .await
    }
}
