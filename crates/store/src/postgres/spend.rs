//! All that signing a transaction reads, in one statement: one round trip, and of one moment.

use twofold_cosigner::port::{
    record::{ChargeGroup, Coin, Replay, Script, Share, UserId, Wallet},
    store::{SpendQuery, SpendRows},
};

use super::{PostgresStore, row::PostgresRow, write::Param};
use crate::{fault::Fault, row::Columns};

/// Rows of seven kinds in columns that fit all: the kind, the place of the key that found it, and then what the kind has.
const SPEND: &str = "
    SELECT 0::bigint, k.at, c.wallet, c.outpoint, NULL::bytea, c.value, c.keychain, c.idx, NULL::text
    FROM unnest($2::bytea[]) WITH ORDINALITY k (key, at) JOIN coins c ON c.outpoint = k.key
    UNION ALL
    SELECT 1, k.at, s.wallet, s.output_key, NULL, 0, s.keychain, s.idx, NULL
    FROM unnest($3::bytea[]) WITH ORDINALITY k (key, at) JOIN scripts s ON s.output_key = k.key
    UNION ALL
    SELECT 2, k.at, c.wallet, c.outpoint, c.mac, c.amount, 0, 0, c.asset
    FROM unnest($2::bytea[]) WITH ORDINALITY k (key, at) JOIN charges c ON c.wallet = $1 AND c.outpoint = k.key
    UNION ALL
    SELECT 3, 0, s.wallet, s.sealed, NULL, s.epoch, s.kind, 0, NULL
    FROM shares s WHERE s.wallet = $1 AND s.kind = $4 AND s.epoch = $5
    UNION ALL
    SELECT 4, k, NULL, NULL, NULL,
           (SELECT coalesce(max(idx) + 1, 0) FROM coins WHERE wallet = $1 AND keychain = k), 0, 0, NULL
    FROM generate_series(0::bigint, 1) k
    UNION ALL
    SELECT 5, 0, w.user_id, w.state, w.public, w.version, w.birthday, 0, w.name
    FROM wallets w WHERE w.id = $1
    UNION ALL
    SELECT 6, 0, r.digest, r.sealed_reply, NULL, r.expires, 0, 0, NULL
    FROM replays r WHERE r.device = $6 AND r.nonce = $7
    ORDER BY 1, 2, 9";

impl PostgresStore {
    pub(super) async fn spend_at_once(&self, query: &SpendQuery) -> Result<SpendRows, Fault> {
        let params = [
            Param::from(&query.wallet.0),
            query.spent.as_slice().into(),
            query.output_keys.as_slice().into(),
            query.kind.number().into(),
            query.epoch.into(),
            Param::from(&query.device.0),
            Param::from(&query.nonce),
        ];
        let mut found = SpendRows::default();
        for row in self.ask(SPEND, &params).await? {
            let row = PostgresRow(&row);
            match row.get::<u8>(0)? {
                0 => found.coins.push(Coin {
                    wallet: row.wallet(2)?,
                    outpoint: row.get(3)?,
                    value: row.unsigned(5)?,
                    keychain: row.get(6)?,
                    index: row.get(7)?,
                }),
                1 => found.scripts.push(Script {
                    wallet: row.wallet(2)?,
                    output_key: row.get(3)?,
                    keychain: row.get(6)?,
                    index: row.get(7)?,
                }),
                2 => found.charges.push(ChargeGroup {
                    wallet: row.wallet(2)?,
                    outpoint: row.get(3)?,
                    mac: row.get(4)?,
                    amount: row.get::<i64>(5)?.cast_unsigned(),
                    asset: row.get(8)?,
                }),
                3 => {
                    found.share = Some(Share {
                        wallet: row.wallet(2)?,
                        sealed: row.get(3)?,
                        epoch: row.get(5)?,
                        kind: crate::row::kind(row.get(6)?)?,
                    });
                }
                5 => {
                    found.wallet = Some(Wallet {
                        id: query.wallet,
                        user: UserId(row.get(2)?),
                        state: row.get(3)?,
                        public: row.get(4)?,
                        version: row.unsigned(5)?,
                        birthday: row.get(6)?,
                        name: row.get(8)?,
                    });
                }
                6 => {
                    found.replay = Some(Replay {
                        device: query.device,
                        nonce: query.nonce,
                        digest: row.get(2)?,
                        sealed_reply: row.get(3)?,
                        expires: row.unsigned(5)?,
                    });
                }
                _ => {
                    let keychain = usize::from(row.get::<u8>(1)?);
                    if let Some(used) = found.used.get_mut(keychain) {
                        *used = row.get(5)?;
                    }
                }
            }
        }
        Ok(found)
    }
}
