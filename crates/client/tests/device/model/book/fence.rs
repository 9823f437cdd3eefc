//! What fences a wallet, what brings it forward, and who lifts the fence.

use twofold_threshold::checkpoint::Head;
use twofold_threshold::id::{DeviceId, EpochId, RequestDigest};

use super::{Book, Fence, Link, Mark, Now, Seat, Share, What};

/// How long the devices alone wait before they lift a fence.
const FENCED: u64 = 72 * 3600;

/// What a device brought back of what the server signed.
#[derive(Debug)]
pub(crate) struct Brought {
    pub(crate) seats: Vec<Seat>,
    pub(crate) gone: Vec<DeviceId>,
    pub(crate) heads: Vec<[u8; 32]>,
    pub(crate) path: Vec<EpochId>,
    pub(crate) links: Vec<Link>,
    pub(crate) words: usize,
    pub(crate) generation: u32,
    /// Somebody was struck off, or the words were replaced, and no refresh came after.
    pub(crate) struck: bool,
    pub(crate) freezes: Vec<(bool, DeviceId)>,
    /// The words were replaced.
    pub(crate) replaced: bool,
    /// Whose recovery was objected to, and whose the operator refused.
    pub(crate) objected: Vec<DeviceId>,
    pub(crate) refused: Vec<DeviceId>,
    pub(crate) spent: u64,
    pub(crate) signed: Vec<RequestDigest>,
}

impl Book {
    /// A device shows where it stands, and the chain of this server lacks that.
    pub(crate) fn shown(&self, head: &Head, now: Now) -> Self {
        let mut next = self.clone();
        let seen = (head.epoch.number, head.generation, head.seq);
        match &mut next.fence {
            Some(fence) if fence.seen.is_none_or(|old| seen > old) => {
                let known = fence.seen.map_or(self.epoch().number, |old| old.0);
                if seen.0 > known {
                    fence.decided = false;
                    fence.agreed.clear();
                }
                fence.since = fence.since.max(now.shown);
                fence.seen = Some(seen);
            }
            Some(_) => {}
            none => {
                *none = Some(Fence {
                    seen: Some(seen),
                    since: now.shown,
                    ..Fence::default()
                });
                next.wait_anew(now);
            }
        }
        next
    }

    /// The server was restored. `mark` is the anchor's last word of this wallet, where there is an anchor from before.
    pub(crate) fn restored(&self, mark: Option<Mark>, now: Now) -> Self {
        let mut next = self.clone();
        next.wait_anew(now);
        let (epoch, list, frozen) = self.mark();
        // A freeze that ended since stands again, and harms nobody.
        let agrees = mark.is_some_and(|mark| (mark.0, mark.1) == (epoch, list) && (frozen || !mark.2));
        let later = mark.filter(|_| !agrees).map(|mark| mark.0.number);
        if let Some(fence) = &mut next.fence {
            // What was said of that fence was said of another restore.
            fence.anchored = fence.anchored.max(later);
            fence.since = fence.since.max(now.shown);
            fence.decided = false;
            fence.agreed.clear();
        } else if agrees {
            next.lift(now);
        } else {
            next.fence = Some(Fence {
                anchored: later,
                since: now.shown,
                ..Fence::default()
            });
        }
        next
    }

    /// A device brought back what this server had forgotten, as far as it is told here. Nothing is lifted by that.
    pub(crate) fn brought(&self, told: Brought) -> Self {
        let mut next = self.clone();
        let epoch = *told.path.last().expect("never empty");
        for seat in &mut next.seats {
            // It has opened all that was sealed to the old key.
            let known = told.seats.iter().find(|new| new.card.id == seat.card.id);
            if known.is_some_and(|new| new.card.key != seat.card.key) {
                seat.parcel = None;
            }
        }
        let seats = told.seats.into_iter().map(|new| {
            let known = self.seats.iter().find(|old| old.card.id == new.card.id);
            let left = known.map(|known| (known.signed_by.clone(), known.parcel));
            let (signed_by, parcel) = left.unwrap_or_default();
            Seat {
                signed_by,
                parcel: parcel.filter(|_| known.is_some_and(|known| known.card.key == new.card.key)),
                ..new
            }
        });
        next.seats = seats.collect();
        next.gone.extend(told.gone);
        if epoch != self.epoch() {
            next.share = Share::Missing;
        }
        if told.struck {
            next.struck_in = Some(epoch);
        }
        (next.heads, next.path, next.links) = (told.heads, told.path, told.links);
        next.words = told.words;
        next.generation = told.generation;
        for (frozen, by) in told.freezes {
            if frozen {
                next.freezes += 1;
                next.frozen = Some((next.freezes, by));
            } else {
                next.frozen = None;
            }
        }
        // What devices wish they ask for again. What recovery asks for waits on, unless it was had or refused, or the words
        // are others.
        let known: Vec<_> = next.seats.iter().map(|seat| seat.card.id).collect();
        next.waiting.retain(|wish| match wish.what {
            What::Recover(card) => {
                let over = known.contains(&card.id) || next.gone.contains(&card.id);
                !over && !told.replaced && !told.refused.contains(&card.id)
            }
            _ => false,
        });
        for wish in &mut next.waiting {
            if matches!(wish.what, What::Recover(card) if told.objected.contains(&card.id)) {
                wish.object();
            }
        }
        next.uncharged += told.spent;
        next.signed.extend(told.signed);
        let listed: Vec<_> = next.seats.iter().map(|seat| seat.card.id).collect();
        if let Some(fence) = &mut next.fence {
            let (from, to) = (self.epoch().number, epoch.number);
            let more = |anchored: &u32| *anchored > to || (*anchored == from && from == to);
            fence.anchored = fence.anchored.filter(more);
            fence.agreed.retain(|id| listed.contains(id));
        }
        next
    }

    fn lift(&mut self, now: Now) {
        self.fence = None;
        self.lifted = true;
        self.exhaust(now);
    }

    pub(crate) fn may_lift(&self) -> Option<&Fence> {
        let fence = self.fence.as_ref()?;
        (!fence.is_behind(self.epoch()) && self.share == Share::There).then_some(fence)
    }

    /// The operator decides, for all wallets at once or for this one.
    pub(crate) fn operator_lifts(&self, many: bool, now: Now) -> Option<Self> {
        let fence = self.may_lift()?;
        if many && fence.anchored.is_some() {
            return None;
        }
        let mut next = self.clone();
        if fence.agreed.is_empty() {
            next.fence.as_mut().expect("fenced").decided = true;
        } else {
            next.lift(now);
        }
        Some(next)
    }

    /// A person says yes on a device, or recovery does.
    pub(crate) fn says_yes(&self, by: DeviceId, words: bool, now: Now) -> Option<Self> {
        if !self.lists(by) {
            return None;
        }
        if self.fence.is_none() {
            return Some(self.clone());
        }
        let fence = self.may_lift()?;
        let yes = |seat: &Seat| seat.card.id == by || fence.agreed.contains(&seat.card.id);
        let over = now.counted >= fence.since + FENCED;
        let all = over && self.seats.len() > 1 && self.seats.iter().all(yes);
        let mut next = self.clone();
        if words || fence.decided || all {
            next.lift(now);
        } else if let Some(fence) = &mut next.fence
            && !fence.agreed.contains(&by)
        {
            fence.agreed.push(by);
        }
        Some(next)
    }
}
