//! A line of the anchor: its number, what it says, and the server's signature over both and the anchor's name. So a line
//! can't be made by who has the file alone, nor be moved to another anchor; one that is cut off the end is missed by the
//! number that the database has.

use std::{fmt, str::FromStr};

use twofold_threshold::{
    id::{EpochId, WalletId},
    identity::{Domain, IdentityKey, IdentitySecret, Signature64},
};

use crate::port::anchor::{AnchorFault, Mark};

const DOMAIN: Domain = Domain::new("anchor");
const BEGUN: &str = "twofold-anchor/1";
const INSTANCE: &str = "instance";
const MARK: &str = "mark";
const FROZEN: &str = "frozen";

/// 16 random bytes: of an anchor, or of a server from one start to the next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Token(pub(super) [u8; 16]);

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// The first line: the anchor's name.
    Begun(Token),
    /// A server starts; whoever is named last is the one that runs.
    Instance(Token),
    /// A wallet is about to change.
    Mark(Mark),
}

/// A line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) body: Body,
    signature: Signature64,
}

impl Line {
    pub(super) fn sign(anchor: Token, number: u64, body: Body, server: &IdentitySecret) -> Self {
        let signature = server.sign(DOMAIN, &signed(anchor, number, &body));
        Self {
            number,
            body,
            signature,
        }
    }

    /// Whether `server` signed it for this anchor.
    pub(super) fn verify(&self, anchor: Token, server: &IdentityKey) -> Result<(), AnchorFault> {
        server
            .verify(DOMAIN, &signed(anchor, self.number, &self.body), &self.signature)
            .map_err(|_| AnchorFault::Damaged(format!("line {} is not signed by this server", self.number)))
    }
}

fn signed(anchor: Token, number: u64, body: &Body) -> Vec<u8> {
    format!("{anchor} {number} {body}").into_bytes()
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.number, self.body, Hex(&self.signature.0))
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begun(name) => write!(f, "{BEGUN} {name}"),
            Self::Instance(token) => write!(f, "{INSTANCE} {token}"),
            Self::Mark(mark) => write!(
                f,
                "{MARK} {} {} {} {}{}{}",
                mark.wallet,
                mark.epoch.number,
                Hex(&mark.epoch.transcript),
                Hex(&mark.list),
                if mark.frozen { " " } else { "" },
                if mark.frozen { FROZEN } else { "" }
            ),
        }
    }
}

impl FromStr for Line {
    type Err = AnchorFault;

    fn from_str(text: &str) -> Result<Self, AnchorFault> {
        read(text).ok_or_else(|| {
            let shown: String = text.chars().take(24).collect();
            AnchorFault::Damaged(format!("`{shown}` begins no line of an anchor"))
        })
    }
}

fn read(text: &str) -> Option<Line> {
    let mut words = text.split(' ');
    let number = words.next()?.parse().ok()?;
    let body = match words.next()? {
        BEGUN => Body::Begun(Token(bytes(words.next()?)?)),
        INSTANCE => Body::Instance(Token(bytes(words.next()?)?)),
        MARK => Body::Mark(Mark {
            wallet: WalletId(bytes(words.next()?)?),
            epoch: EpochId {
                number: words.next()?.parse().ok()?,
                transcript: bytes(words.next()?)?,
            },
            list: bytes(words.next()?)?,
            frozen: words.clone().next() == Some(FROZEN) && words.next().is_some(),
        }),
        _ => return None,
    };
    let signature = Signature64(bytes(words.next()?)?);
    let line = Line {
        number,
        body,
        signature,
    };
    // One encoding a line.
    (words.next().is_none() && line.to_string() == text).then_some(line)
}

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if hex.len() != 2 * N {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}
