//! What a signature lets happen, one thing at a time, as policy judges it and a person reads it.

use alloy_primitives::{Address, B256, U256};

use super::text::SignIn;

/// One thing that a signature lets happen.
///
/// Not `non_exhaustive`: whoever judges effects judges all of them, and a new one must not slip past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Native currency leaves.
    Native(Native),
    /// A contract is made.
    Creation(Creation),
    /// A site lets the account in.
    SignIn(SignIn),
    /// A text is said in the account's name. Nothing moves by it alone.
    Statement(Statement),
    /// Nobody here knows what this does.
    Unknown(Unknown),
}

/// Native currency that leaves when the transaction is mined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Native {
    /// Who pays: the account, or a contract that it calls.
    pub from: Address,
    /// Who is paid.
    pub to: Address,
    /// How much, in wei.
    pub value: U256,
}

/// A contract that comes into being when the transaction is mined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// Where it will stand.
    pub at: Address,
    /// What it is given, in wei.
    pub value: U256,
    /// The Keccak-256 of the code that makes it.
    pub code_hash: B256,
    /// The length of that code in bytes.
    pub code_length: usize,
}

/// A text that is no sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Who says it.
    pub from: Address,
    /// What is said.
    pub text: String,
}

/// Something that is not understood: it may do whatever the account may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// In whose name the contract is asked: the account, or a contract that it calls.
    pub from: Address,
    /// The contract that is asked, or that will verify; `None` where the intent names none.
    pub contract: Option<Address>,
    /// What stands in the way of understanding it.
    pub why: Why,
}

/// Why an effect is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A function that is not in our list, by its selector.
    Function([u8; 4]),
    /// Call data too short to name a function.
    NoFunction,
    /// Typed data of a type that is not in our list.
    Type(String),
    /// A digest that came alone.
    Digest,
}
