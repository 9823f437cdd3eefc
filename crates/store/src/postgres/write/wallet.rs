//! A wallet's own rows: state, shares, ceremonies, audit, charges, signatures given out.

use twofold_cosigner::port::record::{AuditEntry, Ceremony, Chains, ChargeGroup, Issued, Share, Wallet};
use twofold_threshold::id::{CeremonyId, KeyKind, WalletId};

use super::{Miss, Step, with};
use crate::{
    fault::{Fault, int},
    list,
};

pub(super) fn expect(wallet: &WalletId, version: u64) -> Result<Step<'_>, Fault> {
    Ok(Step::must(
        "UPDATE wallets SET version = version + 1 WHERE id = $1 AND version = $2",
        with![&wallet.0, int("a version", version)?],
        Miss::Conflict(*wallet),
    ))
}

/// Replaces a wallet's row whose version is the expected one.
pub(super) fn update(wallet: &Wallet, expected: u64) -> Result<Step<'_>, Fault> {
    Ok(Step::must(
        "UPDATE wallets SET version = version + 1, name = $3, birthday = $4, state = $5, public = $6
         WHERE id = $1 AND version = $2",
        with![
            &wallet.id.0,
            int("a version", expected)?,
            &wallet.name,
            wallet.birthday,
            &wallet.state,
            wallet.public.as_ref(),
        ],
        Miss::Conflict(wallet.id),
    ))
}

pub(super) fn put_chains(chains: &Chains) -> Result<Step<'_>, Fault> {
    Ok(Step::any(
        "INSERT INTO wallet_chains (wallet, device_list, package) VALUES ($1, $2, $3)
         ON CONFLICT (wallet) DO UPDATE SET device_list = excluded.device_list, package = excluded.package",
        with![
            &chains.wallet.0,
            list::pack(&chains.device_list)?,
            list::pack(&chains.package)?,
        ],
    ))
}

/// The user's row is held, so that two new wallets of one user get different numbers.
pub(super) fn add(wallet: &Wallet) -> Result<[Step<'_>; 2], Fault> {
    Ok([
        Step::any(
            "SELECT 1::bigint FROM users WHERE id = $1 FOR NO KEY UPDATE",
            with![&wallet.user.0],
        ),
        Step::add(
            "the wallet",
            "INSERT INTO wallets (id, user_id, number, name, version, birthday, state, public)
             VALUES ($1, $2, (SELECT coalesce(max(number), 0) + 1 FROM wallets WHERE user_id = $2), $3, $4, $5, $6, $7)
             ON CONFLICT DO NOTHING",
            with![
                &wallet.id.0,
                &wallet.user.0,
                &wallet.name,
                int("a version", wallet.version)?,
                wallet.birthday,
                &wallet.state,
                wallet.public.as_ref(),
            ],
        ),
    ])
}

pub(super) fn add_share(share: &Share) -> Step<'_> {
    Step::add(
        "the share",
        "INSERT INTO shares (wallet, kind, epoch, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        with![&share.wallet.0, share.kind.number(), share.epoch, &share.sealed],
    )
}

pub(super) fn reseal_share(share: &Share) -> Step<'_> {
    Step::any(
        "UPDATE shares SET sealed = $4 WHERE wallet = $1 AND kind = $2 AND epoch = $3",
        with![&share.wallet.0, share.kind.number(), share.epoch, &share.sealed],
    )
}

pub(super) fn erase_share(wallet: &WalletId, kind: KeyKind, epoch: u32) -> Step<'_> {
    Step::any(
        "DELETE FROM shares WHERE wallet = $1 AND kind = $2 AND epoch = $3",
        with![&wallet.0, kind.number(), epoch],
    )
}

pub(super) fn put_ceremony(ceremony: &Ceremony) -> Result<[Step<'_>; 2], Fault> {
    Ok([
        Step::any(
            "DELETE FROM ceremonies WHERE wallet = $1 AND user_id = $2",
            with![&ceremony.wallet.0, &ceremony.user.0],
        ),
        Step::add(
            "the ceremony",
            "INSERT INTO ceremonies (id, wallet, user_id, expires, sealed, public) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT DO NOTHING",
            with![
                &ceremony.id.0,
                &ceremony.wallet.0,
                &ceremony.user.0,
                int("a ceremony's end", ceremony.expires)?,
                &ceremony.sealed,
                &ceremony.public,
            ],
        ),
    ])
}

pub(super) fn end_ceremony(id: &CeremonyId) -> Step<'_> {
    Step::any("DELETE FROM ceremonies WHERE id = $1", with![&id.0])
}

pub(super) fn audit(entry: &AuditEntry) -> Result<Step<'_>, Fault> {
    Ok(Step::add(
        "the audit entry",
        "INSERT INTO audit (wallet, seq, entry, chain) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        with![
            &entry.wallet.0,
            int("a sequence number", entry.seq)?,
            &entry.entry,
            &entry.chain,
        ],
    ))
}

pub(super) fn put_charge(charge: &ChargeGroup) -> Step<'_> {
    Step::any(
        "INSERT INTO charges (wallet, outpoint, asset, amount, mac) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (wallet, outpoint, asset) DO UPDATE SET amount = excluded.amount, mac = excluded.mac",
        with![
            &charge.wallet.0,
            &charge.outpoint,
            &charge.asset,
            charge.amount.cast_signed(),
            &charge.mac,
        ],
    )
}

/// What the row of before says it spends goes, but for what it still spends.
pub(super) fn put_issued(issued: &Issued) -> Result<Step<'_>, Fault> {
    Ok(Step::any(
        "WITH forgotten AS (
             DELETE FROM spent_by_issued s
             USING (SELECT substring(outpoints FROM 36 * n + 1 FOR 36) AS outpoint
                    FROM issued, generate_series(0, length(outpoints) / 36 - 1) n
                    WHERE wallet = $1 AND txid = $2) old
             WHERE s.wallet = $1 AND s.txid = $2 AND s.outpoint = old.outpoint AND NOT old.outpoint = ANY ($5)
         ), put AS (
             INSERT INTO issued (wallet, txid, outpoints, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (wallet, txid) DO UPDATE SET outpoints = excluded.outpoints, at = excluded.at
         )
         INSERT INTO spent_by_issued (wallet, outpoint, txid)
         SELECT $1, spent, $2 FROM unnest($5::bytea[]) spent ON CONFLICT DO NOTHING",
        with![
            &issued.wallet.0,
            &issued.txid,
            issued.outpoints.concat(),
            int("a time", issued.at)?,
            issued.outpoints.as_slice(),
        ],
    ))
}

/// Forgets transactions that were settled so deep that nothing brings them back.
pub(super) fn forget_settled<'a>() -> Step<'a> {
    Step::any(
        "WITH deep AS (
             DELETE FROM issued WHERE settled <= (SELECT max(height) - 1000 FROM blocks)
             RETURNING wallet, txid, outpoints
         )
         DELETE FROM spent_by_issued s
         USING (SELECT wallet, txid, substring(outpoints FROM 36 * n + 1 FOR 36) AS outpoint
                FROM deep, generate_series(0, length(outpoints) / 36 - 1) n) old
         WHERE s.wallet = old.wallet AND s.outpoint = old.outpoint AND s.txid = old.txid",
        Vec::new(),
    )
}
