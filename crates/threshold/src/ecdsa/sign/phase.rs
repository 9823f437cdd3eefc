//! The library's messages of its first two phases, in bytes.

use dkls23_core::{
    protocols::{
        PartiesMessage,
        signing::{TransmitPhase1to2, TransmitPhase2to3},
    },
    utilities::{
        multiplication::{L, MulDataToReceiver, OT_WIDTH},
        ot::extension::{BATCH_SIZE, KAPPA, OTEDataToSender},
    },
};

use super::super::{
    curve::{Curve, index},
    pair::SetUp,
};
use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer},
    id::Party,
};

/// A salt of the library's commitments.
const SALT: usize = 64;

/// The library's first message.
#[derive(Clone)]
pub(super) struct First {
    binding: [u8; 32],
    commitment: [u8; 32],
    extension: OTEDataToSender,
}

impl First {
    pub(super) fn of(message: &TransmitPhase1to2) -> Self {
        Self {
            binding: message.session_binding,
            commitment: message.commitment,
            extension: message.mul_transmit.clone(),
        }
    }

    /// As the library takes it from `set_up`'s other side.
    pub(super) fn library(self, set_up: &SetUp) -> TransmitPhase1to2 {
        TransmitPhase1to2 {
            parties: to_me(set_up),
            session_binding: self.binding,
            commitment: self.commitment,
            mul_transmit: self.extension,
        }
    }
}

fn to_me(set_up: &SetUp) -> PartiesMessage {
    PartiesMessage {
        sender: index(set_up.other().party),
        receiver: index(set_up.me),
    }
}

impl Encode for First {
    fn encode(&self, writer: Writer) -> Writer {
        let writer = writer
            .fixed(&self.binding)
            .fixed(&self.commitment)
            .fixed(&self.extension.nonce);
        let writer = self.extension.u.iter().fold(writer, |writer, row| writer.fixed(row));
        let writer = writer.fixed(&self.extension.verify_x);
        let rows = &self.extension.verify_t;
        rows.iter().fold(writer, |writer, row| writer.fixed(row))
    }
}

impl Decode for First {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let rows = usize::from(KAPPA);
        Ok(Self {
            binding: reader.array()?,
            commitment: reader.array()?,
            extension: OTEDataToSender {
                nonce: reader.array()?,
                u: reader.arrays(rows)?,
                verify_x: reader.array()?,
                verify_t: reader.arrays(rows)?,
            },
        })
    }
}

/// The library's second message.
#[derive(Clone)]
pub(super) struct Second(TransmitPhase2to3<Curve>);

impl Second {
    pub(super) fn of(message: &TransmitPhase2to3<Curve>) -> Result<Self, Fault> {
        if message.salt.len() == SALT {
            Ok(Self(message.clone()))
        } else {
            Err(FaultKind::Internal.into())
        }
    }

    /// As the library takes it from `set_up`'s other side.
    pub(super) fn library(mut self, set_up: &SetUp) -> TransmitPhase2to3<Curve> {
        self.0.parties = to_me(set_up);
        self.0
    }
}

impl Encode for Second {
    fn encode(&self, writer: Writer) -> Writer {
        let Self(message) = self;
        let writer = writer
            .fixed(&message.session_binding)
            .point(&message.gamma_u)
            .point(&message.gamma_v)
            .scalar(&message.psi)
            .point(&message.public_share)
            .point(&message.instance_point)
            .fixed(&message.salt);
        let multiplied = &message.mul_transmit;
        let rows = &multiplied.vector_of_tau;
        rows.iter()
            .fold(writer, |writer, row| writer.scalars(row))
            .fixed(&multiplied.ote_salt)
            .fixed(&multiplied.verify_r)
            .scalars(&multiplied.verify_u)
            .scalars(&multiplied.gamma_sender)
    }
}

impl Decode for Second {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        // Whose it is, and for whom, the message's head says.
        let nobody = PartiesMessage {
            sender: index(Party::Server),
            receiver: index(Party::Server),
        };
        Ok(Self(TransmitPhase2to3 {
            parties: nobody,
            session_binding: reader.array()?,
            gamma_u: reader.point()?,
            gamma_v: reader.point()?,
            psi: reader.scalar()?,
            public_share: reader.point()?,
            instance_point: reader.point()?,
            salt: reader.array::<SALT>()?.to_vec(),
            mul_transmit: MulDataToReceiver {
                vector_of_tau: (0..OT_WIDTH)
                    .map(|_| reader.scalars(usize::from(BATCH_SIZE)))
                    .collect::<Result<_, _>>()?,
                ote_salt: reader.array()?,
                verify_r: reader.array()?,
                verify_u: reader.scalars(usize::from(L))?,
                gamma_sender: reader.scalars(usize::from(L))?,
            },
        }))
    }
}
