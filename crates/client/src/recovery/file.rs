//! Files that people carry between machines: text that says what it is, with the content in lines of base64.
//!
//! Around the content is whatever a person should read; nothing there is believed. A file whose last line is missing was
//! not copied whole, and is told apart from one that was changed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::keystore::record::{Reader, Writer};
use crate::port::KeystoreFault;

/// Most bytes of such a file. The largest hold a package of as many refreshes as there may be, each with envelopes as long
/// as a device in a thief's hands may make them.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Characters of base64 in a line, as age and PEM have it.
const LINE: usize = 64;
/// Format of every kind's content.
const VERSION: u8 = 1;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A recovery package.
    Package,
    /// The device asks recovery to sign.
    Request,
    /// Recovery's half of a signature.
    Reply,
    /// Who recovery is, and its first message for a new wallet.
    Opening,
    /// Recovery's own state while a wallet is made, sealed to its words.
    State,
    /// What device and server did for a new wallet, for recovery to judge.
    ToRecovery,
    /// Recovery's part of a new wallet.
    FromRecovery,
    /// Who new words are that are to take the place of a wallet's old ones, and what they take their share under.
    NewWords,
    /// What device and server did for new words.
    ToNewWords,
    /// What new words sealed to themselves.
    FromNewWords,
    /// A device asks words on another machine to speak for it, or to give it a lost device's share.
    ToWords,
    /// What they answer, sealed to that device.
    FromWords,
}

impl FileKind {
    const ALL: [Self; 12] = [
        Self::Package,
        Self::Request,
        Self::Reply,
        Self::Opening,
        Self::State,
        Self::ToRecovery,
        Self::FromRecovery,
        Self::NewWords,
        Self::ToNewWords,
        Self::FromNewWords,
        Self::ToWords,
        Self::FromWords,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Package => "RECOVERY PACKAGE",
            Self::Request => "SIGNING REQUEST",
            Self::Reply => "SIGNING REPLY",
            Self::Opening => "RECOVERY OPENING",
            Self::State => "RECOVERY STATE",
            Self::ToRecovery => "MESSAGE TO RECOVERY",
            Self::FromRecovery => "MESSAGE FROM RECOVERY",
            Self::NewWords => "NEW RECOVERY WORDS",
            Self::ToNewWords => "MESSAGE TO NEW WORDS",
            Self::FromNewWords => "MESSAGE FROM NEW WORDS",
            Self::ToWords => "REQUEST TO WORDS",
            Self::FromWords => "ANSWER FROM WORDS",
        }
    }
}

impl core::fmt::Display for FileKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Package => "recovery package",
            Self::Request => "signing request",
            Self::Reply => "signing reply",
            Self::Opening => "recovery holder's opening (made by recovery new)",
            Self::State => "recovery holder's state (made by recovery new)",
            Self::ToRecovery => "message to the recovery holder (made by create --recovery)",
            Self::FromRecovery => "message from the recovery holder (made by recovery continue)",
            Self::NewWords => "new recovery words' opening (made by recovery new --replace)",
            Self::ToNewWords => "message to new recovery words (made by recovery replace)",
            Self::FromNewWords => "message from new recovery words (made by recovery continue)",
            Self::ToWords => "request to the recovery words (made by recover --ask, or recovery replace --ask)",
            Self::FromWords => "answer of the recovery words (made by recovery continue)",
        })
    }
}

/// Why a file can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileFault {
    /// Longer than any of ours.
    #[error("the file is larger than {MAX_BYTES} bytes, which no {0} is")]
    TooLarge(FileKind),
    /// None of our files.
    #[error("the file is no {0}")]
    Foreign(FileKind),
    /// Another of our files.
    #[error("the file is a {found}, and a {wanted} is needed")]
    Other {
        /// What it is.
        found: FileKind,
        /// What it should be.
        wanted: FileKind,
    },
    /// Its end is missing.
    #[error("the {0} ends early: copy the whole file again")]
    Cut(FileKind),
    /// Its content is not what was written.
    #[error("the {0} was damaged or changed on the way: copy it again from where it was made")]
    Damaged(FileKind),
    /// A newer version wrote it.
    #[error("the {kind} has format {found}, and this version reads {VERSION}: update twofold")]
    Newer {
        /// What it is.
        kind: FileKind,
        /// Its format.
        found: u8,
    },
}

