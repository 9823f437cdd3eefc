//! What the server has, held against what the book says.

use twofold_cosigner::testing::Looked;
use twofold_threshold::device_list::Origin;
use twofold_threshold::id::DeviceId;

use super::{BLANK, Book};

impl Book {
    /// Holds what the server has against this, and takes over what only the server could know.
    /// `resealed` is how many fresh sealing keys the device that acts has taken meanwhile: it may at any contact.
    pub(crate) fn holds(&mut self, looked: &Looked, heads: &[[u8; 32]], resealed: &[DeviceId]) -> Result<(), String> {
        let grown = usize::try_from(looked.list.len()).unwrap_or(usize::MAX);
        for _ in 0..resealed.len().min(grown.saturating_sub(self.heads.len())) {
            self.heads.push(BLANK);
        }
        let same = |what: &str, one: String, other: String| {
            if one == other {
                Ok(())
            } else {
                Err(format!("{what}: expected {one}, the server has {other}"))
            }
        };
        let epoch = self.path.last_mut().expect("never empty");
        if epoch.transcript == BLANK && epoch.number == looked.epoch.number {
            *epoch = looked.epoch;
        }
        same("epoch", format!("{:?}", self.epoch()), format!("{:?}", looked.epoch))?;
        same("entries", self.heads.len().to_string(), looked.list.len().to_string())?;
        for (ours, theirs) in self.heads.iter_mut().zip(heads) {
            if *ours == BLANK {
                *ours = *theirs;
            }
        }
        same("list", format!("{:?}", self.heads), format!("{heads:?}"))?;
        let told = |devices: Vec<(DeviceId, bool, bool, Option<DeviceId>)>| format!("{devices:?}");
        let ours = self
            .seats
            .iter()
            .map(|seat| (seat.card.id, seat.approver, seat.confirmed, seat.alone_by));
        let theirs = looked.list.devices().iter().map(|device| {
            let by = match device.origin() {
                Origin::Alone(by) => Some(by),
                _ => None,
            };
            (device.id(), device.is_approver(), device.is_confirmed(), by)
        });
        same("devices", told(ours.collect()), told(theirs.collect()))?;
        let let_in: Vec<_> = looked.devices.iter().map(|id| DeviceId(*id)).collect();
        let listed: Vec<_> = self.seats.iter().map(|seat| seat.card.id).collect();
        same("let in", format!("{listed:?}"), format!("{let_in:?}"))?;
        for (seat, device) in self.seats.iter_mut().zip(looked.list.devices()) {
            let key = *device.sealing().as_bytes();
            if let Some(link) = self
                .links
                .last_mut()
                .filter(|link| link.by == seat.card.id && link.key == BLANK)
            {
                link.key = key;
            }
            if seat.card.key != BLANK && seat.card.key != key {
                if !resealed.contains(&seat.card.id) {
                    return Err(format!("{:?} is sealed to another key", seat.card.id));
                }
                // It has opened all that was sealed to the old one.
                seat.parcel = None;
            }
            seat.card.key = key;
        }
        let frozen = self.frozen.map(|(_, by)| by.0);
        same("freeze", format!("{frozen:?}"), format!("{:?}", looked.frozen_by))?;
        same("fence", self.fence.is_some().to_string(), looked.fenced.to_string())?;
        let ours = self.waiting.iter().map(|wish| {
            let asker = wish.asker.map(|asker| asker.0);
            (
                wish.number,
                wish.what.name().to_owned(),
                asker,
                wish.asked,
                wish.due,
                wish.operator,
            )
        });
        let theirs = looked.waiting.iter().map(|waiting| {
            let what = waiting.what.clone();
            (
                waiting.change,
                what,
                waiting.asker,
                waiting.asked,
                waiting.due,
                waiting.operator,
            )
        });
        same(
            "waiting",
            format!("{:?}", ours.collect::<Vec<_>>()),
            format!("{:?}", theirs.collect::<Vec<_>>()),
        )?;
        if core::mem::take(&mut self.lifted) {
            if looked.generation <= self.generation {
                return Err("a fence was lifted, and no generation began".into());
            }
            self.generation = looked.generation;
        }
        same("generation", self.generation.to_string(), looked.generation.to_string())
    }
}
