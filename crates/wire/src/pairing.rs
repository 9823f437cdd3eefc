//! A pairing's request and reply.

use buffa::MessageField;
use twofold_api::{
    limits::{LETTER_BYTES, LETTERS},
    reply, request,
};

use crate::{
    malformed::Malformed,
    parts::{bounded, counted, each, fixed, head, optional_checkpoint, up_to, wallet},
    proto,
};

impl TryFrom<proto::PairDeviceRequest> for request::PairDevice {
    type Error = Malformed;

    fn try_from(pair: proto::PairDeviceRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&pair.wallet)?,
            code: fixed("code", &pair.code)?,
            letter: up_to("letter", pair.letter, LETTER_BYTES)?,
            checkpoint: optional_checkpoint(pair.checkpoint)?,
        })
    }
}

impl From<&request::PairDevice> for proto::PairDeviceRequest {
    fn from(pair: &request::PairDevice) -> Self {
        Self {
            wallet: pair.wallet.0.to_vec(),
            code: pair.code.to_vec(),
            letter: pair.letter.clone(),
            checkpoint: pair.checkpoint.map(|checkpoint| checkpoint.to_bytes()),
            ..Self::default()
        }
    }
}

impl From<reply::Pairing> for proto::PairDeviceReply {
    fn from(pairing: reply::Pairing) -> Self {
        Self {
            head: MessageField::some(pairing.head.into()),
            letters: pairing.letters,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::PairDeviceReply> for reply::Pairing {
    type Error = Malformed;

    fn try_from(pairing: proto::PairDeviceReply) -> Result<Self, Malformed> {
        let letters = counted("letters", pairing.letters, 0, LETTERS)?;
        Ok(Self {
            head: head(pairing.head)?,
            letters: each(letters, |letter| bounded("letters", letter, LETTER_BYTES))?,
        })
    }
}
