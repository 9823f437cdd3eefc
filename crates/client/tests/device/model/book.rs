//! What must be true of a wallet, by the protocol's own tables: worked out here once more, and not by the code's.

use std::collections::BTreeMap;

use twofold_api::reply::Operator;
use twofold_cosigner::testing::Looked;
use twofold_threshold::checkpoint::Head;
use twofold_threshold::device_list::Origin;
use twofold_threshold::id::{DeviceId, EpochId, RequestDigest};
use twofold_threshold::identity::IdentityKey;

pub(crate) const DAY: u64 = 86_400;
const NOTICE: u64 = DAY;
const LONG: u64 = 7 * DAY;
const RECOVERY: u64 = 2 * DAY;
/// How long the devices alone wait before they lift a fence.
const FENCED: u64 = 72 * 3600;
/// Changes that one asker may have waiting, and how long one stays whose asker does not come back.
const PER_ASKER: usize = 3;
const KEPT: u64 = 30 * DAY;
/// Codes for further machines that may be open, and for how long.
const CODES: usize = 5;
/// Stands for what only the server can know before the step.
pub(crate) const BLANK: [u8; 32] = [0; 32];

/// A sealing key, as the list names it.
pub(crate) type Key = [u8; 32];

/// What anchors say of a wallet: its epoch, its list's head, and whether it is frozen.
pub(crate) type Mark = (EpochId, [u8; 32], bool);

/// A machine that is to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Card {
    pub(crate) id: DeviceId,
    pub(crate) identity: IdentityKey,
    pub(crate) key: Key,
}

/// A listed device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) card: Card,
    pub(crate) approver: bool,
    confirmed: bool,
    alone_by: Option<DeviceId>,
    /// Who signed for it, and the epoch that its parcel is of.
    pub(crate) signed_by: Vec<DeviceId>,
    pub(crate) parcel: Option<EpochId>,
}

/// What is asked for. A freeze has a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Enrol(Card),
    Revoke(DeviceId),
    Approver(DeviceId),
    Unfreeze(u64),
    Recover(Card),
}

/// What waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) number: u64,
    pub(crate) what: What,
    pub(crate) asker: Option<DeviceId>,
    asked: u64,
    due: u64,
    operator: Operator,
    objected: bool,
    /// Whose signatures its entry has, and how long the list was.
    pub(crate) signers: Vec<DeviceId>,
    pub(crate) words: bool,
    pub(crate) parent: usize,
}

/// A refresh: to which keys it was sealed, by whom, and that one's key from then on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) sealed: BTreeMap<DeviceId, Key>,
    pub(crate) by: DeviceId,
    pub(crate) key: Key,
}

/// Why signing stops.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fence {
    /// The furthest that a device showed: epoch, generation and number.
    seen: Option<(u32, u32, u64)>,
    /// The anchor has heard more.
    later: bool,
    since: u64,
    decided: bool,
    agreed: Vec<DeviceId>,
}

/// The time as the server shows it, and as it surely is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) shown: u64,
    pub(crate) counted: u64,
}

/// An entry of the device list that somebody sends.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) by: DeviceId,
    pub(crate) what: What,
    pub(crate) signers: Vec<DeviceId>,
    pub(crate) words: bool,
    /// How long the list was that it was signed on.
    pub(crate) parent: usize,
}

enum Leave {
    Now,
    Notice,
    Long,
    Recovery,
}

/// The wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Book {
    pub(crate) seats: Vec<Seat>,
    gone: Vec<DeviceId>,
    pub(crate) heads: Vec<[u8; 32]>,
    pub(crate) path: Vec<EpochId>,
    pub(crate) links: Vec<Link>,
    pub(crate) frozen: Option<(u64, DeviceId)>,
    freezes: u64,
    pub(crate) waiting: Vec<Wish>,
    last: u64,
    codes: Vec<u64>,
    recovery_wait: Option<u64>,
    struck_in: Option<EpochId>,
    pub(crate) fence: Option<Fence>,
    pub(crate) generation: u32,
    /// A fence was lifted: which generation began, only the server knows.
    lifted: bool,
    /// What was signed and heard of.
    pub(crate) signed: Vec<RequestDigest>,
}

