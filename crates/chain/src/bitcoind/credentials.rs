//! Who we are to the node.

use std::{fmt, fs, io, path::PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};

/// How requests are authorized.
#[derive(Clone)]
pub enum Credentials {
    /// The file that the node writes anew at each start; it is read anew when what it held is refused.
    Cookie(PathBuf),
    /// A name and password from the node's configuration (`rpcauth`).
    UserPassword {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
}

impl Credentials {
    /// The value of the `Authorization` header.
    pub(super) fn header(&self) -> io::Result<String> {
        let pair = match self {
            Self::Cookie(path) => fs::read_to_string(path)?.trim_end().to_owned(),
            Self::UserPassword { user, password } => format!("{user}:{password}"),
        };
        Ok(format!("Basic {}", BASE64_STANDARD.encode(pair)))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cookie(path) => f.debug_tuple("Cookie").field(path).finish(),
            Self::UserPassword { user, .. } => f
                .debug_struct("UserPassword")
                .field("user", user)
                .finish_non_exhaustive(),
        }
    }
}
