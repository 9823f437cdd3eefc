//! Changes that wait: what was asked for, by whom, when its time comes, and who may stop it.
//!
//! One device alone never gets more power at once: what it may not have it asks for, and every device is told at its next
//! contact. A change that waits is no change yet. When its time has come, whoever asked does it by asking again; until
//! then any device can cancel it. What recovery asks for is objected to instead, and then the operator decides.

use serde::{Deserialize, Serialize};
use twofold_api::{Reason, Refusal, limits, reply};
use twofold_threshold::{
    device_list::{DeviceList, Origin, powers::Leave},
    id::DeviceId,
};

/// Most changes that one asker has waiting: nobody takes all the room.
const PER_ASKER: usize = 3;
/// How long a change whose time has come stays, in seconds, for its asker to come back.
const KEPT: u64 = 30 * 86_400;
/// Most bytes kept with a change.
const BODY: usize = 1024;

/// How long changes wait, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// What two approvers loosen.
    pub short: u64,
    /// What one device asks for, where notice reaches another.
    pub notice: u64,
    /// What takes the operator's yes as well.
    pub long: u64,
    /// A recovery.
    pub recovery: u64,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            short: 3_600,
            notice: 86_400,
            long: 7 * 86_400,
            recovery: 2 * 86_400,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    /// To list a device.
    Enrol,
    /// To strike one off.
    Revoke,
    /// That a device's voice counts.
    Approver,
    /// Other recovery words.
    Words,
    /// To sign again after a freeze.
    Unfreeze,
    /// A lost device's share, by recovery.
    Recover,
}

impl What {
    /// In a word.
    const fn name(self) -> &'static str {
        match self {
            Self::Enrol => "enrol",
            Self::Revoke => "revoke",
            Self::Approver => "approver",
            Self::Words => "words",
            Self::Unfreeze => "unfreeze",
            Self::Recover => "recover",
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Asker {
    /// A listed device.
    Device([u8; 32]),
    /// Recovery.
    Recovery,
}

/// Whether the operator has to say yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Operator {
    NotNeeded,
    Needed,
    Agreed,
}

/// Something that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// What.
    pub(crate) what: What,
    /// The digest of exactly what: who asks for the same again asks for no second one.
    pub(crate) subject: [u8; 32],
    /// Who.
    pub(crate) asker: Asker,
    /// What others need to see of it, such as a signed entry.
    pub(crate) body: Vec<u8>,
}

/// How long something waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    seconds: u64,
    operator: bool,
}

/// A change that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    number: u64,
    what: What,
    subject: [u8; 32],
    asker: Asker,
    asked: u64,
    due: u64,
    operator: Operator,
    objections: Vec<[u8; 32]>,
    body: Vec<u8>,
}

/// All that waits in a wallet, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    last: u64,
    list: Vec<Pending>,
}

/// What cancelling came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It will not be. Its subject.
    Cancelled([u8; 32]),
    /// Recovery asked for it, so the operator decides now. Its subject.
    Objected([u8; 32]),
}

/// How long something waits that may be after [`Leave`]; none where it may be now. `noticed` is whether notice reaches
/// somebody whom the asker did not add.
pub(crate) fn wait(leave: Leave, noticed: bool, waits: &Waits) -> Result<Option<Wait>, Refusal> {
    let (seconds, operator) = match leave {
        Leave::Now => return Ok(None),
        Leave::AfterShort => (waits.short, false),
        Leave::AfterNotice if noticed => (waits.notice, false),
        Leave::AfterNotice | Leave::AfterLong => (waits.long, true),
        Leave::AfterRecovery => (waits.recovery, false),
        Leave::Never => {
            return Err(Refusal::new(
                Reason::NotPermitted,
                "this takes a second approver's voice, or the recovery words",
            ));
        }
    };
    Ok(Some(Wait { seconds, operator }))
}

/// Whether notice of what a device asks for reaches somebody whom it did not add: another device. Confirmed mail and
/// webhooks will count here as well.
pub(crate) fn noticed(list: &DeviceList, asker: DeviceId) -> bool {
    list.devices().iter().any(|device| {
        let his_own = device.origin() == Origin::Alone(asker) && !device.is_confirmed();
        device.id() != asker && !his_own
    })
}

