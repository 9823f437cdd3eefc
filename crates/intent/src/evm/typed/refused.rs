//! Every way in which typed data is refused.

use crate::evm::{AddressError, ChainId, ChainIdError};

/// Characters of a sender's text that a refusal repeats.
const MAX_EXCERPT: usize = 64;

/// Why no facts come of typed data. Names are the sender's, cut short.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// More bytes than are read.
    #[error("the typed data is larger than {limit} bytes; sign less at once")]
    TooLarge {
        /// Bytes read at most.
        limit: usize,
    },
    /// Not JSON, or something after it.
    #[error("this is not JSON, from line {line}, column {column} on; copy it again")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// A name that stands twice: readers differ on which counts.
    #[error(
        "'{name}' stands twice, and readers differ on which of them counts; do not sign it, and find out who made it"
    )]
    Repeated {
        /// The name.
        name: String,
    },
    /// Something is not there.
    #[error("'{name}' is missing; have the application send all that it declares")]
    Missing {
        /// What.
        name: String,
    },
    /// Something is there that no type declares, so no signature covers it.
    #[error("'{name}' is declared by no type, so the signature would not cover it; have the application declare it")]
    Surplus {
        /// What.
        name: String,
    },
    /// A value of another kind.
    #[error("'{name}' is not {wanted}, written as EIP-712 wants it; have the application send it so")]
    Value {
        /// Whose.
        name: String,
        /// Its type.
        wanted: String,
    },
    /// A number that its type does not hold.
    #[error("the number in '{name}' does not fit {wanted}; have the application send one that does")]
    Overflow {
        /// Whose.
        name: String,
        /// Its type.
        wanted: String,
    },
    /// A number of JSON that some readers round.
    #[error("the number in '{name}' is one that some readers of JSON round; have the application send it in quotes")]
    Number {
        /// Whose.
        name: String,
    },
    /// A text that is no address.
    #[error("'{name}': {fault}")]
    Address {
        /// Whose.
        name: String,
        /// What is wrong with it.
        fault: AddressError,
    },
    /// A name that no type or member can have.
    #[error("'{name}' can be no name of a type or member; have the application choose another")]
    Name {
        /// The name.
        name: String,
    },
    /// A type that is neither built in nor declared.
    #[error("the type '{name}' is neither built in nor declared; have the application declare it")]
    TypeUnknown {
        /// The type.
        name: String,
    },
    /// A type that holds itself.
    #[error("the type '{name}' is made of itself, and libraries hash such types differently; it is not signed")]
    Recursive {
        /// The type.
        name: String,
    },
    /// The message is the domain itself.
    #[error("the message is of the domain's own type, and libraries hash that differently; it is not signed")]
    PrimaryType,
    /// The domain's type is not one of EIP-712.
    #[error(
        "the domain's type has members other than name, version, chainId, verifyingContract and salt, or in another \
         order, and libraries hash that differently; it is not signed"
    )]
    DomainType,
    /// More types than are read.
    #[error("more than {limit} types are declared; sign less at once")]
    TooManyTypes {
        /// Types read at most.
        limit: usize,
    },
    /// More members than are read.
    #[error("a type has more than {limit} members; sign less at once")]
    TooManyMembers {
        /// Members read at most.
        limit: usize,
    },
    /// A type that takes long to hash.
    #[error("a type is longer than {limit} bytes with all that it is made of; sign less at once")]
    TypeTooLong {
        /// Bytes at most.
        limit: usize,
    },
    /// Types that take long to hash, each once for every struct of it.
    #[error(
        "the types of all structs come to more than {limit} bytes, each with all that it is made of; sign less at once"
    )]
    TypesTooLong {
        /// Bytes at most.
        limit: usize,
    },
    /// More values than are read.
    #[error("the typed data has more than {limit} values or structs; sign less at once")]
    TooManyValues {
        /// Read at most.
        limit: usize,
    },
    /// Values in each other, deeper than is read.
    #[error("values stand in each other more than {limit} deep; sign less at once")]
    TooDeep {
        /// Levels read at most.
        limit: usize,
    },
    /// The domain names no chain: the signature would do on every chain.
    #[error(
        "the domain names no chain, so the signature would do on any; have the application add chainId, or allow that \
         domain by its name"
    )]
    NoChain,
    /// A chain id that no chain has.
    #[error("{}", ChainIdError)]
    ChainId,
    /// Another chain than the account's.
    #[error(
        "the typed data is for chain {asked} and this account is on chain {expected}; choose the account of that chain"
    )]
    WrongChain {
        /// What the domain names.
        asked: ChainId,
        /// The account's.
        expected: ChainId,
    },
    /// No digest follows, which only a defect of ours can bring about.
    #[error("no digest follows from the typed data; report this")]
    Encoding,
}

