//! Which protocol a client speaks, and which client it is.

use alloc::string::String;
use core::fmt;

use super::field::parse_integer;
use crate::limits::PROTOCOL;

/// Most characters in a client's name and version.
const SDK_CHARS: usize = 64;

/// The `Twofold-Protocol` header: `1;sdk="name/version"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol {
    major: u32,
    sdk: String,
}

/// The client's name and version can't be sent: 1 to 64 letters, digits and `._+-`, with one `/` between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client's name and version must look like `name/1.2.3`, in at most 64 plain characters")]
pub struct ProtocolFault;

impl Protocol {
    /// The protocol spoken here, by a client called `sdk`, such as `twofold-cli/0.1.0`.
    pub fn current(sdk: &str) -> Result<Self, ProtocolFault> {
        if is_sdk(sdk) {
            Ok(Self {
                major: PROTOCOL,
                sdk: sdk.into(),
            })
        } else {
            Err(ProtocolFault)
        }
    }

    /// The major version. A server refuses one that it does not speak with `UPGRADE_REQUIRED`.
    #[must_use]
    pub const fn major(&self) -> u32 {
        self.major
    }

    /// The client's name and version. It says nothing that could be relied on.
    #[must_use]
    pub fn sdk(&self) -> &str {
        &self.sdk
    }

    /// Reads the header; a space after the semicolon is allowed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (major, rest) = text.split_once(';')?;
        let major = parse_integer(major)?.try_into().ok()?;
        let sdk = rest
            .strip_prefix(' ')
            .unwrap_or(rest)
            .strip_prefix("sdk=\"")?
            .strip_suffix('"')?;
        is_sdk(sdk).then(|| Self { major, sdk: sdk.into() })
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};sdk=\"{}\"", self.major, self.sdk)
    }
}

fn is_sdk(text: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b));
    text.len() <= SDK_CHARS
        && text
            .split_once('/')
            .is_some_and(|(name, version)| plain(name) && plain(version))
}
