//! What a person carries between two machines when one is added to a wallet: texts that fit a QR code.
//!
//! The machine that is in the wallet shows an [`Introduction`]; the new one answers with its [`Card`]. Each names keys
//! whole, so whoever carries the texts vouches for the keys, and no server does. Both are bech32m (BIP-350), with the
//! prefixes `twofoldadd` and `twofoldkey`.

use alloc::{string::ToString as _, vec::Vec};
use core::{fmt, str::FromStr};

use bech32::{Bech32m, Hrp, primitives::decode::CheckedHrpstring};
use twofold_threshold::{envelope::SealPublic, id::WalletId, identity::IdentityKey};

use crate::invitation::{Invitation, InvitationFault};

const ADD: Hrp = Hrp::parse_unchecked("twofoldadd");
const KEY: Hrp = Hrp::parse_unchecked("twofoldkey");
const VERSION: u8 = 1;
/// More than any of the texts has.
const CHARS: usize = 900;

/// What a new machine needs to join the wallet of another.
#[derive(PartialEq, Eq)]
pub struct Introduction {
    /// Which wallet.
    pub wallet: WalletId,
    /// The identity of the machine that shows this.
    pub device: IdentityKey,
    /// The way to the server, with a code that works once.
    pub invitation: Invitation,
}

/// The keys of a new machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Which wallet it wants to be in.
    pub wallet: WalletId,
    /// Its identity.
    pub identity: IdentityKey,
    /// What is for it is sealed to this.
    pub sealing: SealPublic,
}

/// Why a text is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PairingFault {
    /// Not bech32m: a character is missing or mistyped.
    #[error("the text is mistyped or incomplete: copy all of it again")]
    Mistyped,
    /// Good bech32m that is something else.
    #[error("this is not what the other machine showed: a text that begins with {0}")]
    Foreign(&'static str),
    /// Made by a version of Twofold with another format.
    #[error("the text was made by another version of Twofold: update the older side")]
    Version,
    /// It says something that can't be.
    #[error("the text is malformed: show it again on the other machine")]
    Malformed,
    /// The invitation in it can't be used.
    #[error(transparent)]
    Invitation(#[from] InvitationFault),
}

impl Introduction {
    /// Whether a text is meant as one.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        let start = text.trim().get(..ADD.as_str().len() + 1);
        start.is_some_and(|start| start.eq_ignore_ascii_case("twofoldadd1"))
    }
}

/// The bytes behind a prefix, if the text is the only spelling of them.
fn read(text: &str, prefix: Hrp, begins: &'static str) -> Result<Vec<u8>, PairingFault> {
    let text = text.trim();
    if text.len() > CHARS {
        return Err(PairingFault::Mistyped);
    }
    let checked = CheckedHrpstring::new::<Bech32m>(text).map_err(|_| PairingFault::Mistyped)?;
    if checked.hrp() != prefix {
        return Err(PairingFault::Foreign(begins));
    }
    let bytes: Vec<u8> = checked.byte_iter().collect();
    let (&version, rest) = bytes.split_first().ok_or(PairingFault::Malformed)?;
    if version == VERSION {
        Ok(rest.to_vec())
    } else {
        Err(PairingFault::Version)
    }
}

/// One spelling for one meaning: bits of padding that are not zero are none of ours.
fn only_spelling<T: fmt::Display>(read: T, text: &str) -> Result<T, PairingFault> {
    if read.to_string().eq_ignore_ascii_case(text.trim()) {
        Ok(read)
    } else {
        Err(PairingFault::Malformed)
    }
}

fn key(bytes: &[u8]) -> Result<(IdentityKey, &[u8]), PairingFault> {
    // One byte of algorithm, then 32 bytes of Ed25519 or 33 of P-256.
    let length = match bytes.first() {
        Some(1) => 33,
        Some(2) => 34,
        _ => return Err(PairingFault::Malformed),
    };
    let (key, rest) = bytes.split_at_checked(length).ok_or(PairingFault::Malformed)?;
    let key = IdentityKey::try_from(key).map_err(|_| PairingFault::Malformed)?;
    Ok((key, rest))
}

impl FromStr for Introduction {
    type Err = PairingFault;

    /// Lower or upper case, white space around it ignored.
    fn from_str(text: &str) -> Result<Self, PairingFault> {
        let bytes = read(text, ADD, "twofoldadd1")?;
        let (wallet, rest) = bytes.split_first_chunk::<16>().ok_or(PairingFault::Malformed)?;
        let (device, rest) = key(rest)?;
        let introduction = Self {
            wallet: WalletId(*wallet),
            device,
            invitation: Invitation::from_bytes(rest)?,
        };
        only_spelling(introduction, text)
    }
}

impl fmt::Display for Introduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::from([VERSION]);
        bytes.extend_from_slice(&self.wallet.0);
        bytes.extend_from_slice(&self.device.to_bytes());
        bytes.extend_from_slice(&self.invitation.to_bytes());
        bech32::encode_lower_to_fmt::<Bech32m, _>(f, ADD, &bytes).map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for Introduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Introduction({:?}, wallet {})", self.invitation, self.wallet)
    }
}

impl FromStr for Card {
    type Err = PairingFault;

    /// Lower or upper case, white space around it ignored.
    fn from_str(text: &str) -> Result<Self, PairingFault> {
        let bytes = read(text, KEY, "twofoldkey1")?;
        let (wallet, rest) = bytes.split_first_chunk::<16>().ok_or(PairingFault::Malformed)?;
        let (identity, rest) = key(rest)?;
        let card = Self {
            wallet: WalletId(*wallet),
            identity,
            sealing: SealPublic::try_from(rest).map_err(|_| PairingFault::Malformed)?,
        };
        only_spelling(card, text)
    }
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::from([VERSION]);
        bytes.extend_from_slice(&self.wallet.0);
        bytes.extend_from_slice(&self.identity.to_bytes());
        bytes.extend_from_slice(self.sealing.as_bytes());
        bech32::encode_lower_to_fmt::<Bech32m, _>(f, KEY, &bytes).map_err(|_| fmt::Error)
    }
}

#[cfg(test)]
mod tests;
