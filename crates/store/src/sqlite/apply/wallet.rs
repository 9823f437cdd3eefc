//! A wallet's own rows: state, shares, ceremonies, audit, charges, signatures given out.

use rusqlite::{Connection, OptionalExtension, params};
use twofold_cosigner::port::record::{AuditEntry, Ceremony, Chains, ChargeGroup, Issued, Share, Wallet};
use twofold_threshold::id::{CeremonyId, KeyKind, WalletId};

use super::run;
use crate::{
    fault::{Fault, int},
    list,
};

pub(super) fn expect(connection: &Connection, wallet: WalletId, version: u64) -> Result<(), Fault> {
    let sql = "UPDATE wallets SET version = version + 1 WHERE id = ?1 AND version = ?2";
    if run(connection, sql, params![wallet.0, int("a version", version)?])? == 1 {
        Ok(())
    } else {
        Err(Fault::Conflict(wallet))
    }
}

pub(super) fn put_chains(connection: &Connection, chains: &Chains) -> Result<(), Fault> {
    run(
        connection,
        "INSERT INTO wallet_chains (wallet, device_list, package) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET device_list = ?2, package = ?3",
        params![
            chains.wallet.0,
            list::pack(&chains.device_list)?,
            list::pack(&chains.package)?
        ],
    )?;
    Ok(())
}

pub(super) fn add(connection: &Connection, wallet: &Wallet) -> Result<(), Fault> {
    super::add(
        connection,
        "the wallet",
        "INSERT INTO wallets (id, user_id, number, name, version, birthday, state, public)
         VALUES (?1, ?2, (SELECT coalesce(max(number), 0) + 1 FROM wallets WHERE user_id = ?2), ?3, ?4, ?5, ?6, ?7)",
        params![
            wallet.id.0,
            wallet.user.0,
            wallet.name,
            int("a version", wallet.version)?,
            wallet.birthday,
            wallet.state,
            wallet.public
        ],
    )
}

/// Replaces a wallet's row whose version is the expected one.
pub(super) fn update(connection: &Connection, wallet: &Wallet, expected: u64) -> Result<(), Fault> {
    let changed = run(
        connection,
        "UPDATE wallets SET version = version + 1, name = ?3, birthday = ?4, state = ?5, public = ?6
         WHERE id = ?1 AND version = ?2",
        params![
            wallet.id.0,
            int("a version", expected)?,
            wallet.name,
            wallet.birthday,
            wallet.state,
            wallet.public
        ],
    )?;
    if changed == 1 {
        Ok(())
    } else {
        Err(Fault::Conflict(wallet.id))
    }
}

pub(super) fn add_share(connection: &Connection, share: &Share) -> Result<(), Fault> {
    super::add(
        connection,
        "the share",
        "INSERT INTO shares (wallet, kind, epoch, sealed) VALUES (?1, ?2, ?3, ?4)",
        params![share.wallet.0, share.kind.number(), share.epoch, share.sealed],
    )
}

pub(super) fn reseal_share(connection: &Connection, share: &Share) -> Result<(), Fault> {
    run(
        connection,
        "UPDATE shares SET sealed = ?4 WHERE wallet = ?1 AND kind = ?2 AND epoch = ?3",
        params![share.wallet.0, share.kind.number(), share.epoch, share.sealed],
    )?;
    Ok(())
}

pub(super) fn erase_share(connection: &Connection, wallet: WalletId, kind: KeyKind, epoch: u32) -> Result<(), Fault> {
    let sql = "DELETE FROM shares WHERE wallet = ?1 AND kind = ?2 AND epoch = ?3";
    run(connection, sql, params![wallet.0, kind.number(), epoch])?;
    Ok(())
}

