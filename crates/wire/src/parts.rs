//! The checks that single fields go through, and the messages inside of messages.

use buffa::MessageField;
use twofold_api::{
    limits::{MESSAGE_BYTES, PERSON_BYTES},
    reply::Head,
    request::Name,
    seal_key::{OFFER_BYTES, SEALED_BYTES, SealedUnlockKey},
};
use twofold_threshold::{
    checkpoint::Checkpoint,
    envelope::SealPublic,
    id::{EpochId, WalletId},
    sign::Commitment,
};

use crate::{
    malformed::{Malformed, Problem},
    proto,
};

/// Exactly `N` bytes.
pub(crate) fn fixed<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], Malformed> {
    bytes.try_into().map_err(|_| Malformed::new(field, Problem::Length(N)))
}

/// Some bytes, but not too many.
pub(crate) fn bounded(field: &'static str, bytes: Vec<u8>, max: usize) -> Result<Vec<u8>, Malformed> {
    if bytes.is_empty() {
        return Err(Malformed::new(field, Problem::Missing));
    }
    up_to(field, bytes, max)
}

/// Bytes that may be none, but not too many.
pub(crate) fn up_to(field: &'static str, bytes: Vec<u8>, max: usize) -> Result<Vec<u8>, Malformed> {
    if bytes.len() > max {
        return Err(Malformed::new(field, Problem::TooLong(max)));
    }
    Ok(bytes)
}

/// The canonical bytes of something that is read elsewhere.
pub(crate) fn message(field: &'static str, bytes: Vec<u8>) -> Result<Vec<u8>, Malformed> {
    bounded(field, bytes, MESSAGE_BYTES)
}

/// A list with as many entries as it may have.
pub(crate) fn counted<T>(field: &'static str, list: Vec<T>, min: usize, max: usize) -> Result<Vec<T>, Malformed> {
    if (min..=max).contains(&list.len()) {
        Ok(list)
    } else {
        Err(Malformed::new(field, Problem::Count(min, max)))
    }
}

/// Every entry converted, in order.
pub(crate) fn each<T, U>(list: Vec<T>, convert: impl FnMut(T) -> Result<U, Malformed>) -> Result<Vec<U>, Malformed> {
    list.into_iter().map(convert).collect()
}

/// A message that must be there.
pub(crate) fn required<T: Default, P: buffa::ProtoBox<T>>(
    field: &'static str,
    message: MessageField<T, P>,
) -> Result<T, Malformed> {
    message.into_option().ok_or(Malformed::new(field, Problem::Missing))
}

/// A number no larger than what databases and other languages' integers hold.
pub(crate) fn counter(field: &'static str, number: u64) -> Result<u64, Malformed> {
    if i64::try_from(number).is_ok() {
        Ok(number)
    } else {
        Err(Malformed::new(field, Problem::Range))
    }
}

pub(crate) fn name(field: &'static str, text: &str) -> Result<Name, Malformed> {
    text.parse()
        .map_err(|fault| Malformed::new(field, Problem::Name(fault)))
}

/// What an issuer is called, or what it calls a person.
pub(crate) fn called(field: &'static str, text: String) -> Result<String, Malformed> {
    if text.is_empty() {
        return Err(Malformed::new(field, Problem::Missing));
    }
    if text.len() > PERSON_BYTES {
        return Err(Malformed::new(field, Problem::TooLong(PERSON_BYTES)));
    }
    if text.chars().any(char::is_control) {
        return Err(Malformed::new(field, Problem::Control));
    }
    Ok(text)
}

/// A short word of lower-case letters and digits.
pub(crate) fn word(field: &'static str, text: String) -> Result<String, Malformed> {
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if plain && matches!(text.len(), 1..=16) {
        Ok(text)
    } else {
        Err(Malformed::new(field, Problem::Word))
    }
}