/// Bytes between the two lines that name them, in lines of base64.
pub(crate) fn armor(label: &str, bytes: &[u8]) -> String {
    let packed = STANDARD.encode(bytes);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in packed.as_bytes().chunks(LINE) {
        // Base64 is ASCII.
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

/// The base64 between the two lines.
enum Found<'a> {
    None,
    Cut,
    Whole(&'a str),
}

fn between<'a>(label: &str, text: &'a str) -> Found<'a> {
    let begin = format!("-----BEGIN {label}-----");
    let Some((_, rest)) = text.split_once(&begin) else {
        return Found::None;
    };
    match rest.split_once(&format!("-----END {label}-----")) {
        Some((body, _)) => Found::Whole(body),
        None => Found::Cut,
    }
}

fn unpack(body: &str) -> Option<Vec<u8>> {
    let packed: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(packed).ok()
}

/// The bytes of one armored part of a text, if it is there and whole.
pub(crate) fn unarmor(label: &str, text: &str) -> Option<Vec<u8>> {
    match between(label, text) {
        Found::Whole(body) => unpack(body),
        Found::None | Found::Cut => None,
    }
}

/// A file of ours: what a person should read, then the content.
pub(crate) fn write(kind: FileKind, preamble: &str, content: &[u8]) -> String {
    format!(
        "{}\n\n{}",
        preamble.trim_end(),
        armor(&format!("TWOFOLD {}", kind.label()), content)
    )
}

/// The content of a file of ours.
pub(crate) fn read(kind: FileKind, text: &str) -> Result<Vec<u8>, FileFault> {
    if text.len() > MAX_BYTES {
        return Err(FileFault::TooLarge(kind));
    }
    match between(&format!("TWOFOLD {}", kind.label()), text) {
        Found::Whole(body) => unpack(body).ok_or(FileFault::Damaged(kind)),
        Found::Cut => Err(FileFault::Cut(kind)),
        Found::None => Err(match kind_of(text) {
            Some(found) => FileFault::Other { found, wanted: kind },
            None => FileFault::Foreign(kind),
        }),
    }
}

/// The part of a file that counts, without what is written around it for people.
#[must_use]
pub fn content(text: &str) -> &str {
    text.find("-----BEGIN TWOFOLD ").map_or(text, |start| &text[start..])
}

/// Which of our files a text is, if it is one.
#[must_use]
pub fn kind_of(text: &str) -> Option<FileKind> {
    let is = |kind: &FileKind| text.contains(&format!("-----BEGIN TWOFOLD {}-----", kind.label()));
    FileKind::ALL.into_iter().find(is)
}

/// Whether a text has both lines of a file of this kind: while it is still being copied, it has not.
#[must_use]
pub fn is_whole(kind: FileKind, text: &str) -> bool {
    matches!(between(&format!("TWOFOLD {}", kind.label()), text), Found::Whole(_))
}

/// Writes a content.
pub(crate) fn writer() -> Writer {
    Writer::new(VERSION)
}

/// Reads a content.
pub(crate) fn reader(kind: FileKind, bytes: &[u8]) -> Result<Reader<'_>, FileFault> {
    Reader::new("file", bytes, VERSION).map_err(|fault| read_fault(kind, &fault))
}

/// What a reader's complaint says of a file.
pub(crate) fn read_fault(kind: FileKind, fault: &KeystoreFault) -> FileFault {
    match fault {
        KeystoreFault::Newer { found, .. } => FileFault::Newer { kind, found: *found },
        _ => FileFault::Damaged(kind),
    }
}

#[cfg(test)]
mod tests;