pub(super) fn put_ceremony(connection: &Connection, ceremony: &Ceremony) -> Result<(), Fault> {
    let same = "DELETE FROM ceremonies WHERE wallet = ?1 AND user_id = ?2";
    run(connection, same, params![ceremony.wallet.0, ceremony.user.0])?;
    super::add(
        connection,
        "the ceremony",
        "INSERT INTO ceremonies (id, wallet, user_id, expires, sealed, public) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            ceremony.id.0,
            ceremony.wallet.0,
            ceremony.user.0,
            int("a ceremony's end", ceremony.expires)?,
            ceremony.sealed,
            ceremony.public
        ],
    )
}

pub(super) fn end_ceremony(connection: &Connection, id: CeremonyId) -> Result<(), Fault> {
    run(connection, "DELETE FROM ceremonies WHERE id = ?1", [id.0])?;
    Ok(())
}

pub(super) fn audit(connection: &Connection, entry: &AuditEntry) -> Result<(), Fault> {
    super::add(
        connection,
        "the audit entry",
        "INSERT INTO audit (wallet, seq, entry, chain) VALUES (?1, ?2, ?3, ?4)",
        params![
            entry.wallet.0,
            int("a sequence number", entry.seq)?,
            entry.entry,
            entry.chain
        ],
    )
}

pub(super) fn put_charge(connection: &Connection, charge: &ChargeGroup) -> Result<(), Fault> {
    run(
        connection,
        "INSERT INTO charges (wallet, outpoint, asset, amount, mac) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET amount = ?4, mac = ?5",
        params![
            charge.wallet.0,
            charge.outpoint,
            charge.asset,
            charge.amount.cast_signed(),
            charge.mac
        ],
    )?;
    Ok(())
}

pub(super) fn put_issued(connection: &Connection, issued: &Issued) -> Result<(), Fault> {
    let added = run(
        connection,
        "INSERT INTO issued (wallet, txid, outpoints, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        params![
            issued.wallet.0,
            issued.txid,
            issued.outpoints.concat(),
            int("a time", issued.at)?
        ],
    )?;
    if added == 0 {
        forget_outpoints(connection, issued.wallet, &issued.txid)?;
        run(
            connection,
            "UPDATE issued SET outpoints = ?3, at = ?4 WHERE wallet = ?1 AND txid = ?2",
            params![
                issued.wallet.0,
                issued.txid,
                issued.outpoints.concat(),
                int("a time", issued.at)?
            ],
        )?;
    }
    for outpoint in &issued.outpoints {
        run(
            connection,
            "INSERT INTO spent_by_issued (wallet, outpoint, txid) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![issued.wallet.0, outpoint, issued.txid],
        )?;
    }
    Ok(())
}

/// Forgets what a signed transaction spends, by the list in its own row.
fn forget_outpoints(connection: &Connection, wallet: WalletId, txid: &[u8; 32]) -> Result<(), Fault> {
    let outpoints: Vec<u8> = connection
        .prepare_cached("SELECT outpoints FROM issued WHERE wallet = ?1 AND txid = ?2")?
        .query_row(params![wallet.0, txid], |row| row.get(0))?;
    for outpoint in list::split::<36>("a list of outpoints", &outpoints)? {
        run(
            connection,
            "DELETE FROM spent_by_issued WHERE wallet = ?1 AND outpoint = ?2 AND txid = ?3",
            params![wallet.0, outpoint, txid],
        )?;
    }
    Ok(())
}

/// Forgets transactions that were settled at this height or below.
pub(super) fn forget_settled(connection: &Connection, height: i64) -> Result<(), Fault> {
    let deep = "SELECT wallet, txid FROM issued WHERE settled <= ?1 LIMIT 1";
    while let Some((wallet, txid)) = connection
        .prepare_cached(deep)?
        .query_row([height], |row| Ok((WalletId(row.get(0)?), row.get(1)?)))
        .optional()?
    {
        forget_outpoints(connection, wallet, &txid)?;
        run(
            connection,
            "DELETE FROM issued WHERE wallet = ?1 AND txid = ?2",
            params![wallet.0, txid],
        )?;
    }
    Ok(())
}
