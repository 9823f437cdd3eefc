//! Who may do what, as one table: what is wanted, by whom, and whether it may be now, after a wait, or not.
//!
//! One device alone never gets more power: it can freeze, tighten and revoke itself. For all else about the wallet it
//! needs a second approver or recovery, or it asks and waits, with notice.

/// What somebody wants of a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Deed {
    /// Sign within policy.
    Sign,
    /// Stop all signing.
    Freeze,
    /// Make the policy stricter.
    Tighten,
    /// Deal the shares anew to the same devices.
    Refresh,
    /// Strike the device itself off the list, unless it is the last.
    RevokeSelf,
    /// List another device.
    Enrol,
    /// Strike another device off the list.
    RevokeOther,
    /// Sign again after a freeze.
    Unfreeze,
    /// Make the policy laxer.
    Loosen,
    /// Let a device's voice count.
    AddApprover,
    /// List a new device in a lost one's place.
    Recover,
    /// Take back what a device has asked for.
    Cancel,
    /// Let a server sign again that may have been rolled back.
    ClearFence,
    /// Make other recovery words.
    ReplaceWords,
}

impl Deed {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Sign,
        Self::Freeze,
        Self::Tighten,
        Self::Refresh,
        Self::RevokeSelf,
        Self::Enrol,
        Self::RevokeOther,
        Self::Unfreeze,
        Self::Loosen,
        Self::AddApprover,
        Self::Recover,
        Self::Cancel,
        Self::ClearFence,
        Self::ReplaceWords,
    ];
}

/// Who wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Voices {
    /// A listed device, or several of which fewer than two approve.
    OneDevice,
    /// Two approvers.
    TwoApprovers,
    /// An approver and recovery.
    OneAndRecovery,
    /// Recovery without an approver; whoever sends it is signed in or invited to that wallet.
    Recovery,
}

impl Voices {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::OneDevice,
        Self::TwoApprovers,
        Self::OneAndRecovery,
        Self::Recovery,
    ];
}

/// Whether it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leave {
    /// Now.
    Now,
    /// After a short wait with notice.
    AfterShort,
    /// After the usual wait with notice, if notice reaches somebody whom the asker did not add; otherwise as
    /// [`Self::AfterLong`].
    AfterNotice,
    /// After the long wait, and with the operator's yes.
    AfterLong,
    /// After the wait of a recovery, with the wallet frozen meanwhile.
    AfterRecovery,
    /// Not at all.
    Never,
}

/// The table.
#[must_use]
pub const fn leave(deed: Deed, voices: Voices) -> Leave {
    use Voices::{OneAndRecovery, OneDevice, Recovery, TwoApprovers};
    match (deed, voices) {
        // What any device may do by itself, two may do as well; but the words alone run no device's errands, and what two
        // voices are for, no single one has.
        (
            Deed::Sign
            | Deed::Freeze
            | Deed::Tighten
            | Deed::Refresh
            | Deed::RevokeSelf
            | Deed::Enrol
            | Deed::RevokeOther
            | Deed::Unfreeze
            | Deed::Loosen
            | Deed::AddApprover,
            Recovery,
        )
        // A lone device, or two, are exactly what a recovery and a fence protect against.
        | (Deed::Recover | Deed::ClearFence, OneDevice | TwoApprovers) => Leave::Never,
        (Deed::Sign | Deed::Freeze | Deed::Tighten | Deed::Refresh | Deed::RevokeSelf | Deed::Cancel, _)
        | (Deed::Enrol | Deed::RevokeOther | Deed::Unfreeze | Deed::AddApprover, TwoApprovers | OneAndRecovery)
        | (Deed::Loosen, OneAndRecovery)
        | (Deed::ClearFence | Deed::ReplaceWords, OneAndRecovery | Recovery) => Leave::Now,
        (Deed::Loosen, TwoApprovers) => Leave::AfterShort,
        (Deed::Enrol | Deed::RevokeOther | Deed::Unfreeze | Deed::Loosen, OneDevice) => Leave::AfterNotice,
        (Deed::AddApprover, OneDevice) | (Deed::ReplaceWords, OneDevice | TwoApprovers) => Leave::AfterLong,
        (Deed::Recover, OneAndRecovery | Recovery) => Leave::AfterRecovery,
    }
}

#[cfg(test)]
mod tests;
