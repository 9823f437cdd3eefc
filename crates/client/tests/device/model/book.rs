//! What must be true of a wallet, by the protocol's own tables: worked out here once more, and not by the code's.

mod changes;
pub(crate) mod fence;
mod held;
pub(crate) mod money;

use std::collections::BTreeMap;

use twofold_api::reply::Operator;
use twofold_threshold::id::{DeviceId, EpochId, RequestDigest};
use twofold_threshold::identity::IdentityKey;

pub(crate) const DAY: u64 = 86_400;
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
    /// Other recovery words: the sheet that has them.
    Words(usize),
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

impl Wish {
    /// Whether its time is still to come, by a clock.
    pub(crate) const fn waits(&self, now: u64) -> bool {
        self.due > now
    }

    pub(crate) const fn operator(&self) -> Operator {
        self.operator
    }

    /// A device objects: the operator decides.
    fn object(&mut self) {
        self.objected = true;
        if self.operator == Operator::NotNeeded {
            self.operator = Operator::Needed;
        }
    }
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
    /// The anchor has heard more, of this epoch.
    anchored: Option<u32>,
    since: u64,
    decided: bool,
    agreed: Vec<DeviceId>,
}

impl Fence {
    /// Whether a device showed a later epoch than this.
    pub(crate) fn is_behind(&self, epoch: EpochId) -> bool {
        self.seen.is_some_and(|seen| seen.0 > epoch.number)
    }
}

impl Seat {
    /// One that came back with the list.
    pub(crate) const fn brought(card: Card, (approver, confirmed): (bool, bool), alone_by: Option<DeviceId>) -> Self {
        Self {
            card,
            approver,
            confirmed,
            alone_by,
            signed_by: Vec::new(),
            parcel: None,
        }
    }
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

/// How the server's share stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    There,
    /// A device brought it back, and the operator's key has yet to open it.
    Sealed,
    Missing,
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
    /// Which sheet has the words that count.
    pub(crate) words: usize,
    pub(crate) share: Share,
    /// What spends were charged, by the outpoint that each group chose; the windows that are open; and what was spent in
    /// entries that a device brought back.
    pub(crate) charges: BTreeMap<[u8; 36], u64>,
    pub(crate) windows: BTreeMap<&'static str, (u64, u64)>,
    pub(crate) uncharged: u64,
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
            words: 0,
            share: Share::There,
            charges: BTreeMap::new(),
            windows: BTreeMap::new(),
            uncharged: 0,
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
}

impl What {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Enrol(_) => "enrol",
            Self::Revoke(_) => "revoke",
            Self::Approver(_) => "approver",
            Self::Unfreeze(_) => "unfreeze",
            Self::Recover(_) => "recover",
            Self::Words(_) => "words",
        }
    }
}
