//! What the operator may see: who there is, which wallets and devices they have, and whether a wallet's log is whole. Names
//! that people gave their wallets, amounts, addresses, transactions and everything sealed stay out of it.

use twofold_api::{
    Reason, Refusal,
    audit::{AuditFault, ChainHead, Entry, verify},
    reply::{AuditLine, Standing},
};
use twofold_threshold::id::{DeviceId, WalletId};

use crate::{
    Cosigner,
    port::{
        Clock,
        chain::Chain,
        record::{self, User, UserId},
        store::{Counts, Store},
    },
    rpc::join::ISSUER,
    wallet::Owned,
};

/// Most rows of one answer.
const PAGE: u32 = 100;
/// Most entries of a log in one answer.
const ENTRIES: u32 = 250;

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSeen {
    /// Our name for the user.
    pub user: UserId,
    /// Who vouches.
    pub issuer: String,
    /// For whom; none for an invitation, which names nobody.
    pub subject: Option<String>,
    /// Their devices.
    pub devices: u32,
    /// Their wallets.
    pub wallets: u32,
}

/// A wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletSeen {
    /// The wallet.
    pub wallet: WalletId,
    /// Whose it is.
    pub user: UserId,
    /// How it stands: `pending`, `active`, `frozen`, `fenced`; or `unmade` or `tampered`, and then nothing below is known.
    pub standing: &'static str,
    /// Its epoch.
    pub epoch: u32,
    /// How many devices are on its list.
    pub devices: u32,
    /// How many entries its log has.
    pub entries: u64,
    /// How many changes wait.
    pub waiting: u32,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSeen {
    /// The device.
    pub device: DeviceId,
    /// Whose it is.
    pub user: UserId,
    /// What the person calls it.
    pub name: String,
    /// When it joined, in seconds since 1970.
    pub enrolled: u64,
}

/// A piece of a wallet's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSeen {
    /// Its entries, each with its number.
    pub entries: Vec<(u64, Entry)>,
    /// Where it goes on; none: that was all, and it ends where the wallet's record says.
    pub next: Option<ChainHead>,
}

