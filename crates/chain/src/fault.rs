//! Why a call to a node or server failed, whoever it is.

use std::fmt;

use twofold_cosigner::port::chain::ChainFault;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// May be over in a moment.
    #[error("{0}")]
    Passing(String),
    /// Asking again will not help.
    #[error("{0}")]
    Lasting(String),
    /// The node understood, and says no.
    #[error("error {code}: {message}")]
    Refused {
        /// Its number for the reason (`rpc/protocol.h`).
        code: i64,
        /// Its words for it.
        message: String,
    },
}

impl Fault {
    pub(crate) fn passing(error: &(impl fmt::Display + ?Sized)) -> Self {
        Self::Passing(error.to_string())
    }

    pub(crate) fn lasting(error: &(impl fmt::Display + ?Sized)) -> Self {
        Self::Lasting(error.to_string())
    }

    pub(crate) fn garbled(method: &str, error: &(impl fmt::Display + ?Sized)) -> Self {
        Self::Lasting(format!("{method}: its answer makes no sense: {error}"))
    }
}

impl From<Fault> for ChainFault {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(fault.to_string())
    }
}

pub(crate) fn other_than_asked(method: &str) -> ChainFault {
    ChainFault::Unavailable(format!("{method}: it answers with something else than was asked for"))
}

/// The node's words, fit for a log and a person: one line, not too long.
pub(crate) fn tidy(message: &str) -> String {
    message
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect()
}
