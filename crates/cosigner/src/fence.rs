//! Why a wallet's signing stops, and what it takes to lift that.
//!
//! A wallet is fenced where the server may have forgotten something: it was restored from a backup, or a device showed a
//! checkpoint that its chain lacks. The fence is part of the wallet's state record and writes no entry of the audit chain:
//! so the chain stays a beginning of the one that was lost, and a device that has the rest can bring it back. What was
//! known of the fence is logged when it is lifted.

use serde::{Deserialize, Serialize};
use twofold_api::audit::{Event, Lift};
use twofold_threshold::id::DeviceId;

use crate::{
    Cosigner,
    port::{Clock, chain::Chain, store::Store},
    rpc::ASSET,
    wallet::Change,
};

/// A fence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fence {
    /// The server was restored from a backup.
    pub(crate) restored: bool,
    /// The furthest checkpoint that a device showed and the chain lacks.
    pub(crate) seen: Option<Seen>,
    /// Since when, in seconds since 1970, by a time that is surely over.
    pub(crate) since: u64,
    /// The operator's word that it may be lifted.
    pub(crate) decision: Option<Decision>,
    /// The devices whose person said yes.
    pub(crate) agreed: Vec<[u8; 32]>,
}

/// A checkpoint that the server signed and lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// The device that showed it.
    pub(crate) device: [u8; 32],
    /// Its generation.
    pub(crate) generation: u32,
    /// Its number.
    pub(crate) seq: u64,
    /// Its hash.
    pub(crate) chain: [u8; 32],
    /// Its epoch's number.
    pub(crate) epoch: u32,
}

/// What the operator decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    /// In seconds since 1970.
    pub(crate) at: u64,
    /// Why.
    pub(crate) reason: String,
}

impl Fence {
    /// The fence of a wallet whose server was restored.
    pub(crate) const fn restored(since: u64) -> Self {
        Self {
            restored: true,
            seen: None,
            since,
            decision: None,
            agreed: Vec::new(),
        }
    }

    /// The fence of a wallet whose device has seen more.
    pub(crate) const fn shown(seen: Seen, since: u64) -> Self {
        Self {
            restored: false,
            seen: Some(seen),
            since,
            decision: None,
            agreed: Vec::new(),
        }
    }

    /// Takes in another checkpoint that the chain lacks; whether it says more than those before. Newer evidence undoes
    /// what was agreed on without it, and the time begins anew. `ours` is the wallet's own epoch.
    pub(crate) fn see(&mut self, seen: Seen, ours: u32, now: u64) -> bool {
        let further = |old: &Seen| (seen.epoch, seen.generation, seen.seq) > (old.epoch, old.generation, old.seq);
        if !self.seen.as_ref().is_none_or(further) {
            return false;
        }
        // What was spent is covered by limits that count as spent; what shares there are is not.
        if seen.epoch > self.seen.as_ref().map_or(ours, |old| old.epoch) {
            self.decision = None;
            self.agreed.clear();
        }
        self.since = self.since.max(now);
        self.seen = Some(seen);
        true
    }
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Lifts a wallet's fence: the next generation begins, and nothing is left to spend of the window that is open.
    pub(crate) fn lift(&self, change: &mut Change, by: Lift) {
        let (fork, now) = (change.state.head().seq, self.time.now());
        let seen = change.state.fence.take().and_then(|fence| fence.seen);
        change.state.generation = change.state.generation.saturating_add(1);
        change.state.exhaust(ASSET, self.time.counted());
        if let Some(seen) = seen {
            let event = Event::Fenced {
                device: DeviceId(seen.device),
                generation: seen.generation,
                seq: seen.seq,
                chain: seen.chain,
            };
            change.log(now, event);
        }
        let event = Event::Lifted {
            generation: change.state.generation,
            fork,
            epoch: change.state.epoch(),
            by,
        };
        change.log(now, event);
    }
}

#[cfg(test)]
mod tests;
