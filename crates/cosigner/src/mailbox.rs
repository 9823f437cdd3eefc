//! Mailboxes in which two machines compare their keys before one is added to a wallet.
//!
//! They are in memory: whoever meets at a server that is restarted begins anew. Nothing that was put in is replaced, so a
//! code serves one meeting. The server reads none of it and vouches for none of it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use twofold_api::{
    Reason, Refusal,
    limits::{LETTERS, PAIRING_SECONDS},
};

use twofold_threshold::id::DeviceId;

use crate::port::record::UserId;

/// Most mailboxes at once; with the longest letters some 500 KiB.
const MOST: usize = 1_000;
/// Most of one user: as many as codes may be open in a wallet.
const MOST_OF_USER: usize = 5;

/// Whose letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The machine that is to be added: the first letter and the third.
    Newcomer,
    /// The device that adds it: the second.
    Host,
}

impl Side {
    const fn writes(self, place: usize) -> bool {
        match self {
            Self::Newcomer => place == 0 || place == 2,
            Self::Host => place == 1,
        }
    }
}

#[derive(Debug)]
struct Mailbox {
    user: UserId,
    /// Who put the first letter in: nobody else puts the third in.
    newcomer: DeviceId,
    ends: u64,
    letters: Vec<Vec<u8>>,
}

/// All mailboxes, by the hash of the code that opens them.
#[derive(Debug, Default)]
pub(crate) struct Mailboxes(Mutex<HashMap<[u8; 32], Mailbox>>);

impl Mailboxes {
    /// The letters of a meeting, `letter` put in where it is that side's turn; an empty one only looks.
    pub(crate) fn meet(
        &self,
        code: [u8; 32],
        (user, by): (UserId, DeviceId),
        side: Side,
        letter: Vec<u8>,
        now: u64,
    ) -> Result<Vec<Vec<u8>>, Refusal> {
        let mut boxes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        boxes.retain(|_, mailbox| mailbox.ends >= now);
        if letter.is_empty() {
            return Ok(boxes
                .get(&code)
                .map(|mailbox| mailbox.letters.clone())
                .unwrap_or_default());
        }
        let (written, newcomer) = match boxes.get(&code) {
            Some(mailbox) => (&mailbox.letters[..], mailbox.newcomer),
            None => (&[][..], by),
        };
        if side == Side::Newcomer && newcomer != by {
            return Err(Reason::InvitationInvalid.into());
        }
        if written
            .iter()
            .enumerate()
            .any(|(place, old)| side.writes(place) && *old == letter)
        {
            return Ok(written.to_vec());
        }
        if written.len() >= LETTERS || !side.writes(written.len()) {
            return Err(Refusal::new(
                Reason::OutOfOrder,
                "another letter stands there, or it is not this machine's turn: begin anew with another code",
            ));
        }
        if written.is_empty() {
            let his = boxes.values().filter(|mailbox| mailbox.user == user).count();
            if his >= MOST_OF_USER || boxes.len() >= MOST {
                return Err(Refusal::new(
                    Reason::QuotaExceeded,
                    "as many machines are being added as may be at once; wait until one is",
                )
                .retry_after(60));
            }
        }
        let mailbox = boxes.entry(code).or_insert_with(|| Mailbox {
            user,
            newcomer: by,
            ends: now.saturating_add(PAIRING_SECONDS),
            letters: Vec::new(),
        });
        mailbox.letters.push(letter);
        Ok(mailbox.letters.clone())
    }
}

#[cfg(test)]
mod tests;
