//! Users, devices, invitations, recorded replies, and what the server keeps about itself.

use rusqlite::{Connection, params};
use twofold_cosigner::port::record::{Device, Invitation, Replay, User, UserId};
use twofold_threshold::id::DeviceId;

use super::{add, run, wallet::forget_settled};
use crate::fault::{Fault, int};

const DAY: i64 = 24 * 60 * 60;
/// How deep a block is before what it settled is forgotten for good.
const DEEP: i64 = 1000;

pub(super) fn server_secret(connection: &Connection, name: &str, sealed: &[u8]) -> Result<(), Fault> {
    let sql = "INSERT INTO server_secrets (name, sealed) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET sealed = ?2";
    run(connection, sql, params![name, sealed])?;
    Ok(())
}

pub(super) fn raise_counter(connection: &Connection, name: &str, value: u64) -> Result<(), Fault> {
    let sql =
        "INSERT INTO counters (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2 WHERE value < ?2";
    run(connection, sql, params![name, int("a counter", value)?])?;
    Ok(())
}

pub(super) fn add_invitation(connection: &Connection, invitation: &Invitation) -> Result<(), Fault> {
    add(
        connection,
        "the invitation",
        "INSERT INTO invitations (code_hash, expires, used_by, wallet) VALUES (?1, ?2, ?3, ?4)",
        params![
            invitation.code_hash,
            int("an invitation's end", invitation.expires)?,
            invitation.used_by.map(|device| device.0),
            invitation.wallet.map(|wallet| wallet.0)
        ],
    )
}

pub(super) fn use_invitation(connection: &Connection, code_hash: &[u8; 32], by: DeviceId) -> Result<(), Fault> {
    let sql = "UPDATE invitations SET used_by = ?2 WHERE code_hash = ?1 AND used_by IS NULL";
    if run(connection, sql, params![code_hash, by.0])? == 1 {
        Ok(())
    } else {
        Err(Fault::Exists("the invitation's use"))
    }
}

pub(super) fn add_user(connection: &Connection, user: &User) -> Result<(), Fault> {
    add(
        connection,
        "the user",
        "INSERT INTO users (id, issuer, subject) VALUES (?1, ?2, ?3)",
        params![user.id.0, user.issuer, user.subject],
    )
}

pub(super) fn add_device(connection: &Connection, device: &Device) -> Result<(), Fault> {
    add(
        connection,
        "the device",
        "INSERT INTO devices (id, identity, user_id, name, enrolled) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            device.id.0,
            device.identity,
            device.user.0,
            device.name,
            int("a time", device.enrolled)?
        ],
    )
}

pub(super) fn remove_device(connection: &Connection, device: DeviceId) -> Result<(), Fault> {
    run(connection, "DELETE FROM devices WHERE id = ?1", params![device.0])?;
    Ok(())
}

pub(super) fn room_for_device(
    connection: &Connection,
    user: UserId,
    most: u32,
    (since, lately): (u64, u32),
) -> Result<(), Fault> {
    let (has, new): (u32, u32) = connection
        .prepare_cached("SELECT count(*), count(CASE WHEN enrolled >= ?2 THEN 1 END) FROM devices WHERE user_id = ?1")?
        .query_row(params![user.0, int("a time", since)?], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if has < most && new < lately {
        Ok(())
    } else {
        Err(Fault::Exists("a device in the last place"))
    }
}

pub(super) fn add_replay(connection: &Connection, replay: &Replay) -> Result<(), Fault> {
    add(
        connection,
        "the reply",
        "INSERT INTO replays (device, nonce, digest, sealed_reply, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            replay.device.0,
            replay.nonce,
            replay.digest,
            replay.sealed_reply,
            int("a reply's end", replay.expires)?
        ],
    )
}

pub(super) fn purge(connection: &Connection, now: u64) -> Result<(), Fault> {
    let now = int("the time", now)?;
    run(connection, "DELETE FROM replays WHERE expires < ?1", [now])?;
    let sql = "UPDATE ceremonies SET sealed = x'' WHERE expires < ?1 AND sealed != x''";
    run(connection, sql, [now])?;
    let yesterday = now.saturating_sub(DAY);
    run(connection, "DELETE FROM ceremonies WHERE expires < ?1", [yesterday])?;
    run(connection, "DELETE FROM invitations WHERE expires < ?1", [yesterday])?;
    let tip: Option<i64> = connection
        .prepare_cached("SELECT max(height) FROM blocks")?
        .query_row([], |row| row.get(0))?;
    tip.map_or(Ok(()), |tip| forget_settled(connection, tip - DEEP))
}
