//! Comparing the keys of two machines by a short authentication string, over a mailbox that nobody trusts.
//!
//! ```text
//! newcomer                            mailbox                            host, a device of the wallet
//!    | Commitment: a hash of its keys and a nonce   |                          |
//!    |--------------------------------------------->|------------------------->|
//!    |                                              |    Answer: its identity, |
//!    |<---------------------------------------------|<-- a nonce drawn now ----|
//!    | Reveal: its keys and nonce                   |                          |
//!    |--------------------------------------------->|------------------------->|
//!    |                        both show the string; a person compares          |
//! ```
//!
//! The string is six decimal digits of a hash over the wallet, the server, the one-time code that brought both here, both
//! machines' keys and both nonces. Whoever sits in between plays the host to one and the newcomer to the other, and needs
//! both to come to one string. It is bound to the keys and the nonce that it shows the host before the host draws its own;
//! and it has to answer the newcomer before it knows what that is committed to. Whichever side it ends first, the other
//! side's string is then random to it: it is right once in a million, and has one try each time a person runs both commands
//! anew. A try that fails shows two different strings. So six digits do where a key's own fingerprint would need twenty
//! times as many: nothing can be tried in advance (Vaudenay, "Secure communications over insecure channels based on short
//! authenticated strings", 2005; RFC 6189 commits to its keys the same way).
//!
//! Each side's state is consumed by the one message that it waits for: a second answer, or a second reveal, finds nobody.

use alloc::vec::Vec;
use core::fmt;

use rand_core::{CryptoRng, RngCore};

use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    envelope::SealPublic,
    hash,
    id::WalletId,
    identity::IdentityKey,
};

/// Most bytes of one message.
pub const MAX_LETTER: usize = 128;
/// How many strings there are.
const STRINGS: u64 = 1_000_000;

/// What both machines know before they meet. Whoever changes it for one of them changes that one's string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// The wallet that the newcomer is to be added to.
    pub wallet: WalletId,
    /// The server's identity.
    pub server: IdentityKey,
    /// The identity of the device that adds it.
    pub host: IdentityKey,
    /// The code that works once.
    pub code: [u8; 16],
}

/// The keys of a new machine: what it signs with, and what is sealed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewKeys {
    /// Its identity.
    pub identity: IdentityKey,
    /// Its first sealing key.
    pub sealing: SealPublic,
}

/// The string that both machines show: `123 456`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortString(u32);

impl fmt::Display for ShortString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03} {:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

/// First message: the newcomer is bound to what it will reveal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment([u8; 32]);

/// Second message: the host's identity and its nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    host: IdentityKey,
    nonce: [u8; 32],
}

/// Third message: what the newcomer was bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reveal {
    keys: NewKeys,
    nonce: [u8; 32],
}

impl Meeting {
    fn commitment(&self, reveal: &Reveal) -> Commitment {
        Commitment(hash::tagged(
            "twofold/pairing/commitment",
            &[&self.wallet.0, &self.code, &reveal.to_bytes()],
        ))
    }

    fn string(&self, answer: &Answer, reveal: &Reveal) -> ShortString {
        let hash = hash::tagged(
            "twofold/pairing/string",
            &[
                &self.wallet.0,
                &self.server.to_bytes(),
                &self.host.to_bytes(),
                &self.code,
                &answer.to_bytes(),
                &reveal.to_bytes(),
            ],
        );
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        // 2^64 is so much more than a million that each string is as likely as another.
        ShortString(u32::try_from(u64::from_be_bytes(first) % STRINGS).unwrap_or_default())
    }
}

/// The new machine, bound and waiting for the host's answer. It lives in memory: whoever begins again begins anew.
#[must_use]
pub struct Newcomer {
    meeting: Meeting,
    reveal: Reveal,
}

impl Newcomer {
    /// Commits to the new machine's keys.
    pub fn begin(meeting: Meeting, keys: NewKeys, rng: &mut (impl RngCore + CryptoRng)) -> (Self, Commitment) {
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let reveal = Reveal { keys, nonce };
        let commitment = meeting.commitment(&reveal);
        (Self { meeting, reveal }, commitment)
    }

    /// Takes the host's answer, the first one that comes and no other, and opens what it was bound to.
    pub fn receive(self, answer: &Answer) -> Result<(Reveal, ShortString), Fault> {
        if answer.host != self.meeting.host {
            return Err(FaultKind::UnexpectedIdentity.into());
        }
        let string = self.meeting.string(answer, &self.reveal);
        Ok((self.reveal, string))
    }
}

impl fmt::Debug for Newcomer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("pairing::Newcomer").finish_non_exhaustive()
    }
}

/// The device that adds a machine, once that machine is bound.
#[must_use]
pub struct Host {
    meeting: Meeting,
    commitment: Commitment,
    answer: Answer,
}

impl Host {
    /// Answers a commitment. The nonce is drawn here and not before: what it answers is bound already.
    pub fn answer(meeting: Meeting, commitment: Commitment, rng: &mut (impl RngCore + CryptoRng)) -> (Self, Answer) {
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let answer = Answer {
            host: meeting.host,
            nonce,
        };
        let host = Self {
            meeting,
            commitment,
            answer: answer.clone(),
        };
        (host, answer)
    }

    /// Takes what the newcomer reveals: its keys, to be added when the person has said that both strings are one.
    pub fn receive(self, reveal: &Reveal) -> Result<(NewKeys, ShortString), Fault> {
        if self.meeting.commitment(reveal) != self.commitment {
            return Err(FaultKind::Equivocation.into());
        }
        Ok((reveal.keys, self.meeting.string(&self.answer, reveal)))
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("pairing::Host").finish_non_exhaustive()
    }
}

impl Commitment {
    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new(Kind::PairingCommitment).fixed(&self.0).finish()
    }
}

impl TryFrom<&[u8]> for Commitment {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::PairingCommitment)?;
        let commitment = Self(reader.array()?);
        reader.finish()?;
        Ok(commitment)
    }
}

impl Answer {
    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new(Kind::PairingAnswer)
            .field(&self.host)
            .fixed(&self.nonce)
            .finish()
    }
}

impl TryFrom<&[u8]> for Answer {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::PairingAnswer)?;
        let answer = Self {
            host: reader.field()?,
            nonce: reader.array()?,
        };
        reader.finish()?;
        Ok(answer)
    }
}

impl Reveal {
    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new(Kind::PairingReveal)
            .field(&self.keys.identity)
            .field(&self.keys.sealing)
            .fixed(&self.nonce)
            .finish()
    }
}

impl TryFrom<&[u8]> for Reveal {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::PairingReveal)?;
        let keys = NewKeys {
            identity: reader.field()?,
            sealing: reader.field()?,
        };
        let reveal = Self {
            keys,
            nonce: reader.array()?,
        };
        reader.finish()?;
        Ok(reveal)
    }
}

#[cfg(test)]
mod tests;