impl Refused {
    /// The stable name of this refusal, for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "TYPED_DATA_TOO_LARGE",
            Self::NotJson { .. } => "TYPED_DATA_NOT_JSON",
            Self::Repeated { .. } => "TYPED_DATA_REPEATED",
            Self::Missing { .. } => "TYPED_DATA_MISSING",
            Self::Surplus { .. } => "TYPED_DATA_SURPLUS",
            Self::Value { .. } => "TYPED_DATA_VALUE",
            Self::Overflow { .. } => "TYPED_DATA_OVERFLOW",
            Self::Number { .. } => "TYPED_DATA_NUMBER",
            Self::Address { .. } => "TYPED_DATA_ADDRESS",
            Self::Name { .. } => "TYPED_DATA_NAME",
            Self::TypeUnknown { .. } => "TYPE_UNKNOWN",
            Self::Recursive { .. } => "TYPE_RECURSIVE",
            Self::PrimaryType => "PRIMARY_TYPE",
            Self::DomainType => "DOMAIN_TYPE",
            Self::TooManyTypes { .. } => "TOO_MANY_TYPES",
            Self::TooManyMembers { .. } => "TOO_MANY_MEMBERS",
            Self::TypeTooLong { .. } => "TYPE_TOO_LONG",
            Self::TypesTooLong { .. } => "TYPES_TOO_LONG",
            Self::TooManyValues { .. } => "TOO_MANY_VALUES",
            Self::TooDeep { .. } => "TYPED_DATA_TOO_DEEP",
            Self::NoChain => "NO_CHAIN_ID",
            Self::ChainId => "CHAIN_ID",
            Self::WrongChain { .. } => "WRONG_CHAIN",
            Self::Encoding => "TYPED_DATA_ENCODING",
        }
    }

    pub(super) fn repeated(name: &str) -> Self {
        Self::Repeated { name: excerpt(name) }
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::Missing { name: excerpt(name) }
    }

    pub(super) fn surplus(name: &str) -> Self {
        Self::Surplus { name: excerpt(name) }
    }

    pub(super) fn type_name(name: &str) -> Self {
        Self::Name { name: excerpt(name) }
    }

    pub(super) fn type_unknown(name: &str) -> Self {
        Self::TypeUnknown { name: excerpt(name) }
    }

    pub(super) fn recursive(name: &str) -> Self {
        Self::Recursive { name: excerpt(name) }
    }

    pub(super) fn value(name: &str, wanted: &str) -> Self {
        Self::Value {
            name: excerpt(name),
            wanted: excerpt(wanted),
        }
    }

    pub(super) fn overflow(name: &str, wanted: &str) -> Self {
        Self::Overflow {
            name: excerpt(name),
            wanted: excerpt(wanted),
        }
    }
}

/// What the sender wrote, cut short and without what a terminal would act on.
fn excerpt(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_ascii_graphic() || character == ' ' {
                character
            } else {
                '?'
            }
        })
        .take(MAX_EXCERPT)
        .collect()
}
