//! A place for named, sealed bytes.

use core::fmt;
use core::future::Future;
use core::str::FromStr;

/// The name of a blob: 1 to 80 characters of `a-z`, `0-9`, `-` and `.`, starting with a letter. Fit for a file name
/// everywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobName(String);

/// A text that is no [`BlobName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a keystore item")]
pub struct BlobNameFault;

impl FromStr for BlobName {
    type Err = BlobNameFault;

    fn from_str(text: &str) -> Result<Self, BlobNameFault> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        if text.len() > 80 || !text.starts_with(|c: char| c.is_ascii_lowercase()) || !text.chars().all(plain) {
            return Err(BlobNameFault);
        }
        Ok(Self(text.into()))
    }
}

impl BlobName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why the place for blobs, or what lies in it, can't be used. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeystoreFault {
    /// Another process holds it.
    #[error("another twofold command is using {place}; wait for it to end, then run this one again")]
    Busy {
        /// Where it is.
        place: String,
    },
    /// Others could read or replace it.
    #[error("{place} is open to other users ({why}); run: chmod {fix} {place}")]
    Exposed {
        /// Where it is.
        place: String,
        /// What is loose.
        why: String,
        /// The mode it should have.
        fix: &'static str,
    },
    /// Something else stands where it should be.
    #[error("{place} is not what it should be: {why}; move it away or set TWOFOLD_HOME to another folder")]
    Misplaced {
        /// Where it is.
        place: String,
        /// What was found.
        why: String,
    },
    /// Reading or writing failed.
    #[error("{doing} {place} failed: {why}")]
    Broken {
        /// What was being done.
        doing: &'static str,
        /// Where.
        place: String,
        /// What the system said.
        why: String,
    },
    /// There is no keystore yet.
    #[error("there is no keystore here yet; start with: twofold join INVITATION")]
    Absent,
    /// There is one already.
    #[error("there is a keystore here already")]
    Exists,
    /// The passphrase opens nothing.
    #[error("wrong passphrase; nothing was changed: try again")]
    WrongPassphrase,
    /// A data key that was lent does not fit any more.
    #[error("the keystore was changed since it was unlocked; run: twofold lock")]
    LoanVoid,
    /// The passphrase is empty.
    #[error("the passphrase can't be empty")]
    EmptyPassphrase,
    /// A newer version wrote it.
    #[error("this keystore has format {found}, and this version reads up to {known}; update twofold")]
    Newer {
        /// Format on disk.
        found: u8,
        /// Newest format known here.
        known: u8,
    },
    /// The cost written in the header is outside sane bounds.
    #[error("the keystore asks for a passphrase cost outside what is sane; the file is damaged or was tampered with")]
    AbsurdCost,
    /// The bytes are not what was written.
    #[error(
        "keystore item {name} is damaged or was swapped; restore the folder from a backup, or recover with the words"
    )]
    Damaged {
        /// Which item.
        name: String,
    },
    /// Something that should be there is not.
    #[error("keystore item {name} is missing; restore the folder from a backup, or recover with the words")]
    Missing {
        /// Which item.
        name: String,
    },
}

/// Keeps named blobs. What it is given is sealed already, so it needs to keep nothing secret; it does need to keep
/// writes whole, private to the user, and durable.
pub trait Keystore {
    /// Held as long as this process may write; dropping it lets others in.
    type Guard;

    /// Takes the lock, or says who has it. Never waits.
    fn lock(&self) -> impl Future<Output = Result<Self::Guard, KeystoreFault>>;

    /// The bytes under a name; none where there are none.
    fn load(&self, name: &BlobName) -> impl Future<Output = Result<Option<Vec<u8>>, KeystoreFault>>;

    /// Puts bytes under a name. When this resolves they survive a crash; a crash before leaves the old ones, whole.
    fn save(&self, name: &BlobName, bytes: &[u8]) -> impl Future<Output = Result<(), KeystoreFault>>;

    /// Removes a name; nothing happens where there is none.
    fn remove(&self, name: &BlobName) -> impl Future<Output = Result<(), KeystoreFault>>;

    /// Removes what is of no use any more and does no harm: after a crash it may be there again.
    fn forget(&self, name: &BlobName) -> impl Future<Output = Result<(), KeystoreFault>> {
        self.remove(name)
    }

    /// Every name there is, in order.
    fn names(&self) -> impl Future<Output = Result<Vec<BlobName>, KeystoreFault>>;
}
