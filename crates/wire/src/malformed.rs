//! What can be wrong with a message.

use twofold_api::{
    reason::{Reason, Refusal},
    request::NameFault,
};

/// A message can't be read as what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct Malformed {
    /// The field, by its path in the .proto, such as `unlock.key_id`; `message` for the whole.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The bytes are no such message, or hold a field that is not known here.
    #[error("can't be decoded, or has a field that is not known here")]
    Encoding,
    /// It must be there.
    #[error("is missing")]
    Missing,
    /// It has a fixed length.
    #[error("must have {0} bytes")]
    Length(usize),
    /// It is too long.
    #[error("has more than {0} bytes")]
    TooLong(usize),
    /// The list is too long or too short.
    #[error("must have {0} to {1} entries")]
    Count(usize, usize),
    /// The number lies outside of what it can be.
    #[error("is out of range")]
    Range,
    /// It is no name that a person could give.
    #[error("is no name: {0}")]
    Name(NameFault),
    /// It is text that nobody is called by.
    #[error("holds control characters")]
    Control,
    /// It is no word from the list that the .proto gives.
    #[error("is none of the words that are known here")]
    Word,
    /// The canonical bytes in it can't be read.
    #[error("holds bytes that are not canonical")]
    Canonical,
}

impl Malformed {
    pub(crate) const fn new(field: &'static str, problem: Problem) -> Self {
        Self { field, problem }
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self::new(Reason::Malformed, malformed.to_string())
    }
}
