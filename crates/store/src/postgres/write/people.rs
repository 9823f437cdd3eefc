//! Users, devices, invitations, recorded replies, and what the server keeps about itself.

use twofold_cosigner::port::record::{Device, Invitation, Replay, User, UserId};
use twofold_threshold::id::DeviceId;

use super::{Miss, Step, wallet::forget_settled, with};
use crate::fault::{Fault, int};

const DAY: i64 = 24 * 60 * 60;

pub(super) fn server_secret<'a>(name: &'a str, sealed: &'a Vec<u8>) -> Step<'a> {
    Step::any(
        "INSERT INTO server_secrets (name, sealed) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed",
        with![name, sealed],
    )
}

pub(super) fn raise_counter(name: &str, value: u64) -> Result<Step<'_>, Fault> {
    Ok(Step::any(
        "INSERT INTO counters (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE counters.value < excluded.value",
        with![name, int("a counter", value)?],
    ))
}

pub(super) fn add_invitation(invitation: &Invitation) -> Result<Step<'_>, Fault> {
    Ok(Step::add(
        "the invitation",
        "INSERT INTO invitations (code_hash, expires, used_by, wallet) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        with![
            &invitation.code_hash,
            int("an invitation's end", invitation.expires)?,
            invitation.used_by.as_ref().map(|device| &device.0),
            invitation.wallet.as_ref().map(|wallet| &wallet.0),
        ],
    ))
}

pub(super) fn use_invitation<'a>(code_hash: &'a [u8; 32], by: &'a DeviceId) -> Step<'a> {
    Step::must(
        "UPDATE invitations SET used_by = $2 WHERE code_hash = $1 AND used_by IS NULL",
        with![code_hash, &by.0],
        Miss::Exists("the invitation's use"),
    )
}

pub(super) fn add_user(user: &User) -> Step<'_> {
    Step::add(
        "the user",
        "INSERT INTO users (id, issuer, subject) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        with![&user.id.0, &user.issuer, &user.subject],
    )
}

pub(super) fn add_device(device: &Device) -> Result<Step<'_>, Fault> {
    Ok(Step::add(
        "the device",
        "INSERT INTO devices (id, identity, user_id, name, enrolled) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        with![
            &device.id.0,
            &device.identity,
            &device.user.0,
            &device.name,
            int("a time", device.enrolled)?,
        ],
    ))
}

pub(super) fn remove_device(device: &DeviceId) -> Step<'_> {
    Step::any("DELETE FROM devices WHERE id = $1", with![&device.0])
}

/// The second statement sees what was committed while the first one waited for whoever held the user.
pub(super) fn room_for_device(user: &UserId, most: u32, (since, lately): (u64, u32)) -> Result<[Step<'_>; 2], Fault> {
    Ok([
        Step::any(
            "SELECT 1::bigint FROM users WHERE id = $1 FOR NO KEY UPDATE",
            with![&user.0],
        ),
        Step::must(
            "SELECT 1::bigint WHERE (SELECT count(*) FROM devices WHERE user_id = $1) < $2
             AND (SELECT count(*) FROM devices WHERE user_id = $1 AND enrolled >= $3) < $4",
            with![&user.0, most, int("a time", since)?, lately],
            Miss::Exists("a device in the last place"),
        ),
    ])
}

pub(super) fn add_replay(replay: &Replay) -> Result<Step<'_>, Fault> {
    Ok(Step::add(
        "the reply",
        "INSERT INTO replays (device, nonce, digest, sealed_reply, expires) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        with![
            &replay.device.0,
            &replay.nonce,
            &replay.digest,
            &replay.sealed_reply,
            int("a reply's end", replay.expires)?,
        ],
    ))
}

pub(super) fn purge<'a>(now: u64) -> Result<[Step<'a>; 6], Fault> {
    let now = int("the time", now)?;
    let yesterday = now.saturating_sub(DAY);
    Ok([
        Step::any("DELETE FROM replays WHERE expires < $1", with![now]),
        Step::any(
            "UPDATE ceremonies SET sealed = '' WHERE expires < $1 AND sealed != ''",
            with![now],
        ),
        Step::any("DELETE FROM ceremonies WHERE expires < $1", with![yesterday]),
        Step::any("DELETE FROM invitations WHERE expires < $1", with![yesterday]),
        forget_settled(),
        Step::any(
            "DELETE FROM twofold_commits WHERE at < now() - interval '1 hour'",
            Vec::new(),
        ),
    ])
}
