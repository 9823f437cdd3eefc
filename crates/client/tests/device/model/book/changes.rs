//! Who may change a wallet's shape, when, and what becomes of it: the table of protocol.md.

use twofold_api::reply::Operator;
use twofold_threshold::id::{DeviceId, EpochId};

use super::{BLANK, Book, Card, DAY, Link, Now, Seat, Sent, What, Wish};

const NOTICE: u64 = DAY;
const LONG: u64 = 7 * DAY;
const RECOVERY: u64 = 2 * DAY;
/// Changes that one asker may have waiting, and how long one stays whose asker does not come back.
const PER_ASKER: usize = 3;
const KEPT: u64 = 30 * DAY;
/// Codes for further machines that may be open, and for how long.
const CODES: usize = 5;

enum Leave {
    Now,
    Notice,
    Long,
    Recovery,
}

impl Book {
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
            // Two devices have them no sooner than one.
            What::Words(_) => {
                if words {
                    Leave::Now
                } else {
                    Leave::Long
                }
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
            What::Words(sheet) if *sheet == self.words => return None,
            _ => {}
        }
        let leave = self.leave(&sent.what, &sent.signers, sent.words)?;
        // They come with the package that they open, and are only asked for without.
        if let What::Words(_) = sent.what {
            let wish = (sent.what, Some(sent.by), sent.signers.clone(), sent.words);
            return self.ask(wish, self.wait(&leave, sent.by)?, now);
        }
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
            What::Unfreeze(_) | What::Recover(_) | What::Words(_) => return None,
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

    /// Whoever stopped something may be forgotten: it waits all its time again, and for another yes.
    pub(super) fn wait_anew(&mut self, now: Now) {
        for wish in &mut self.waiting {
            let wait = wish.due - wish.asked;
            wish.asked = wish.asked.max(now.shown);
            wish.due = wish.asked + wait;
            if wish.operator == Operator::Agreed {
                wish.operator = Operator::Needed;
            }
        }
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
            next.waiting[place].object();
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
        next.codes.push(now.shown + DAY);
        let open = next.codes.iter().filter(|ends| **ends > now.shown).count();
        (self.lists(by) && self.fence.is_none() && open <= CODES).then_some(next)
    }

    /// Other words count, and the package that they open came with them. A refresh is due.
    pub(crate) fn replace(&self, by: DeviceId, sheet: usize, with_old: bool, now: Now) -> Option<Self> {
        if !self.lists(by) || self.fence.is_some() || sheet == self.words {
            return None;
        }
        let what = What::Words(sheet);
        let recovers = self.waiting.iter().any(|wish| matches!(wish.what, What::Recover(_)));
        if !with_old && (recovers || !self.is_ripe(Some(by), &what, now)) {
            return None;
        }
        let mut next = self.clone();
        next.words = sheet;
        // What the old ones asked for, nobody asks for any more.
        next.waiting.retain(|wish| wish.what != what && wish.asker.is_some());
        next.struck_in = Some(self.epoch());
        next.heads.push(BLANK);
        Some(next)
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
}
