//! A list as whoever verified it keeps it: what comes after it can be verified without what came before.
//!
//! Nothing in these bytes is signed. They belong where nobody else writes, under a seal: they are believed as they are.

use alloc::vec::Vec;

use super::{Device, DeviceList, MAX_DEVICES, MAX_ENTRIES, Origin};
use crate::{
    Fault, FaultKind,
    codec::{self, Decode, Encode, Kind, Reader, Writer},
};

impl DeviceList {
    /// What the list came to, to be kept under a seal.
    #[must_use]
    pub fn to_kept_bytes(&self) -> Vec<u8> {
        Writer::new(Kind::DeviceList).field(self).finish()
    }

    /// What a list came to when it was verified. The bytes are believed: they are for whoever keeps them out of everybody
    /// else's reach.
    pub fn from_kept_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        codec::read(bytes, Kind::DeviceList)
    }
}

/// How many there are, at most so many.
fn count(reader: &mut Reader<'_>, most: usize) -> Result<usize, Fault> {
    let count = usize::try_from(reader.u32()?).map_err(|_| FaultKind::Count)?;
    if count > most {
        return Err(FaultKind::Count.into());
    }
    Ok(count)
}

fn bit(reader: &mut Reader<'_>) -> Result<bool, Fault> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(FaultKind::UnknownName.into()),
    }
}

fn len(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

impl Encode for DeviceList {
    fn encode(&self, writer: Writer) -> Writer {
        let writer = writer.field(&self.wallet).field(&self.recovery);
        let writer = match &self.replaced {
            None => writer.u8(0),
            Some(replaced) => writer.u8(1).field(replaced),
        };
        let writer = writer.fixed(&self.head).u32(self.len).u32(len(self.devices.len()));
        let writer = self.devices.iter().fold(writer, Writer::field);
        let writer = writer.u32(len(self.revoked.len()));
        self.revoked.iter().fold(writer, Writer::field)
    }
}

impl Decode for DeviceList {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            wallet: reader.field()?,
            recovery: reader.field()?,
            replaced: if bit(reader)? { Some(reader.field()?) } else { None },
            head: reader.array()?,
            len: reader.u32()?,
            devices: (0..count(reader, MAX_DEVICES)?)
                .map(|_| reader.field())
                .collect::<Result<_, _>>()?,
            revoked: (0..count(reader, MAX_ENTRIES)?)
                .map(|_| reader.field())
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Encode for Device {
    fn encode(&self, writer: Writer) -> Writer {
        let writer = writer
            .field(&self.identity)
            .field(&self.sealing)
            .u8(u8::from(self.approver))
            .u8(u8::from(self.confirmed));
        match &self.origin {
            Origin::First => writer.u8(0),
            Origin::Alone(device) => writer.u8(1).field(device),
            Origin::Together => writer.u8(2),
            Origin::Recovered => writer.u8(3),
        }
    }
}

impl Decode for Device {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let identity: crate::identity::IdentityKey = reader.field()?;
        Ok(Self {
            id: identity.device_id(),
            identity,
            sealing: reader.field()?,
            approver: bit(reader)?,
            confirmed: bit(reader)?,
            origin: match reader.u8()? {
                0 => Origin::First,
                1 => Origin::Alone(reader.field()?),
                2 => Origin::Together,
                3 => Origin::Recovered,
                _ => return Err(FaultKind::UnknownName.into()),
            },
        })
    }
}
