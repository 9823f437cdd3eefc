//! What signing a transaction reads: each by its key, and all of it at once.

use rusqlite::{Connection, params};
use twofold_cosigner::port::{
    record::{ChargeGroup, Coin, Replay, Script, Share, Wallet},
    store::{SpendQuery, SpendRows},
};
use twofold_threshold::id::{DeviceId, KeyKind, WalletId};

use super::read::{each, one, past_highest, rows, select};
use crate::{fault::Fault, row::Record};

/// All of it, within a transaction that sees one moment.
pub(super) fn spend(connection: &Connection, query: &SpendQuery) -> Result<SpendRows, Fault> {
    let id = query.wallet;
    Ok(SpendRows {
        replay: one(replay(connection, query.device, query.nonce))?,
        wallet: one(wallet(connection, id))?,
        coins: each(&query.spent, |outpoint| coin(connection, outpoint))?,
        scripts: each(&query.output_keys, |key| script(connection, key))?,
        used: past_highest(connection, "coins", id)?,
        charges: each(&query.spent, |outpoint| charges(connection, id, outpoint))?,
        share: one(share(connection, id, query.kind, query.epoch))?,
    })
}

pub(super) fn replay(connection: &Connection, device: DeviceId, nonce: [u8; 16]) -> Result<Vec<Replay>, Fault> {
    select!(
        connection,
        Replay,
        "replays WHERE device = ?1 AND nonce = ?2",
        params![device.0, nonce]
    )
}

pub(super) fn wallet(connection: &Connection, id: WalletId) -> Result<Vec<Wallet>, Fault> {
    select!(connection, Wallet, "wallets WHERE id = ?1", [id.0])
}

pub(super) fn share(connection: &Connection, wallet: WalletId, kind: KeyKind, epoch: u32) -> Result<Vec<Share>, Fault> {
    select!(
        connection,
        Share,
        "shares WHERE wallet = ?1 AND kind = ?2 AND epoch = ?3",
        params![wallet.0, kind.number(), epoch]
    )
}

pub(super) fn charges(
    connection: &Connection,
    wallet: WalletId,
    outpoint: &[u8; 36],
) -> Result<Vec<ChargeGroup>, Fault> {
    select!(
        connection,
        ChargeGroup,
        "charges WHERE wallet = ?1 AND outpoint = ?2 ORDER BY asset",
        params![wallet.0, outpoint]
    )
}

pub(super) fn script(connection: &Connection, output_key: &[u8; 32]) -> Result<Vec<Script>, Fault> {
    select!(connection, Script, "scripts WHERE output_key = ?1", [output_key])
}

pub(super) fn coin(connection: &Connection, outpoint: &[u8; 36]) -> Result<Vec<Coin>, Fault> {
    select!(connection, Coin, "coins WHERE outpoint = ?1", [outpoint])
}