/// The name of a chain: lower-case letters, digits and slashes, at most 32.
pub(crate) fn chain(field: &'static str, text: String) -> Result<String, Malformed> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'/';
    if text.bytes().all(plain) && matches!(text.len(), 1..=32) {
        Ok(text)
    } else {
        Err(Malformed::new(field, Problem::Word))
    }
}

pub(crate) fn wallet(bytes: &[u8]) -> Result<WalletId, Malformed> {
    fixed("wallet", bytes).map(WalletId)
}

/// Where a list goes on; empty at its beginning and end.
pub(crate) fn after(bytes: &[u8]) -> Result<Option<[u8; 16]>, Malformed> {
    if bytes.is_empty() {
        return Ok(None);
    }
    fixed("after", bytes).map(Some)
}

pub(crate) fn commitment(field: &'static str, bytes: &[u8]) -> Result<Commitment, Malformed> {
    fixed::<{ Commitment::LEN }>(field, bytes)?
        .as_slice()
        .try_into()
        .map_err(|_| Malformed::new(field, Problem::Canonical))
}

pub(crate) fn checkpoint(bytes: &[u8]) -> Result<Checkpoint, Malformed> {
    fixed::<{ Checkpoint::LEN }>("checkpoint", bytes)?
        .as_slice()
        .try_into()
        .map_err(|_| Malformed::new("checkpoint", Problem::Canonical))
}

pub(crate) fn seal_key(bytes: &[u8]) -> Result<SealPublic, Malformed> {
    fixed::<32>("seal_key", bytes)?
        .as_slice()
        .try_into()
        .map_err(|_| Malformed::new("seal_key", Problem::Canonical))
}

pub(crate) fn optional_checkpoint(bytes: Option<Vec<u8>>) -> Result<Option<Checkpoint>, Malformed> {
    bytes.map(|bytes| checkpoint(&bytes)).transpose()
}

impl TryFrom<proto::EpochId> for EpochId {
    type Error = Malformed;

    fn try_from(epoch: proto::EpochId) -> Result<Self, Malformed> {
        Ok(Self {
            number: epoch.number,
            transcript: fixed("epoch.transcript", &epoch.transcript)?,
        })
    }
}

impl From<&EpochId> for proto::EpochId {
    fn from(epoch: &EpochId) -> Self {
        Self {
            number: epoch.number,
            transcript: epoch.transcript.to_vec(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::SealedUnlockKey> for SealedUnlockKey {
    type Error = Malformed;

    fn try_from(unlock: proto::SealedUnlockKey) -> Result<Self, Malformed> {
        Ok(Self {
            key_id: fixed("unlock.key_id", &unlock.key_id)?,
            ciphertext: fixed::<SEALED_BYTES>("unlock.ciphertext", &unlock.ciphertext)?,
        })
    }
}

impl From<&SealedUnlockKey> for proto::SealedUnlockKey {
    fn from(unlock: &SealedUnlockKey) -> Self {
        Self {
            key_id: unlock.key_id.to_vec(),
            ciphertext: unlock.ciphertext.to_vec(),
            ..Self::default()
        }
    }
}

impl From<Head> for proto::ReplyHead {
    fn from(head: Head) -> Self {
        Self {
            checkpoint: head.checkpoint,
            seal_key: head.seal_key,
            time: head.time,
            waiting: head.waiting,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::ReplyHead> for Head {
    type Error = Malformed;

    fn try_from(head: proto::ReplyHead) -> Result<Self, Malformed> {
        Ok(Self {
            checkpoint: head
                .checkpoint
                .map(|bytes| fixed::<{ Checkpoint::LEN }>("head.checkpoint", &bytes).map(|_| bytes))
                .transpose()?,
            seal_key: fixed::<OFFER_BYTES>("head.seal_key", &head.seal_key).map(|_| head.seal_key)?,
            time: counter("head.time", head.time)?,
            waiting: head.waiting,
        })
    }
}

pub(crate) fn head<P: buffa::ProtoBox<proto::ReplyHead>>(
    head: MessageField<proto::ReplyHead, P>,
) -> Result<Head, Malformed> {
    required("head", head)?.try_into()
}
