//! Every way in which a transaction is refused.

use alloy_primitives::U256;

use crate::evm::{ChainId, ChainIdError};

/// Why no facts come of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// No bytes.
    #[error("the transaction is empty; build it again")]
    Empty,
    /// More bytes than are read.
    #[error("the transaction is larger than {limit} bytes, and no node passes it on; do less at once")]
    TooLarge {
        /// Bytes read at most.
        limit: usize,
    },
    /// Not a list, cut short, or with a length in a second spelling.
    #[error("this is not a transaction, or its RLP is cut short or not in the shortest form; build it again")]
    NotRlp,
    /// Bytes after the end.
    #[error("{0} bytes follow the end of the transaction; build it again")]
    TrailingBytes(usize),
    /// A form that nobody here knows (EIP-2718).
    #[error("transactions of type {0:#04x} are not signed; build it with type 2, 1 or 0")]
    UnknownType(u8),
    /// Type 3 (EIP-4844).
    #[error("transactions that carry blobs (type 3) are not signed; build it with type 2")]
    Blobs,
    /// Type 4 (EIP-7702).
    #[error(
        "transactions that hand the account over to a contract's code (type 4, EIP-7702) are never signed; do not sign \
         it, and find out who asks"
    )]
    Authorizations,
    /// Legacy, without a chain: it could be played back on every chain.
    #[error("the transaction names no chain (it is from before EIP-155), so any chain would take it; build it for one")]
    NoChain,
    /// There is a signature already.
    #[error("the transaction is signed already; broadcast it, or start again from the unsigned one")]
    AlreadySigned,
    /// Too few fields, or too many.
    #[error("the transaction has {got} fields and its type has {expected}; build it again")]
    FieldCount {
        /// Fields of an unsigned transaction of its type.
        expected: usize,
        /// Fields found.
        got: usize,
    },
    /// A field of another kind or length, or not in the shortest form.
    #[error("the transaction's {field} is malformed; build it again")]
    Field {
        /// Which.
        field: &'static str,
    },
    /// A number too large for its field.
    #[error("the transaction's {field} is larger than any chain takes; build it again")]
    Overflow {
        /// Which.
        field: &'static str,
    },
    /// A chain id that no chain has.
    #[error("{}", ChainIdError)]
    ChainId,
    /// Another chain than the account's.
    #[error(
        "the transaction is for chain {asked} and this account is on chain {expected}; choose the account of that chain"
    )]
    WrongChain {
        /// What the transaction names.
        asked: ChainId,
        /// The account's.
        expected: ChainId,
    },
    /// A nonce that no account reaches (EIP-2681).
    #[error("the nonce is beyond the last that an account can have; ask the chain for the next one")]
    Nonce,
    /// More gas than is usual.
    #[error("the gas limit of {gas} is above the limit of {limit}; lower it")]
    GasTooHigh {
        /// Asked.
        gas: u64,
        /// Accepted at most.
        limit: u64,
    },
    /// A tip larger than all that is paid.
    #[error("the priority fee is above the max fee, and no chain takes that; lower it")]
    PriorityAboveMax,
    /// Too much for a unit of gas.
    #[error("the fee for a unit of gas is above the limit of {limit} wei; lower it")]
    FeePerGasTooHigh {
        /// Accepted at most, in wei.
        limit: u128,
    },
    /// Too much in all.
    #[error("the fee of up to {fee} wei is above the limit of {limit} wei; lower the fee or the gas limit")]
    FeeTooHigh {
        /// What it can come to, in wei.
        fee: U256,
        /// Accepted at most, in wei.
        limit: U256,
    },
    /// Value and fee are more than there can be.
    #[error("value and fee come to more than any account holds; build the transaction again")]
    AmountOutOfRange,
    /// An access list that is longer than it could pay for.
    #[error("the access list names more than {limit} contracts and keys; shorten it")]
    AccessTooLong {
        /// Accepted at most.
        limit: usize,
    },
    /// To the zero address, which nobody has.
    #[error("the transaction goes to the zero address, where all is lost; leave `to` out to make a contract")]
    ZeroAddress,
    /// A contract without code.
    #[error("the transaction makes a contract of no code, where its value would be lost; name whom it is for")]
    NoCode,
    /// Longer code than chains take (EIP-3860).
    #[error("the code is longer than {limit} bytes, and no chain takes it; split the contract")]
    CodeTooLong {
        /// Accepted at most.
        limit: usize,
    },
}

impl Refused {
    /// The stable name of this refusal, for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "TRANSACTION_EMPTY",
            Self::TooLarge { .. } => "TRANSACTION_TOO_LARGE",
            Self::NotRlp => "TRANSACTION_NOT_RLP",
            Self::TrailingBytes(_) => "TRANSACTION_TRAILING_BYTES",
            Self::UnknownType(_) => "TRANSACTION_TYPE",
            Self::Blobs => "BLOB_TRANSACTION",
            Self::Authorizations => "AUTHORIZATION_TRANSACTION",
            Self::NoChain => "NO_CHAIN_ID",
            Self::AlreadySigned => "ALREADY_SIGNED",
            Self::FieldCount { .. } => "TRANSACTION_FIELDS",
            Self::Field { .. } => "TRANSACTION_FIELD",
            Self::Overflow { .. } => "TRANSACTION_OVERFLOW",
            Self::ChainId => "CHAIN_ID",
            Self::WrongChain { .. } => "WRONG_CHAIN",
            Self::Nonce => "NONCE_OUT_OF_RANGE",
            Self::GasTooHigh { .. } => "GAS_TOO_HIGH",
            Self::PriorityAboveMax => "PRIORITY_ABOVE_MAX",
            Self::FeePerGasTooHigh { .. } => "FEE_PER_GAS_TOO_HIGH",
            Self::FeeTooHigh { .. } => "FEE_TOO_HIGH",
            Self::AmountOutOfRange => "AMOUNT_OUT_OF_RANGE",
            Self::AccessTooLong { .. } => "ACCESS_LIST_TOO_LONG",
            Self::ZeroAddress => "ZERO_ADDRESS",
            Self::NoCode => "NO_CODE",
            Self::CodeTooLong { .. } => "CODE_TOO_LONG",
        }
    }
}
