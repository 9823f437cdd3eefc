//! Replies about a wallet's shape: its devices, a freeze, and what waits.

use buffa::MessageField;
use twofold_api::{
    limits::{PARCEL_BYTES, WAITING},
    reply::{self, Operator},
};
use twofold_threshold::device_list::{MAX_DEVICES, MAX_ENTRY};

use crate::{
    malformed::Malformed,
    parts::{counted, counter, each, fixed, head, name, up_to, word},
    proto,
};

impl From<reply::Waiting> for proto::WaitingChange {
    fn from(waiting: reply::Waiting) -> Self {
        Self {
            change: waiting.change,
            what: waiting.what,
            asker: waiting.asker.map(|device| device.to_vec()).unwrap_or_default(),
            asked: waiting.asked,
            due: waiting.due,
            operator_needed: waiting.operator != Operator::NotNeeded,
            operator_agreed: waiting.operator == Operator::Agreed,
            entry: waiting.entry,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::WaitingChange> for reply::Waiting {
    type Error = Malformed;

    fn try_from(waiting: proto::WaitingChange) -> Result<Self, Malformed> {
        Ok(Self {
            change: counter("waiting.change", waiting.change)?,
            what: word("waiting.what", waiting.what)?,
            asker: match waiting.asker.as_slice() {
                [] => None,
                device => Some(fixed("waiting.asker", device)?),
            },
            asked: counter("waiting.asked", waiting.asked)?,
            due: counter("waiting.due", waiting.due)?,
            operator: match (waiting.operator_needed, waiting.operator_agreed) {
                (false, _) => Operator::NotNeeded,
                (true, false) => Operator::Needed,
                (true, true) => Operator::Agreed,
            },
            entry: up_to("waiting.entry", waiting.entry, MAX_ENTRY)?,
        })
    }
}

/// Replies that say what waits now, if anything.
macro_rules! asked {
    ($($message:ident),*) => {$(
        impl From<reply::Asked> for proto::$message {
            fn from(asked: reply::Asked) -> Self {
                Self {
                    head: MessageField::some(asked.head.into()),
                    waiting: asked.waiting.map(Into::into).map_or_else(MessageField::none, MessageField::some),
                    ..Self::default()
                }
            }
        }

        impl TryFrom<proto::$message> for reply::Asked {
            type Error = Malformed;

            fn try_from(asked: proto::$message) -> Result<Self, Malformed> {
                Ok(Self {
                    head: head(asked.head)?,
                    waiting: asked.waiting.into_option().map(TryInto::try_into).transpose()?,
                })
            }
        }
    )*};
}

asked!(ChangeDevicesReply, SetFreezeReply, AskRecoveryReply);

impl From<reply::Shape> for proto::GetShapeReply {
    fn from(shape: reply::Shape) -> Self {
        let devices = shape.devices.into_iter().map(|(device, name)| proto::DeviceName {
            device: device.to_vec(),
            name,
            ..proto::DeviceName::default()
        });
        let freeze = shape.freeze.map(|(since, by)| proto::Freeze {
            since,
            by: by.to_vec(),
            ..proto::Freeze::default()
        });
        Self {
            head: MessageField::some(shape.head.into()),
            devices: devices.collect(),
            freeze: freeze.map_or_else(MessageField::none, MessageField::some),
            waiting: shape.waiting.into_iter().map(Into::into).collect(),
            parcel: shape.parcel,
            refresh_due: shape.refresh_due,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::GetShapeReply> for reply::Shape {
    type Error = Malformed;

    fn try_from(shape: proto::GetShapeReply) -> Result<Self, Malformed> {
        let device = |line: proto::DeviceName| {
            Ok((
                fixed("devices.device", &line.device)?,
                name("devices.name", &line.name)?.to_string(),
            ))
        };
        let freeze =
            |freeze: proto::Freeze| Ok((counter("freeze.since", freeze.since)?, fixed("freeze.by", &freeze.by)?));
        Ok(Self {
            head: head(shape.head)?,
            devices: each(counted("devices", shape.devices, 0, MAX_DEVICES)?, device)?,
            freeze: shape.freeze.into_option().map(freeze).transpose()?,
            waiting: each(counted("waiting", shape.waiting, 0, WAITING)?, TryInto::try_into)?,
            parcel: up_to("parcel", shape.parcel, PARCEL_BYTES)?,
            refresh_due: shape.refresh_due,
        })
    }
}

impl From<reply::DeviceInvited> for proto::InviteDeviceReply {
    fn from(invited: reply::DeviceInvited) -> Self {
        Self {
            head: MessageField::some(invited.head.into()),
            code: invited.code.to_vec(),
            expires: invited.expires,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::InviteDeviceReply> for reply::DeviceInvited {
    type Error = Malformed;

    fn try_from(invited: proto::InviteDeviceReply) -> Result<Self, Malformed> {
        Ok(Self {
            head: head(invited.head)?,
            code: fixed("code", &invited.code)?,
            expires: counter("expires", invited.expires)?,
        })
    }
}