/// Why a log can't be shown as whole.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum LogFault {
    /// The wallet or its log can't be read.
    #[error(transparent)]
    Unread(#[from] Refusal),
    /// It was changed.
    #[error(transparent)]
    Changed(#[from] AuditFault),
    /// It has no end.
    #[error("the log ends at entry {found}, and the wallet's record at {expected}: entries were cut off")]
    Cut {
        /// The last entry that the record knows.
        expected: u64,
        /// The last that is there.
        found: u64,
    },
    /// It has another end.
    #[error("the log ends in another entry {0} than the wallet's record: one of the two was put there")]
    Other(u64),
}

/// Rows and the last one's name, where more may follow.
fn page<R, N>(rows: &[R], limit: u32, name: impl Fn(&R) -> N) -> Option<N> {
    let full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    rows.last().map(name).filter(|_| full)
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Users in order of their ids, from the one after `after` on, at most `limit`, and the one to go on after.
    pub async fn users_seen(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<(Vec<UserSeen>, Option<UserId>), Refusal> {
        let limit = limit.clamp(1, PAGE);
        let rows = self.store.users(after, limit).await?;
        let next = page(&rows, limit, |row| row.id);
        let mut seen = Vec::with_capacity(rows.len());
        for User { id, issuer, subject } in rows {
            seen.push(UserSeen {
                user: id,
                // Of an invitation's code nobody needs even the hash.
                subject: (issuer != ISSUER).then_some(subject),
                issuer,
                devices: self.store.device_count(id).await?,
                wallets: self.store.wallet_count(id).await?,
            });
        }
        Ok((seen, next))
    }

    /// Wallets, of one user or of all, in order of their ids, from the one after `after` on, at most `limit`, and the one to
    /// go on after.
    pub async fn wallets_seen(
        &self,
        user: Option<UserId>,
        after: Option<WalletId>,
        limit: u32,
    ) -> Result<(Vec<WalletSeen>, Option<WalletId>), Refusal> {
        let limit = limit.clamp(1, PAGE);
        let rows = self.store.wallets(user, after, limit).await?;
        let next = page(&rows, limit, |row| row.id);
        let mut seen = Vec::with_capacity(rows.len());
        for row in rows {
            let nothing = unknown(&row);
            seen.push(match self.load_or_read_again(row).await {
                Ok(owned) => known(&owned),
                Err(_) => nothing,
            });
        }
        Ok((seen, next))
    }

    /// Devices, of one user or of all, in order of their ids, from the one after `after` on, at most `limit`, and the one to
    /// go on after.
    pub async fn devices_seen(
        &self,
        user: Option<UserId>,
        after: Option<DeviceId>,
        limit: u32,
    ) -> Result<(Vec<DeviceSeen>, Option<DeviceId>), Refusal> {
        let limit = limit.clamp(1, PAGE);
        let rows = self.store.devices(user, after, limit).await?;
        let next = page(&rows, limit, |row| row.id);
        let seen = rows.into_iter().map(|row| DeviceSeen {
            device: row.id,
            user: row.user,
            name: row.name,
            enrolled: row.enrolled,
        });
        Ok((seen.collect(), next))
    }

    /// How much there is of everything, and the best block that was read.
    pub async fn counted(&self) -> Result<(Counts, u32), Refusal> {
        let counts = self.store.counts(self.now()).await?;
        let tip = self.store.tip().await?;
        Ok((counts, tip.map_or(0, |tip| tip.height)))
    }

    /// A piece of a wallet's log, verified from where the piece before it ended, and in the end against the wallet's record,
    /// which the KEK authenticates.
    pub async fn log_seen(&self, wallet: WalletId, from: ChainHead) -> Result<LogSeen, LogFault> {
        let row = self.store.wallet(wallet).await.map_err(Refusal::from)?;
        let row = row.ok_or_else(|| Refusal::from(Reason::WalletNotFound))?;
        let head = self.load_or_read_again(row).await?.state().head();
        let rows = self.store.audit(wallet, from.seq.saturating_add(1), ENTRIES).await;
        let rows = rows.map_err(Refusal::from)?.into_iter();
        let lines: Vec<_> = rows
            // What was written since the record was read is past its end.
            .filter(|row| row.seq <= head.seq)
            .map(|row| AuditLine {
                seq: row.seq,
                entry: row.entry,
                chain: row.chain,
            })
            .collect();
        let (reached, entries) = verify(wallet, from, &lines)?;
        let numbers = from.seq.saturating_add(1)..;
        let entries = numbers.zip(entries).collect();
        if reached.seq >= head.seq {
            return if reached == head {
                Ok(LogSeen { entries, next: None })
            } else {
                Err(LogFault::Other(head.seq))
            };
        }
        if reached == from {
            return Err(LogFault::Cut {
                expected: head.seq,
                found: from.seq,
            });
        }
        Ok(LogSeen {
            entries,
            next: Some(reached),
        })
    }
}

fn known(owned: &Owned) -> WalletSeen {
    let state = owned.state();
    let devices = u32::try_from(state.shape.names().len()).unwrap_or(u32::MAX);
    WalletSeen {
        wallet: owned.id(),
        user: owned.row().user,
        standing: match owned.line().standing {
            Standing::Pending => "pending",
            Standing::Active => "active",
            Standing::Fenced => "fenced",
            Standing::Frozen => "frozen",
        },
        epoch: state.epoch().number,
        // A wallet from before there could be more than one keeps no list beside the signed one.
        devices: devices.max(1),
        entries: state.head().seq,
        waiting: state.shape.waiting.len(),
    }
}

/// Of a row whose record is not there yet, or does not authenticate.
const fn unknown(row: &record::Wallet) -> WalletSeen {
    WalletSeen {
        wallet: row.id,
        user: row.user,
        standing: if row.public.is_none() { "unmade" } else { "tampered" },
        epoch: 0,
        devices: 0,
        entries: 0,
        waiting: 0,
    }
}
