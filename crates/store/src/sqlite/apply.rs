//! Writes as SQL.

mod chain;
mod people;
mod wallet;

use rusqlite::{Connection, Params};
use twofold_cosigner::port::{
    record::Wallet,
    store::{Batch, Write},
};
use twofold_threshold::id::WalletId;

use super::fault::is_taken;
use crate::fault::Fault;

/// Applies a batch within the open transaction or savepoint. One that fails may have left some of it there.
pub(crate) fn apply(connection: &Connection, batch: &Batch) -> Result<(), Fault> {
    for (wallet, version) in &batch.expect {
        match update_of(batch, *wallet) {
            // Compared and replaced in one statement: a row is written once.
            Some(row) => wallet::update(connection, row, *version)?,
            None => wallet::expect(connection, *wallet, *version)?,
        }
    }
    batch
        .writes
        .iter()
        .try_for_each(|write| apply_one(connection, batch, write))
}

fn apply_one(connection: &Connection, batch: &Batch, write: &Write) -> Result<(), Fault> {
    match write {
        Write::ServerSecret(name, sealed) => people::server_secret(connection, name, sealed),
        Write::RaiseCounter(name, value) => people::raise_counter(connection, name, *value),
        Write::AddInvitation(invitation) => people::add_invitation(connection, invitation),
        Write::UseInvitation { code_hash, by } => people::use_invitation(connection, code_hash, *by),
        Write::AddUser(user) => people::add_user(connection, user),
        Write::AddDevice(device) => people::add_device(connection, device),
        Write::RemoveDevice(device) => people::remove_device(connection, *device),
        Write::RoomForDevice {
            user,
            most,
            since,
            lately,
        } => people::room_for_device(connection, *user, *most, (*since, *lately)),
        Write::AddReplay(replay) => people::add_replay(connection, replay),
        Write::AddWallet(wallet) => wallet::add(connection, wallet),
        // An expected one was replaced when its version was compared.
        Write::UpdateWallet(wallet) if batch.expect.iter().any(|(expected, _)| *expected == wallet.id) => Ok(()),
        Write::UpdateWallet(wallet) => Err(Fault::Conflict(wallet.id)),
        Write::PutChains(chains) => wallet::put_chains(connection, chains),
        Write::AddShare(share) => wallet::add_share(connection, share),
        Write::ResealShare(share) => wallet::reseal_share(connection, share),
        Write::EraseShare { wallet, kind, epoch } => wallet::erase_share(connection, *wallet, *kind, *epoch),
        Write::PutCeremony(ceremony) => wallet::put_ceremony(connection, ceremony),
        Write::EndCeremony(id) => wallet::end_ceremony(connection, *id),
        Write::Audit(entry) => wallet::audit(connection, entry),
        Write::PutCharge(charge) => wallet::put_charge(connection, charge),
        Write::PutIssued(issued) => wallet::put_issued(connection, issued),
        Write::SettleIssued {
            wallet,
            txid,
            outpoints,
            height,
        } => chain::settle_issued(connection, *wallet, txid, outpoints, *height),
        Write::AddScripts(scripts) => scripts
            .iter()
            .try_for_each(|script| chain::add_script(connection, script)),
        Write::PutTransaction(transaction) => chain::put_transaction(connection, transaction),
        Write::MarkGone { wallet, txid } => chain::mark_gone(connection, *wallet, txid),
        Write::AddCoin(coin) => chain::add_coin(connection, coin),
        Write::PutBlock(block) => chain::put_block(connection, block),
        Write::RollBackBlocks { above } => chain::roll_back(connection, *above),
        Write::PutRescan(rescan) => chain::put_rescan(connection, rescan),
        Write::MoveRescan { from, to } => chain::move_rescan(connection, from, to.as_ref()),
        Write::Purge { now } => people::purge(connection, *now),
        other => Err(Fault::Damaged(format!("this store does not know the write {other:?}"))),
    }
}

/// What a batch makes of a wallet's row.
fn update_of(batch: &Batch, id: WalletId) -> Option<&Wallet> {
    batch.writes.iter().rev().find_map(|write| match write {
        Write::UpdateWallet(wallet) if wallet.id == id => Some(wallet),
        _ => None,
    })
}

/// Runs a statement; how many rows it changed.
pub(crate) fn run(connection: &Connection, sql: &str, params: impl Params) -> Result<usize, Fault> {
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}

/// Inserts a row that must be new.
fn add(connection: &Connection, what: &'static str, sql: &str, params: impl Params) -> Result<(), Fault> {
    match connection.prepare_cached(sql)?.execute(params) {
        Ok(_) => Ok(()),
        Err(error) if is_taken(&error) => Err(Fault::Exists(what)),
        Err(error) => Err(error.into()),
    }
}
