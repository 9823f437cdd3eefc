//! Why the server can't start or a command can't finish: one clear sentence each, and an exit code by kind.

use std::{io, net::SocketAddr, path::PathBuf};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The configuration says something that can't be.
    #[error("{0}")]
    Config(String),
    /// The key-encryption key can't be read or is not the one the data is sealed under.
    #[error("{0}")]
    Kek(String),
    /// Certificate or key can't be used.
    #[error("{0}")]
    Tls(String),
    /// The address can't be listened on.
    #[error("can't listen on {address}: {why}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says, in words.
        why: String,
    },
    /// The data directory is held by another process or damaged.
    #[error("{0}")]
    Data(String),
    /// No server answers on the admin socket, or it refused.
    #[error("{0}")]
    Admin(String),
    /// A file can't be read or written.
    #[error("{what} {path}: {why}", path = path.display())]
    File {
        /// What was tried, as `can't read` or `can't write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// What production mode does not start with: everything at once, with what to do.
    #[error("{}", crate::production::told(.0))]
    Unsafe(Vec<String>),
    /// Something that `doctor` looked at fails.
    #[error("{0}")]
    Unwell(String),
    /// Something of the system's that should not fail did.
    #[error("{0}")]
    System(String),
}

impl Fault {
    /// The exit code: 3 configuration, 4 keys and certificates, 5 network, 6 data, 7 admin socket, 8 a check of `doctor`, 1 anything else.
    /// (2 is a wrong command line.)
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Unsafe(_) => 3,
            Self::Kek(_) | Self::Tls(_) => 4,
            Self::Listen { .. } => 5,
            Self::Data(_) | Self::File { .. } => 6,
            Self::Admin(_) => 7,
            Self::Unwell(_) => 8,
            Self::System(_) => 1,
        }
    }

    /// A file that can't be read.
    pub fn reading(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |why| Self::File {
            what: "can't read",
            path,
            why,
        }
    }

    /// A file that can't be written.
    pub fn writing(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |why| Self::File {
            what: "can't write",
            path,
            why,
        }
    }

    /// An address that can't be listened on.
    #[must_use]
    pub fn listening(address: SocketAddr, error: &io::Error) -> Self {
        let why = match error.kind() {
            io::ErrorKind::AddrInUse => "the port is in use; stop what holds it or choose another".to_owned(),
            io::ErrorKind::PermissionDenied => "not permitted; choose a port above 1023".to_owned(),
            io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
            _ => error.to_string(),
        };
        Self::Listen { address, why }
    }
}
