//! Whether a pair may still be used: one answer for all that a process has of it, and what the caller keeps for good.

use alloc::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    vec::Vec,
};
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::PairId;
use crate::{Fault, FaultKind, id::Party};

/// What the caller's durable list of ended pairs says of one pair, read for this very step.
///
/// The list lies beside the sealed record of the pair, not in it: whoever puts an older record back does not end a ban.
/// [`SignFault::Quarantined`](super::super::SignFault::Quarantined) is written to it, and synced, before the caller answers
/// anything; it is read when a record is opened and again at the second judgement. Where several processes use one record,
/// the caller lets one of them at a time take a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Standing {
    pair: PairId,
    ended: bool,
}

impl Standing {
    /// Of `pair`: whether the list has it.
    pub const fn read(pair: PairId, ended: bool) -> Self {
        Self { pair, ended }
    }

    /// Whether it is ended; what was read of another pair says nothing of `pair`.
    pub(super) fn ended(self, pair: PairId) -> Result<bool, Fault> {
        if self.pair == pair {
            Ok(self.ended)
        } else {
            Err(FaultKind::Internal.into())
        }
    }
}

/// One side of one pair, for every load of its record and every session.
pub(super) struct State {
    registry: &'static Registry,
    /// A proof of the other's failed.
    ended: AtomicBool,
    /// Held through each step.
    step: Mutex<()>,
}

impl State {
    pub(super) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    pub(super) fn end(self: &Arc<Self>) {
        if !self.ended.swap(true, Ordering::SeqCst) {
            self.registry.keep(self);
        }
    }

    /// Waits until no other step is taken. A step that panicked leaves nothing to go on with.
    pub(super) fn alone(&self) -> Result<MutexGuard<'_, ()>, Fault> {
        self.step.lock().map_err(|_| FaultKind::Internal.into())
    }
}

/// The pairs that a process has. What is alive in it is counted, what has ended stays: a name and two flags for each cheat
/// that somebody went through a set-up for.
pub(in crate::ecdsa) struct Registry(Mutex<Known>);

struct Known {
    alive: BTreeMap<(PairId, Party), Weak<State>>,
    ended: Vec<Arc<State>>,
}

/// This process's.
pub(super) static PROCESS: Registry = Registry::new();

impl Registry {
    pub(in crate::ecdsa) const fn new() -> Self {
        Self(Mutex::new(Known {
            alive: BTreeMap::new(),
            ended: Vec::new(),
        }))
    }

    /// Nothing in here panics half-way.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one state of `me`'s side of `id`.
    pub(super) fn state(&'static self, id: PairId, me: Party) -> Arc<State> {
        let mut known = self.known();
        if let Some(state) = known.alive.get(&(id, me)).and_then(Weak::upgrade) {
            return state;
        }
        known.alive.retain(|_, state| state.strong_count() > 0);
        let state = Arc::new(State {
            registry: self,
            ended: AtomicBool::new(false),
            step: Mutex::new(()),
        });
        known.alive.insert((id, me), Arc::downgrade(&state));
        state
    }

    /// A ban is not forgotten with the last who used the pair: the caller may not have written it down yet.
    fn keep(&self, state: &Arc<State>) {
        self.known().ended.push(Arc::clone(state));
    }

    #[cfg(test)]
    pub(in crate::ecdsa) fn len(&self) -> usize {
        self.known().alive.len()
    }
}
