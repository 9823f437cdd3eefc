//! The lifts of fences that a log tells of.

use twofold_api::audit::{Entry, Event};
use twofold_threshold::checkpoint::Head;

use crate::fault::Breach;

/// Lifts, by the generation that each opens.
#[derive(Debug, Default)]
pub(super) struct Lifts(Vec<Opened>);

#[derive(Debug, Clone, Copy)]
struct Opened {
    generation: u32,
    fork: u64,
    epoch: u32,
}

impl Lifts {
    pub(super) fn of(entries: &[Entry]) -> Self {
        let opened = entries.iter().filter_map(|entry| match &entry.event {
            Event::Lifted {
                generation,
                fork,
                epoch,
                ..
            } => Some(Opened {
                generation: *generation,
                fork: *fork,
                epoch: epoch.number,
            }),
            _ => None,
        });
        Self(opened.collect())
    }

    /// Whether a generation is the one before or was opened by an entry. A lift may skip numbers, and none comes back.
    pub(super) fn lead(&self, from: u32, to: u32) -> Result<(), Breach> {
        let grows = self.0.is_sorted_by(|one, next| one.generation < next.generation);
        if grows && self.0.last().map_or(from, |lift| lift.generation) == to && from <= to {
            Ok(())
        } else {
            Err(Breach::NoLift { shows: to })
        }
    }

    /// Whether a head that the log lacks was given up by lifts on the way to a generation, none of them behind its epoch.
    pub(super) fn forget(&self, known: &Head, to: u32) -> bool {
        let later: Vec<_> = self
            .0
            .iter()
            .filter(|lift| lift.generation > known.generation)
            .collect();
        known.generation < to && !later.is_empty() && later.iter().all(|lift| lift.epoch >= known.epoch.number)
    }

    /// Where the log that was lost last parts from this one.
    pub(super) fn fork(&self) -> u64 {
        self.0.last().map_or(0, |lift| lift.fork)
    }
}

#[cfg(test)]
mod tests;
