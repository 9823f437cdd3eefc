//! Telling a wallet's owner of what waits in other ways than by the wallet's own devices, which hear of it at their next
//! contact: by mail, by a webhook, or by the operator's log.

use std::fmt;

use twofold_api::reply;
use twofold_threshold::id::WalletId;

use super::record::UserId;

/// Something was asked for and waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whose wallet.
    pub user: UserId,
    /// Which.
    pub wallet: WalletId,
    /// What was asked for, by whom, and when its time comes.
    pub waiting: reply::Waiting,
}

/// Passes notices on.
pub trait Notices: fmt::Debug + Send + Sync + 'static {
    /// Takes one, once it is durable that the change waits, and returns at once: what takes time happens elsewhere. A crash
    /// in between loses it, so no wait is shorter for it.
    fn post(&self, notice: Notice);
}

/// Into the log, where an operator's own tools find them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Logged;

impl Notices for Logged {
    fn post(&self, notice: Notice) {
        let Notice { wallet, waiting, .. } = notice;
        let needs_operator = waiting.operator == reply::Operator::Needed;
        tracing::info!(%wallet, change = waiting.change, what = waiting.what, due = waiting.due, needs_operator, "a change waits");
    }
}
