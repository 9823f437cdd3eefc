//! What entries are called, and whose they are.

use twofold_threshold::id::DeviceId;

use super::{Event, Lift, ShapeStep, Signed};

impl Event {
    /// The kind's name, as programs show it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::TestSigned { .. } => "test_signed",
            Self::Activated { .. } => "activated",
            Self::Renamed { .. } => "renamed",
            Self::Signed(_) => "signed",
            Self::Broadcast { .. } => "broadcast",
            Self::Fenced { .. } => "fenced",
            Self::MessageSigned { .. } => "message_signed",
            Self::Lifted { .. } => "lifted",
            Self::Refreshed { .. } => "refreshed",
            Self::Shape { .. } => "shape",
        }
    }

    /// The device that did it, or had it done; none where it was the operator, recovery or the server itself.
    #[must_use]
    pub fn device(&self) -> Option<DeviceId> {
        let device = match self {
            Self::Created { device, .. }
            | Self::TestSigned { device, .. }
            | Self::Activated { device }
            | Self::Renamed { device, .. }
            | Self::Signed(Signed { device, .. })
            | Self::MessageSigned { device, .. }
            | Self::Broadcast { device, .. }
            | Self::Fenced { device, .. }
            | Self::Refreshed { device, .. }
            | Self::Shape { device, .. }
            | Self::Lifted {
                by: Lift::Operator { device, .. },
                ..
            } => *device,
            Self::Lifted { .. } => return None,
        };
        (device != DeviceId([0; 32])).then_some(device)
    }
}

impl ShapeStep {
    /// Its name, as programs show it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Cancelled => "cancelled",
            Self::OperatorAgreed => "operator_agreed",
            Self::DeviceRenamed => "device_renamed",
            Self::ListChanged => "list_changed",
            Self::Frozen => "frozen",
            Self::Unfrozen => "unfrozen",
            Self::Objected => "objected",
            Self::Invited => "invited",
            Self::Repaired => "repaired",
            Self::WaitSet => "wait_set",
            Self::OperatorRefused => "operator_refused",
            Self::PersonAgreed => "person_agreed",
        }
    }
}
