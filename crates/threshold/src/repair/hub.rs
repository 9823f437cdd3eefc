//! Whoever carries the messages, and checks of each what can be seen without a secret. The hub may be one of the three or
//! none; helpers and the one repaired check the same again, by these same machines.

use alloc::{vec, vec::Vec};

use super::message::{Answer, Claim, Closing, Helpers, Opening, Signed, named};
use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    hash,
    id::Party,
    share::PublicShares,
};

/// The longest of the messages.
const MAX_MESSAGE: usize = 1024;

/// Waiting for the first helper.
#[derive(Debug)]
#[must_use]
pub struct AwaitOpening {
    claim: Claim,
    helpers: Helpers,
    public: PublicShares,
}

impl AwaitOpening {
    /// Carries the repair that `claim` names.
    pub fn new(claim: Claim, helpers: Helpers, public: PublicShares) -> Result<Self, Fault> {
        claim.check(&public, &helpers)?;
        Ok(Self { claim, helpers, public })
    }

    /// Checks the first helper's opening.
    pub fn receive(self, opening: Signed<Opening>) -> Result<AwaitAnswer, Fault> {
        let Self { claim, helpers, public } = self;
        let (first, second) = (helpers.first.0, helpers.second.0);
        opening.check_sender(&helpers.first)?;
        if opening.message.claim != claim {
            return Err(Fault::of(FaultKind::ForeignCeremony, first));
        }
        opening.message.shown.check(&public, first, second, claim.repaired)?;
        Ok(AwaitAnswer {
            helpers,
            public,
            opening,
        })
    }
}

/// Waiting for the second helper.
#[derive(Debug)]
#[must_use]
pub struct AwaitAnswer {
    pub(super) helpers: Helpers,
    pub(super) public: PublicShares,
    pub(super) opening: Signed<Opening>,
}

impl AwaitAnswer {
    /// Checks the second helper's answer.
    pub fn receive(self, answer: Signed<Answer>) -> Result<AwaitClosing, Fault> {
        let Self {
            helpers,
            public,
            opening,
        } = self;
        let (first, second) = (helpers.first.0, helpers.second.0);
        answer.check_sender(&helpers.second)?;
        let claim = &opening.message.claim;
        if answer.message.ceremony != claim.ceremony {
            return Err(Fault::of(FaultKind::ForeignCeremony, second));
        }
        if answer.message.opening != named(&opening.to_bytes()) {
            // It answered another opening of the run, or was shown another.
            return Err(Fault::of(FaultKind::Equivocation, second).or(first));
        }
        answer.message.shown.check(&public, second, first, claim.repaired)?;
        Ok(AwaitClosing {
            helpers,
            opening,
            answer,
        })
    }

    /// The second helper says that the delta sealed to it is not the one shown. Nobody else can open it: one of the two
    /// lies.
    #[must_use]
    pub fn disputed(self) -> Fault {
        disputed(&self.helpers)
    }
}

/// Waiting for the first helper again.
#[derive(Debug)]
#[must_use]
pub struct AwaitClosing {
    helpers: Helpers,
    pub(super) opening: Signed<Opening>,
    answer: Signed<Answer>,
}

impl AwaitClosing {
    /// Checks the closing.
    pub fn receive(self, closing: Signed<Closing>) -> Result<Carried, Fault> {
        let Self {
            helpers,
            opening,
            answer,
        } = self;
        let (first, second) = (helpers.first.0, helpers.second.0);
        closing.check_sender(&helpers.first)?;
        if closing.message.ceremony != opening.message.claim.ceremony {
            return Err(Fault::of(FaultKind::ForeignCeremony, first));
        }
        if closing.message.answer != named(&answer.to_bytes()) {
            return Err(Fault::of(FaultKind::Equivocation, first).or(second));
        }
        Ok(Carried {
            opening,
            answer,
            closing,
        })
    }

    /// The first helper says that the delta sealed to it is not the one shown.
    #[must_use]
    pub fn disputed(self) -> Fault {
        disputed(&self.helpers)
    }
}

fn disputed(helpers: &Helpers) -> Fault {
    Fault {
        kind: FaultKind::Repair,
        culprits: vec![helpers.first.0, helpers.second.0],
    }
}

/// All three messages, for the one repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Carried {
    pub(super) opening: Signed<Opening>,
    pub(super) answer: Signed<Answer>,
    pub(super) closing: Signed<Closing>,
}

impl Carried {
    /// What was repaired.
    #[must_use]
    pub const fn claim(&self) -> &Claim {
        self.opening.claim()
    }

    /// H(T): the whole run, with the helpers' signatures.
    #[must_use]
    pub fn transcript(&self) -> [u8; 32] {
        hash::tagged("twofold/repair-transcript", &[&self.to_bytes()])
    }

    /// Checks it from the start.
    pub(super) fn check(self, claim: Claim, helpers: Helpers, public: PublicShares) -> Result<Self, Fault> {
        AwaitOpening::new(claim, helpers, public)?
            .receive(self.opening)?
            .receive(self.answer)?
            .receive(self.closing)
    }

    /// What `helper` sealed of its sigma, and the deltas that it must be made of.
    pub(super) fn sigma_of(&self, helper: Party, first: Party) -> (&[u8], [&[u8; 33]; 2]) {
        let (opening, answer) = (&self.opening.message, &self.answer.message);
        if helper == first {
            (
                &self.closing.message.to_repaired,
                [&opening.shown.kept, &answer.shown.given],
            )
        } else {
            (&answer.to_repaired, [&answer.shown.kept, &opening.shown.given])
        }
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new(Kind::Repair)
            .var(&self.opening.to_bytes())
            .var(&self.answer.to_bytes())
            .var(&self.closing.to_bytes())
            .finish()
    }
}

impl TryFrom<&[u8]> for Carried {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::Repair)?;
        let carried = Self {
            opening: reader.var(MAX_MESSAGE)?.try_into()?,
            answer: reader.var(MAX_MESSAGE)?.try_into()?,
            closing: reader.var(MAX_MESSAGE)?.try_into()?,
        };
        reader.finish()?;
        Ok(carried)
    }
}
