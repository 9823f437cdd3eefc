//! The operator's one-time invitation, as text that fits a chat line and a QR code.
//!
//! The text is bech32m (BIP-350) with the prefix `twofold`. Its bytes are a version (1) and then fields of one byte of
//! type, one of length, and the value, each exactly once and in this order: 1 the server's URL; 2 how to trust its
//! certificate (empty: the web's roots; 32 bytes: SHA-256 of the DER of the CA certificate that the server sends behind
//! its own); 3 the server's identity key; 4 the code, 16 bytes; 5 when it expires, in seconds since 1970, 8 bytes
//! big-endian.

use alloc::{string::String, vec::Vec};
use core::{fmt, str::FromStr};

use bech32::{Bech32m, Hrp, primitives::decode::CheckedHrpstring};
use twofold_threshold::identity::IdentityKey;

use crate::public_url::{PublicUrl, PublicUrlFault};

const PREFIX: Hrp = Hrp::parse_unchecked("twofold");
const VERSION: u8 = 1;
/// More than any invitation has.
const CHARS: usize = 700;

/// What a person needs to join a server: where it is, how to know it, and a code that works once.
///
/// Whoever holds the text can join in the person's place, so it prints without its code unless asked to be text.
#[derive(PartialEq, Eq)]
pub struct Invitation {
    /// Where the server is.
    pub url: PublicUrl,
    /// What makes its certificate good.
    pub trust: Trust,
    /// The server's identity key: the root of all that it signs.
    pub server: IdentityKey,
    /// The one-time code.
    pub code: [u8; 16],
    /// When the code dies, in seconds since 1970.
    pub expires: u64,
}

/// What makes a server's TLS certificate good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The certificate authorities of the web.
    WebRoots,
    /// One private authority, by the SHA-256 of its certificate's DER.
    Authority([u8; 32]),
}

/// Why a text is no [`Invitation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvitationFault {
    /// Not bech32m: a character is missing or mistyped.
    #[error("the invitation is mistyped or incomplete: copy all of it again")]
    Mistyped,
    /// Good bech32m that is something else.
    #[error("this is no Twofold invitation")]
    Foreign,
    /// Made by a version of Twofold with another format.
    #[error("the invitation was made by another version of Twofold: update the older side")]
    Version,
    /// A field is missing, doubled, out of order or of the wrong length.
    #[error("the invitation is malformed: ask the operator for a new one")]
    Malformed,
    /// The URL in it can't be used.
    #[error(transparent)]
    Url(#[from] PublicUrlFault),
}

impl Invitation {
    /// Upper-case text: QR codes hold it in fewer modules.
    #[must_use]
    pub fn to_qr_text(&self) -> String {
        // A text of at most 200 bytes of URL stays well under bech32m's 1023 characters.
        bech32::encode_upper::<Bech32m>(PREFIX, &self.to_bytes()).unwrap_or_default()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from([VERSION]);
        put_server(&mut bytes, &self.url, &self.trust, &self.server);
        put(&mut bytes, 4, &self.code);
        put(&mut bytes, 5, &self.expires.to_be_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, InvitationFault> {
        let (&version, rest) = bytes.split_first().ok_or(InvitationFault::Malformed)?;
        if version != VERSION {
            return Err(InvitationFault::Version);
        }
        let (url, trust, server, rest) = take_server(rest)?;
        let (code, rest) = field(rest, 4)?;
        let (expires, rest) = field(rest, 5)?;
        if !rest.is_empty() {
            return Err(InvitationFault::Malformed);
        }
        Ok(Self {
            url,
            trust,
            server,
            code: code.try_into().map_err(|_| InvitationFault::Malformed)?,
            expires: u64::from_be_bytes(expires.try_into().map_err(|_| InvitationFault::Malformed)?),
        })
    }
}

fn put(bytes: &mut Vec<u8>, kind: u8, value: &[u8]) {
    bytes.push(kind);
    // No field is longer than a URL's 200 bytes.
    bytes.push(u8::try_from(value.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(value);
}

/// The fields 1 to 3: where a server is and how to know it.
pub(crate) fn put_server(bytes: &mut Vec<u8>, url: &PublicUrl, trust: &Trust, server: &IdentityKey) {
    put(bytes, 1, url.as_str().as_bytes());
    match trust {
        Trust::WebRoots => put(bytes, 2, &[]),
        Trust::Authority(hash) => put(bytes, 2, hash),
    }
    put(bytes, 3, &server.to_bytes());
}

/// Takes them off the front.
pub(crate) fn take_server(bytes: &[u8]) -> Result<(PublicUrl, Trust, IdentityKey, &[u8]), InvitationFault> {
    let (url, rest) = field(bytes, 1)?;
    let (trust, rest) = field(rest, 2)?;
    let (server, rest) = field(rest, 3)?;
    let trust = match trust {
        [] => Trust::WebRoots,
        hash => Trust::Authority(hash.try_into().map_err(|_| InvitationFault::Malformed)?),
    };
    let url = core::str::from_utf8(url).map_err(|_| InvitationFault::Malformed)?;
    let server = IdentityKey::try_from(server).map_err(|_| InvitationFault::Malformed)?;
    Ok((url.parse()?, trust, server, rest))
}

/// Takes one field of the wanted type off the front.
fn field(bytes: &[u8], kind: u8) -> Result<(&[u8], &[u8]), InvitationFault> {
    match bytes.split_first_chunk::<2>() {
        Some((&[found, length], rest)) if found == kind => {
            rest.split_at_checked(length.into()).ok_or(InvitationFault::Malformed)
        }
        _ => Err(InvitationFault::Malformed),
    }
}

impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bech32::encode_lower_to_fmt::<Bech32m, _>(f, PREFIX, &self.to_bytes()).map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Invitation(to {}, code redacted, expires {})",
            self.url, self.expires
        )
    }
}

impl FromStr for Invitation {
    type Err = InvitationFault;

    /// Lower or upper case, white space around it ignored.
    fn from_str(text: &str) -> Result<Self, InvitationFault> {
        let text = text.trim();
        if text.len() > CHARS {
            return Err(InvitationFault::Mistyped);
        }
        let checked = CheckedHrpstring::new::<Bech32m>(text).map_err(|_| InvitationFault::Mistyped)?;
        if checked.hrp() != PREFIX {
            return Err(InvitationFault::Foreign);
        }
        let invitation = Self::from_bytes(&checked.byte_iter().collect::<Vec<u8>>())?;
        // Bits of padding that are not zero would give one invitation two spellings.
        let same = alloc::string::ToString::to_string(&invitation).eq_ignore_ascii_case(text);
        if same {
            Ok(invitation)
        } else {
            Err(InvitationFault::Malformed)
        }
    }
}

#[cfg(test)]
mod tests;
