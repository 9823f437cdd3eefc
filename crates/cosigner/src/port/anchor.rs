//! A record outside the database and outside its backups, of what no backup may take back.

use std::{fmt, future::Future, pin::Pin};

use twofold_threshold::id::{EpochId, WalletId};

/// Where a wallet stands after a refresh, a change of its device list, or a freeze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The wallet.
    pub wallet: WalletId,
    /// Its epoch.
    pub epoch: EpochId,
    /// Hash of its device list's last entry.
    pub list: [u8; 32],
    /// Whether it is frozen.
    pub frozen: bool,
}

/// Why the anchor can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorFault {
    /// It can't be read or written now; nothing was appended.
    #[error("the anchor is unavailable: {0}")]
    Unavailable(String),
    /// It holds what was not written there.
    #[error("the anchor is damaged: {0}")]
    Damaged(String),
}

/// What an append comes to.
pub type Appended<'a> = Pin<Box<dyn Future<Output = Result<(), AnchorFault>> + Send + 'a>>;

/// Lines that are only ever appended, one process at a time. What a line says is the cosigner's business.
pub trait Anchor: fmt::Debug + Send + Sync + 'static {
    /// Appends a line without a line feed in it. `Ok` once it survives any crash.
    fn append(&self, line: String) -> Appended<'_>;
    /// Every line, the oldest first. One that a crash cut short was never answered for, and is none.
    fn lines(&self) -> Result<Vec<String>, AnchorFault>;
}