impl Waiting {
    /// How many changes wait.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.list.len()).unwrap_or(u32::MAX)
    }

    /// The highest number that something which waits has had.
    pub(crate) const fn last(&self) -> u64 {
        self.last
    }

    /// As the API tells them.
    pub(crate) fn tell(&self) -> Vec<reply::Waiting> {
        self.list.iter().map(Pending::tell).collect()
    }

    /// Lets a wish wait. The same wish again waits no longer and no shorter; what others see of it is the latest.
    pub(crate) fn ask(&mut self, wish: Wish, wait: Wait, now: u64) -> Result<&Pending, Refusal> {
        self.forget(now);
        if wish.body.len() > BODY {
            return Err(Reason::TooLarge.into());
        }
        let same = |pending: &Pending| pending.asker == wish.asker && pending.subject == wish.subject;
        if let Some(place) = self.list.iter().position(same) {
            let pending = &mut self.list[place];
            pending.body = wish.body;
            return Ok(pending);
        }
        let his = self.list.iter().filter(|pending| pending.asker == wish.asker);
        if his.count() >= PER_ASKER || self.list.len() >= limits::WAITING {
            return Err(Refusal::new(
                Reason::QuotaExceeded,
                "as many changes wait as may; cancel one first",
            ));
        }
        self.last = self.last.saturating_add(1);
        let place = self.list.len();
        self.list.push(Pending {
            number: self.last,
            what: wish.what,
            subject: wish.subject,
            asker: wish.asker,
            asked: now,
            due: now.saturating_add(wait.seconds),
            operator: if wait.operator {
                Operator::Needed
            } else {
                Operator::NotNeeded
            },
            objections: Vec::new(),
            body: wish.body,
        });
        Ok(&self.list[place])
    }

    /// Whether the time of what somebody asked for has come. `counted` is a time that is surely over.
    pub(crate) fn is_ripe(&self, asker: Asker, subject: &[u8; 32], counted: u64) -> bool {
        self.list.iter().any(|pending| {
            pending.asker == asker
                && pending.subject == *subject
                // What the operator lets be at once has no time to come.
                && (pending.due <= counted || pending.due == pending.asked)
                && !pending.is_over(counted)
                && match pending.operator {
                    // Whom a device objects to has the operator on their side, or nobody.
                    Operator::NotNeeded => pending.objections.is_empty(),
                    Operator::Needed => false,
                    Operator::Agreed => true,
                }
        })
    }

    /// What recovery asks for and was shown with it.
    pub(crate) fn of_recovery(&self) -> impl Iterator<Item = &Pending> {
        let asked = self.list.iter();
        asked.filter(|pending| pending.asker == Asker::Recovery && pending.what == What::Recover)
    }

    /// Whether recovery asks for a lost device's place.
    pub(crate) fn recovers(&self) -> bool {
        self.of_recovery().next().is_some()
    }

    /// What devices have asked for of this kind falls.
    pub(crate) fn drop_what(&mut self, what: What) {
        self.list.retain(|pending| pending.what != what);
    }

    /// The devices that ask for this, by their ids.
    pub(crate) fn askers(&self, subject: &[u8; 32]) -> impl Iterator<Item = DeviceId> {
        let asking = self.list.iter().filter(|pending| pending.subject == *subject);
        asking.filter_map(|pending| match pending.asker {
            Asker::Device(id) => Some(DeviceId(id)),
            Asker::Recovery => None,
        })
    }

    /// It was done: nobody waits for it any more.
    pub(crate) fn done(&mut self, subject: &[u8; 32]) {
        self.list.retain(|pending| pending.subject != *subject);
    }

    /// A device stops a change.
    pub(crate) fn cancel(&mut self, number: u64, by: DeviceId) -> Result<Stopped, Refusal> {
        let place = self.place(number)?;
        let pending = &mut self.list[place];
        if pending.asker != Asker::Recovery {
            return Ok(Stopped::Cancelled(self.list.remove(place).subject));
        }
        pending.object(by);
        Ok(Stopped::Objected(pending.subject))
    }

    /// A log that comes back says that a device objected to what recovery asks for.
    pub(crate) fn objected(&mut self, subject: &[u8; 32], by: DeviceId) {
        let asked = self.list.iter_mut().filter(|pending| pending.asker == Asker::Recovery);
        for pending in asked.filter(|pending| pending.subject == *subject) {
            pending.object(by);
        }
    }

    /// Refuses a number that this asker has asked for nothing under, or nothing about this subject where one is named.
    pub(crate) fn asked_by(&self, number: u64, asker: Asker, subject: Option<&[u8; 32]>) -> Result<(), Refusal> {
        let pending = &self.list[self.place(number)?];
        if pending.asker == asker && subject.is_none_or(|subject| pending.subject == *subject) {
            Ok(())
        } else {
            Err(Refusal::new(
                Reason::NotPermitted,
                "the machine that asked for the change says so, and no other",
            ))
        }
    }

    /// The operator, or the owner who signed in anew, says yes to a change that takes it.
    pub(crate) fn agree(&mut self, number: u64) -> Result<&Pending, Refusal> {
        let place = self.place(number)?;
        let pending = &mut self.list[place];
        if pending.operator == Operator::NotNeeded {
            return Err(Refusal::new(
                Reason::NotPermitted,
                "this change takes no operator's yes",
            ));
        }
        pending.operator = Operator::Agreed;
        Ok(pending)
    }

    /// The operator says no to a change: it will not be. Whether recovery had asked for it, and its subject.
    pub(crate) fn refuse(&mut self, number: u64) -> Result<(bool, [u8; 32]), Refusal> {
        let place = self.place(number)?;
        let pending = self.list.remove(place);
        Ok((pending.asker == Asker::Recovery, pending.subject))
    }

    /// What these devices asked for falls with them.
    pub(crate) fn drop_of(&mut self, devices: &[DeviceId]) {
        self.list.retain(|pending| match pending.asker {
            Asker::Device(id) => !devices.contains(&DeviceId(id)),
            Asker::Recovery => true,
        });
    }

    /// What recovery asked for falls with its words.
    pub(crate) fn drop_of_recovery(&mut self) {
        self.list.retain(|pending| pending.asker != Asker::Recovery);
    }

    /// What devices asked for falls, and what recovery asked for where `over` says so. The numbers go on, so that no yes is
    /// to another change than the one that was shown.
    pub(crate) fn keep_of_recovery(&mut self, over: impl Fn(&Pending) -> bool) {
        self.list
            .retain(|pending| pending.asker == Asker::Recovery && !over(pending));
    }

    /// Whatever was said of what waits may be forgotten, by a server that was rolled back: each wait begins anew, and the
    /// operator says yes anew. Who objected still does.
    pub(crate) fn begin_anew(&mut self, now: u64) {
        for pending in &mut self.list {
            let wait = pending.due.saturating_sub(pending.asked);
            pending.asked = pending.asked.max(now);
            pending.due = pending.asked.saturating_add(wait);
            if pending.operator == Operator::Agreed {
                pending.operator = Operator::Needed;
            }
        }
    }

    fn place(&self, number: u64) -> Result<usize, Refusal> {
        let place = self.list.iter().position(|pending| pending.number == number);
        place.ok_or_else(|| Reason::ChangeNotFound.into())
    }

    fn forget(&mut self, now: u64) {
        self.list.retain(|pending| !pending.is_over(now));
    }
}

impl Pending {
    fn object(&mut self, by: DeviceId) {
        if !self.objections.contains(&by.0) {
            self.objections.push(by.0);
        }
        if self.operator == Operator::NotNeeded {
            self.operator = Operator::Needed;
        }
    }

    /// Whether nobody came back for it in time.
    const fn is_over(&self, now: u64) -> bool {
        self.due.saturating_add(KEPT) < now
    }

    /// What others need to see of it.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The digest of exactly what.
    pub(crate) const fn subject(&self) -> &[u8; 32] {
        &self.subject
    }

    /// As the API tells it.
    pub(crate) fn tell(&self) -> reply::Waiting {
        reply::Waiting {
            change: self.number,
            what: self.what.name().to_owned(),
            asker: match self.asker {
                Asker::Device(id) => Some(id),
                Asker::Recovery => None,
            },
            asked: self.asked,
            due: self.due,
            operator: match self.operator {
                Operator::NotNeeded => reply::Operator::NotNeeded,
                Operator::Needed => reply::Operator::Needed,
                Operator::Agreed => reply::Operator::Agreed,
            },
            entry: self.body.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