impl Book {
    /// A wallet that was just made.
    pub(crate) fn new(first: Card, epoch: EpochId, head: [u8; 32]) -> Self {
        Self {
            seats: vec![Seat {
                card: first,
                approver: true,
                confirmed: true,
                alone_by: None,
                signed_by: Vec::new(),
                parcel: None,
            }],
            gone: Vec::new(),
            heads: vec![head],
            path: vec![epoch],
            links: Vec::new(),
            frozen: None,
            freezes: 0,
            waiting: Vec::new(),
            last: 0,
            codes: Vec::new(),
            recovery_wait: None,
            struck_in: None,
            fence: None,
            generation: 0,
            lifted: false,
            signed: Vec::new(),
        }
    }

    pub(crate) fn seat(&self, id: DeviceId) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.card.id == id)
    }

    pub(crate) fn lists(&self, id: DeviceId) -> bool {
        self.seat(id).is_some()
    }

    pub(crate) fn epoch(&self) -> EpochId {
        *self.path.last().expect("never empty")
    }

    pub(crate) fn mark(&self) -> Mark {
        let head = *self.heads.last().expect("never empty");
        (self.epoch(), head, self.frozen.is_some())
    }

    pub(crate) fn refresh_due(&self) -> bool {
        self.struck_in == Some(self.epoch())
    }

    /// Somebody whom the asker did not add hears of it.
    fn noticed(&self, asker: DeviceId) -> bool {
        let others = self.seats.iter().filter(|seat| seat.card.id != asker);
        others
            .into_iter()
            .any(|seat| seat.confirmed || seat.alone_by != Some(asker))
    }

    /// Who may have it, and when: the table of protocol.md.
    fn leave(&self, what: &What, signers: &[DeviceId], words: bool) -> Option<Leave> {
        let mut approvers: Vec<_> = signers
            .iter()
            .filter(|id| self.seat(**id).is_some_and(|seat| seat.approver))
            .collect();
        approvers.sort_unstable();
        approvers.dedup();
        let two = approvers.len() + usize::from(words) >= 2 && !approvers.is_empty();
        Some(match what {
            // Whoever leaves at once takes nobody along.
            What::Revoke(id)
                if !words && signers.iter().all(|signer| signer == id) && self.struck(*id, signers).len() == 1 =>
            {
                Leave::Now
            }
            _ if two => Leave::Now,
            // The words in the hand of a machine that is no approver are recovery's voice alone.
            What::Enrol(_) | What::Recover(_) if words => Leave::Recovery,
            _ if words => return None,
            What::Approver(_) => Leave::Long,
            What::Enrol(_) | What::Revoke(_) | What::Unfreeze(_) => Leave::Notice,
            What::Recover(_) => return None,
        })
    }

    fn struck(&self, id: DeviceId, signers: &[DeviceId]) -> Vec<DeviceId> {
        let mut struck = vec![id];
        loop {
            let his = |seat: &&Seat| {
                seat.alone_by.is_some_and(|by| struck.contains(&by))
                    && !seat.confirmed
                    && !signers.contains(&seat.card.id)
                    && !struck.contains(&seat.card.id)
            };
            match self.seats.iter().find(his) {
                Some(seat) => struck.push(seat.card.id),
                None => return struck,
            }
        }
    }

    /// An entry of the device list; none where it is refused.
    pub(crate) fn change(&self, sent: &Sent, now: Now) -> Option<Self> {
        let listed = self.lists(sent.by) && sent.signers.iter().all(|id| self.lists(*id));
        if self.fence.is_some() || !listed || sent.parent != self.heads.len() {
            return None;
        }
        match &sent.what {
            What::Enrol(card) if self.lists(card.id) || self.gone.contains(&card.id) => return None,
            // The words alone have two places that devices have not.
            What::Enrol(_) if self.seats.len() >= 16 => return None,
            What::Revoke(id) if !self.lists(*id) || self.struck(*id, &sent.signers).len() >= self.seats.len() => {
                return None;
            }
            What::Approver(id) if !self.lists(*id) => return None,
            _ => {}
        }
        let leave = self.leave(&sent.what, &sent.signers, sent.words)?;
        if let Some(wait) = self.wait(&leave, sent.by)
            && !self.is_ripe(Some(sent.by), &sent.what, now)
        {
            let wish = (sent.what, Some(sent.by), sent.signers.clone(), sent.words);
            return self.ask(wish, wait, now);
        }
        let mut next = self.clone();
        let together = matches!(leave, Leave::Now) && !matches!(sent.what, What::Revoke(_));
        match &sent.what {
            What::Enrol(card) => {
                let recovered = matches!(leave, Leave::Recovery);
                let confirmed = together || recovered;
                let first = sent.signers.iter().filter_map(|id| self.seat(*id));
                let first = first.min_by_key(|seat| seat.card.identity).map(|seat| seat.card.id);
                next.seats.push(Seat {
                    card: *card,
                    approver: recovered,
                    confirmed,
                    alone_by: first.filter(|_| !confirmed),
                    signed_by: sent.signers.clone(),
                    parcel: Some(self.epoch()),
                });
            }
            What::Revoke(id) => next.strike(&self.struck(*id, &sent.signers)),
            What::Approver(id) => {
                if let Some(seat) = next.seats.iter_mut().find(|seat| seat.card.id == *id) {
                    seat.approver = true;
                    seat.confirmed |= together;
                }
            }
            What::Unfreeze(_) | What::Recover(_) => return None,
        }
        next.waiting.retain(|wish| wish.what != sent.what);
        next.heads.push(BLANK);
        Some(next)
    }

    fn strike(&mut self, struck: &[DeviceId]) {
        self.seats.retain(|seat| !struck.contains(&seat.card.id));
        self.gone.extend_from_slice(struck);
        self.waiting
            .retain(|wish| wish.asker.is_none_or(|asker| !struck.contains(&asker)));
        self.struck_in = Some(self.epoch());
    }

    /// How long, and whether the operator has to say yes.
    fn wait(&self, leave: &Leave, asker: DeviceId) -> Option<(u64, bool)> {
        match leave {
            Leave::Now => None,
            Leave::Notice if self.noticed(asker) => Some((NOTICE, false)),
            Leave::Notice | Leave::Long => Some((LONG, true)),
            Leave::Recovery => Some((RECOVERY, false)),
        }
    }

    pub(crate) fn is_ripe(&self, asker: Option<DeviceId>, what: &What, now: Now) -> bool {
        self.waiting.iter().any(|wish| {
            let over = (wish.due <= now.counted || wish.due == wish.asked) && now.counted <= wish.due + KEPT;
            let agreed = match wish.operator {
                Operator::NotNeeded => !wish.objected,
                Operator::Needed => false,
                Operator::Agreed => true,
            };
            wish.asker == asker && wish.what == *what && over && agreed
        })
    }

    fn ask(
        &self,
        (what, asker, signers, words): (What, Option<DeviceId>, Vec<DeviceId>, bool),
        (seconds, operator): (u64, bool),
        now: Now,
    ) -> Option<Self> {
        let mut next = self.clone();
        next.waiting.retain(|wish| wish.due + KEPT >= now.shown);
        let parent = self.heads.len();
        if let Some(wish) = next
            .waiting
            .iter_mut()
            .find(|wish| wish.asker == asker && wish.what == what)
        {
            (wish.signers, wish.words, wish.parent) = (signers, words, parent);
            return Some(next);
        }
        if next.waiting.iter().filter(|wish| wish.asker == asker).count() >= PER_ASKER {
            return None;
        }
        next.last += 1;
        next.waiting.push(Wish {
            number: next.last,
            what,
            asker,
            asked: now.shown,
            due: now.shown + seconds,
            operator: if operator {
                Operator::Needed
            } else {
                Operator::NotNeeded
            },
            objected: false,
            signers,
            words,
            parent,
        });
        Some(next)
    }

    pub(crate) fn freeze(&self, by: DeviceId) -> Option<Self> {
        let mut next = self.clone();
        if next.frozen.is_none() {
            next.freezes += 1;
            next.frozen = Some((next.freezes, by));
        }
        self.lists(by).then_some(next)
    }

    pub(crate) fn unfreeze(&self, by: DeviceId, words: bool, now: Now) -> Option<Self> {
        if !self.lists(by) {
            return None;
        }
        let Some((number, _)) = self.frozen else {
            return Some(self.clone());
        };
        if self.fence.is_some() {
            return None;
        }
        let what = What::Unfreeze(number);
        let asking = self.waiting.iter().filter(|wish| wish.what == what);
        let mut signers: Vec<_> = asking
            .filter_map(|wish| wish.asker)
            .filter(|id| self.lists(*id))
            .collect();
        signers.push(by);
        let mut leave = self.leave(&what, &signers, words)?;
        let recovers = self.waiting.iter().any(|wish| matches!(wish.what, What::Recover(_)));
        if matches!(leave, Leave::Notice) && recovers {
            leave = Leave::Long;
        }
        if let Some(wait) = self.wait(&leave, by)
            && !self.is_ripe(Some(by), &what, now)
        {
            return self.ask((what, Some(by), Vec::new(), false), wait, now);
        }
        let mut next = self.clone();
        next.frozen = None;
        next.waiting.retain(|wish| wish.what != what);
        Some(next)
    }

    pub(crate) fn cancel(&self, by: DeviceId, number: u64) -> Option<Self> {
        let mut next = self.clone();
        let place = next.waiting.iter().position(|wish| wish.number == number)?;
        if next.waiting[place].asker.is_some() {
            next.waiting.remove(place);
        } else {
            let wish = &mut next.waiting[place];
            wish.objected = true;
            if wish.operator == Operator::NotNeeded {
                wish.operator = Operator::Needed;
            }
        }
        self.lists(by).then_some(next)
    }

    pub(crate) fn operator_agrees(&self, number: u64) -> Option<Self> {
        let mut next = self.clone();
        let wish = next.waiting.iter_mut().find(|wish| wish.number == number)?;
        if wish.operator == Operator::NotNeeded {
            return None;
        }
        wish.operator = Operator::Agreed;
        Some(next)
    }

    pub(crate) fn operator_refuses(&self, number: u64) -> Option<Self> {
        let mut next = self.clone();
        let place = next.waiting.iter().position(|wish| wish.number == number)?;
        let wish = next.waiting.remove(place);
        let asked = next.waiting.iter().any(|wish| matches!(wish.what, What::Recover(_)));
        let came_with_it = next.frozen.is_some_and(|(_, by)| !next.lists(by));
        if wish.asker.is_none() && came_with_it && !asked {
            next.frozen = None;
        }
        Some(next)
    }

    pub(crate) fn refresh(&self, by: DeviceId) -> Option<Self> {
        if !self.lists(by) || self.fence.is_some() {
            return None;
        }
        let mut next = self.clone();
        next.links.push(Link {
            sealed: self.seats.iter().map(|seat| (seat.card.id, seat.card.key)).collect(),
            by,
            key: BLANK,
        });
        next.path.push(EpochId {
            number: self.epoch().number + 1,
            transcript: BLANK,
        });
        next.heads.push(BLANK);
        Some(next)
    }

    pub(crate) fn invite(&self, by: DeviceId, now: Now) -> Option<Self> {
        let mut next = self.clone();
        next.codes.retain(|ends| *ends > now.shown);
        next.codes.push(now.shown + DAY);
        (self.lists(by) && self.fence.is_none() && next.codes.len() <= CODES).then_some(next)
    }

    /// The operator mints a code for recovery, and may say how long it waits.
    pub(crate) fn invite_recovery(&self, wait: Option<u64>) -> Self {
        let mut next = self.clone();
        next.recovery_wait = wait.or(next.recovery_wait);
        next
    }

    pub(crate) fn ask_recovery(&self, card: Card, now: Now) -> Option<Self> {
        if self.lists(card.id) || self.gone.contains(&card.id) || self.seats.len() >= 18 {
            return None;
        }
        let wait = (self.recovery_wait.unwrap_or(RECOVERY), false);
        let mut next = self.ask((What::Recover(card), None, Vec::new(), true), wait, now)?;
        next.waiting.retain(|wish| !matches!(wish.what, What::Unfreeze(_)));
        if next.frozen.is_none() {
            next.freezes += 1;
            next.frozen = Some((next.freezes, card.id));
        }
        Some(next)
    }

    /// Recovery and server give a machine the share.
    pub(crate) fn recover(&self, card: Card, now: Now) -> Option<Self> {
        if self.lists(card.id) {
            return Some(self.clone());
        }
        let what = What::Recover(card);
        if !self.is_ripe(None, &what, now) || self.gone.contains(&card.id) {
            return None;
        }
        let mut next = self.clone();
        next.seats.push(Seat {
            card,
            approver: true,
            confirmed: true,
            alone_by: None,
            signed_by: Vec::new(),
            parcel: None,
        });
        next.waiting.retain(|wish| wish.what != what);
        next.recovery_wait = None;
        next.heads.push(BLANK);
        Some(next)
    }

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
        let later = mark.is_some() && !agrees;
        if let Some(fence) = &mut next.fence {
            fence.later |= later;
            fence.since = fence.since.max(now.shown);
            fence.decided = false;
            fence.agreed.clear();
        } else if agrees {
            next.lift();
        } else {
            next.fence = Some(Fence {
                later,
                since: now.shown,
                ..Fence::default()
            });
        }
        next
    }

    /// Whoever stopped something may be forgotten: it waits all its time again, and for another yes.
    fn wait_anew(&mut self, now: Now) {
        for wish in &mut self.waiting {
            let wait = wish.due - wish.asked;
            wish.asked = wish.asked.max(now.shown);
            wish.due = wish.asked + wait;
            if wish.operator == Operator::Agreed {
                wish.operator = Operator::Needed;
            }
        }
    }

    fn lift(&mut self) {
        self.fence = None;
        self.lifted = true;
    }

    fn may_lift(&self) -> Option<&Fence> {
        let fence = self.fence.as_ref()?;
        let behind = fence.seen.is_some_and(|seen| seen.0 > self.epoch().number);
        (!behind).then_some(fence)
    }

    /// The operator decides, for all wallets at once or for this one.
    pub(crate) fn operator_lifts(&self, many: bool) -> Option<Self> {
        let fence = self.may_lift()?;
        if many && fence.later {
            return None;
        }
        let mut next = self.clone();
        if fence.agreed.is_empty() {
            next.fence.as_mut().expect("fenced").decided = true;
        } else {
            next.lift();
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
            next.lift();
        } else if let Some(fence) = &mut next.fence
            && !fence.agreed.contains(&by)
        {
            fence.agreed.push(by);
        }
        Some(next)
    }

    /// Holds what the server has against this, and takes over what only the server could know.
    /// `resealed` is how many fresh sealing keys the device that acts has taken meanwhile: it may at any contact.
    pub(crate) fn holds(&mut self, looked: &Looked, resealed: &[DeviceId]) -> Result<(), String> {
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
        let head = self.heads.last_mut().expect("never empty");
        if *head == BLANK {
            *head = *looked.list.head();
        }
        same("list", format!("{head:?}"), format!("{:?}", looked.list.head()))?;
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

impl What {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Enrol(_) => "enrol",
            Self::Revoke(_) => "revoke",
            Self::Approver(_) => "approver",
            Self::Unfreeze(_) => "unfreeze",
            Self::Recover(_) => "recover",
        }
    }
}
