//! What every reply carries: the server's seal key, and how far the wallet's log has come.

use twofold_api::reply;
use twofold_api::seal_key::Offer;
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::id::WalletId;

use super::Session;
use crate::fault::{Breach, Fault};

/// Something a person should know that did not stop the call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The server shows less of the wallet's log than it had confirmed. Reading goes on; signing does not.
    RolledBack {
        /// The wallet.
        wallet: WalletId,
        /// The sequence number this machine has proof of.
        had: u64,
        /// The one the server shows.
        shows: u64,
    },
    /// The server shows another log of the wallet than the one it had confirmed: a fenced server does, from the fence on.
    /// Reading goes on; signing does not.
    Forked {
        /// The wallet.
        wallet: WalletId,
        /// Where they part, at the latest.
        seq: u64,
    },
    /// The wallet's log goes on for longer than is read at once. Reading goes on; signing does not.
    LogUnread {
        /// The wallet.
        wallet: WalletId,
    },
    /// A fence was lifted: the log that this machine had ends, and another goes on from before its end.
    Lifted {
        /// The wallet.
        wallet: WalletId,
        /// The last entry that is in both.
        fork: u64,
        /// The last entry that this machine has proof of.
        had: u64,
    },
    /// Changes of the wallet's devices, or of what it may do, wait for their time, and any device can cancel them.
    ChangesWait {
        /// The wallet.
        wallet: WalletId,
        /// How many.
        count: u32,
    },
    /// This machine's clock is off by so many seconds; requests are signed with the server's time.
    ClockOff {
        /// The server's clock minus ours.
        seconds: i64,
    },
}

impl core::fmt::Display for Notice {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::RolledBack { had, shows, .. } => write!(
                f,
                "the server was rolled back: it had confirmed entry {had} of this wallet's log and now shows {shows}; \
                 signing is refused until that is settled. Ask the operator"
            ),
            Self::Forked { seq, .. } => write!(
                f,
                "entry {seq} of this wallet's log is another than the server had confirmed; signing is refused until that \
                 is settled. Ask the operator"
            ),
            Self::LogUnread { .. } => write!(f, "{}", Breach::LogUnread),
            Self::Lifted { fork, had, .. } => write!(
                f,
                "the server was restored from a backup and its fence lifted; entries {} to {had} of this wallet's log are \
                 lost there. Look at the history, and at twofold audit verify",
                fork.saturating_add(1)
            ),
            Self::ChangesWait { count, .. } => write!(
                f,
                "{count} change{} of this wallet's devices or of what it may do wait{}; look, and cancel what you do not \
                 know: twofold pending",
                if *count == 1 { "" } else { "s" },
                if *count == 1 { "s" } else { "" },
            ),
            Self::ClockOff { seconds } => {
                write!(
                    f,
                    "this machine's clock is {} seconds off; set it right",
                    seconds.unsigned_abs()
                )
            }
        }
    }
}

/// Notices since they were last taken.
#[derive(Debug, Default)]
pub(crate) struct Notices(Vec<Notice>);

impl Notices {
    /// Adds one, once.
    pub(crate) fn add(&mut self, notice: Notice) {
        if !self.0.contains(&notice) {
            self.0.push(notice);
        }
    }

    /// Takes them all.
    pub(crate) fn take(&mut self) -> Vec<Notice> {
        core::mem::take(&mut self.0)
    }
}

/// Whether a call may go on with a server that is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caution {
    /// It only reads: say so and go on.
    Notice,
    /// It changes something: stop.
    Stop,
}

impl Session {
    /// Takes a seal key that comes with a reply, if the server signed it.
    pub(super) fn take_offer(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let offer = Offer::parse(bytes).map_err(|_| Breach::SealKey)?;
        let key = offer.verify(&self.server).map_err(|_| Breach::SealKey)?;
        self.note_seal_key(key);
        Ok(())
    }

    /// Checks a reply's head. `known` is the newest checkpoint this machine holds for the wallet; what comes back is the
    /// one to hold from now on.
    pub(crate) fn check_head(
        &mut self,
        head: &reply::Head,
        wallet: Option<WalletId>,
        known: Option<&Checkpoint>,
        caution: Caution,
    ) -> Result<Option<Checkpoint>, Fault> {
        self.take_offer(&head.seal_key)?;
        if let (Some(wallet), count @ 1..) = (wallet, head.waiting) {
            self.notices.add(Notice::ChangesWait { wallet, count });
        }
        let (wallet, bytes) = match (wallet, &head.checkpoint) {
            (Some(wallet), Some(bytes)) => (wallet, bytes),
            // Who has confirmed something can't stop saying where the log stands.
            (Some(_), None) if known.is_some() => return Err(Breach::Checkpoint.into()),
            _ => return Ok(None),
        };
        let shown = Checkpoint::try_from(bytes.as_slice()).map_err(|_| Breach::Checkpoint)?;
        match newer(&shown, known, wallet, &self.server) {
            Ok(()) => Ok(Some(shown)),
            Err(Breach::RolledBack { had, shows }) if caution == Caution::Notice => {
                self.notices.add(Notice::RolledBack { wallet, had, shows });
                Ok(None)
            }
            Err(Breach::Forked { seq }) if caution == Caution::Notice => {
                self.notices.add(Notice::Forked { wallet, seq });
                Ok(None)
            }
            Err(breach) => Err(breach.into()),
        }
    }
}

/// Whether a checkpoint can follow the one that is known: the log only grows, but for the lift of a fence, which opens
/// another generation and may have forgotten what came before, though no refresh. That it *does* follow, or that there was
/// such a lift, is for the log itself to show (`audit.rs`).
fn newer(
    shown: &Checkpoint,
    known: Option<&Checkpoint>,
    wallet: WalletId,
    server: &twofold_threshold::identity::IdentityKey,
) -> Result<(), Breach> {
    let new = shown.verify(server).map_err(|_| Breach::Checkpoint)?;
    if new.wallet != wallet {
        return Err(Breach::Checkpoint);
    }
    let old = match known {
        Some(known) => Some(known.verify(server).map_err(|_| Breach::Checkpoint)?),
        None => None,
    };
    let Some(old) = old else { return Ok(()) };
    if new.generation > old.generation {
        return if new.epoch.number < old.epoch.number {
            Err(Breach::LiftedBehind {
                had: old.epoch.number,
                shows: new.epoch.number,
            })
        } else {
            Ok(())
        };
    }
    let back = Breach::RolledBack {
        had: old.seq,
        shows: new.seq,
    };
    if new.generation < old.generation || new.epoch.number < old.epoch.number {
        return Err(back);
    }
    if new.seq < old.seq {
        return Err(back);
    }
    if new.seq == old.seq && (new.chain != old.chain || new.epoch != old.epoch || new.list != old.list) {
        return Err(Breach::Forked { seq: new.seq });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
