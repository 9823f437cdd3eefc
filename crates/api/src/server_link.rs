//! A server in one text: where it is and how to know it, for those who sign in there. Nothing in it is secret, and it opens
//! nothing: an app may ship it.
//!
//! The text is bech32m (BIP-350) with the prefix `twofoldserver`. Its bytes are a version (1) and the fields 1 to 3 of an
//! [`crate::invitation`].

use alloc::vec::Vec;
use core::{fmt, str::FromStr};

use bech32::{Bech32m, Hrp, primitives::decode::CheckedHrpstring};
use twofold_threshold::identity::IdentityKey;

use crate::{
    invitation::{InvitationFault, Trust, put_server, take_server},
    public_url::{PublicUrl, PublicUrlFault},
};

const PREFIX: Hrp = Hrp::parse_unchecked("twofoldserver");
const VERSION: u8 = 1;
/// More than any link has.
const CHARS: usize = 600;

/// Where a server is, and how to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLink {
    /// Where the server is.
    pub url: PublicUrl,
    /// What makes its certificate good.
    pub trust: Trust,
    /// The server's identity key: the root of all that it signs.
    pub server: IdentityKey,
}

/// Why a text is no [`ServerLink`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerLinkFault {
    /// Not bech32m: a character is missing or mistyped.
    #[error("the server's link is mistyped or incomplete: copy all of it again")]
    Mistyped,
    /// Good bech32m that is something else.
    #[error("this is no server's link: it begins with twofoldserver1, and `twofold-server link` shows it")]
    Foreign,
    /// Made by a version of Twofold with another format.
    #[error("the server's link was made by another version of Twofold: update the older side")]
    Version,
    /// A field is missing, doubled, out of order or of the wrong length.
    #[error("the server's link is malformed: ask the operator for it again")]
    Malformed,
    /// The URL in it can't be used.
    #[error(transparent)]
    Url(#[from] PublicUrlFault),
}

impl fmt::Display for ServerLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::from([VERSION]);
        put_server(&mut bytes, &self.url, &self.trust, &self.server);
        bech32::encode_lower_to_fmt::<Bech32m, _>(f, PREFIX, &bytes).map_err(|_| fmt::Error)
    }
}

impl FromStr for ServerLink {
    type Err = ServerLinkFault;

    /// Lower or upper case, white space around it ignored.
    fn from_str(text: &str) -> Result<Self, ServerLinkFault> {
        let text = text.trim();
        if text.len() > CHARS {
            return Err(ServerLinkFault::Mistyped);
        }
        let checked = CheckedHrpstring::new::<Bech32m>(text).map_err(|_| ServerLinkFault::Mistyped)?;
        if checked.hrp() != PREFIX {
            return Err(ServerLinkFault::Foreign);
        }
        let bytes: Vec<u8> = checked.byte_iter().collect();
        let (&version, rest) = bytes.split_first().ok_or(ServerLinkFault::Malformed)?;
        if version != VERSION {
            return Err(ServerLinkFault::Version);
        }
        let (url, trust, server, rest) = take_server(rest).map_err(|fault| match fault {
            InvitationFault::Url(fault) => fault.into(),
            _ => ServerLinkFault::Malformed,
        })?;
        let link = Self { url, trust, server };
        // Bits of padding that are not zero would give one link two spellings.
        let same = alloc::string::ToString::to_string(&link).eq_ignore_ascii_case(text);
        if rest.is_empty() && same {
            Ok(link)
        } else {
            Err(ServerLinkFault::Malformed)
        }
    }
}

#[cfg(test)]
mod tests;
