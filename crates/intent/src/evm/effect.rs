//! What a signature lets happen, one thing at a time, as policy judges it and a person reads it.

use alloy_primitives::{Address, B256, U256};

use super::text::SignIn;
use super::{Allowance, Asset, Until};

/// One thing that a signature lets happen.
///
/// Not `non_exhaustive`: whoever judges effects judges all of them, and a new one must not slip past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Native currency leaves.
    Native(Native),
    /// A contract is made.
    Creation(Creation),
    /// Tokens move.
    Transfer(Transfer),
    /// Somebody else may move tokens.
    Approval(Approval),
    /// Tokens are offered to whoever gives what is asked for.
    Order(Order),
    /// A site lets the account in.
    SignIn(SignIn),
    /// A text is said in the account's name. To whoever is shown the signature it may be a login, an order or, where a service
    /// derives a key from the signature of a fixed text (as some second layers do), the key itself. Which, the text need not
    /// say: so policy allows it by explicit choice alone, as it does [`Effect::Unknown`].
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
    /// How much, in wei. Inside a call it is what the call says, whether there is so much or not: several may come to more
    /// than 256 bits hold, so whoever sums them uses checked addition.
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

/// Tokens that move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The token's contract.
    pub token: Address,
    /// The contract that is asked: the token itself, or one that the token was entrusted to, such as Permit2. What any other
    /// does when it is asked so, nobody here knows.
    pub through: Address,
    /// Whose they are: the account's, or somebody's who let the account or a contract move them.
    pub from: Address,
    /// Whose they become.
    pub to: Address,
    /// What moves.
    pub asset: Asset,
    /// Until when it may happen.
    pub until: Until,
}

/// Leave for somebody else to move tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The token's contract.
    pub token: Address,
    /// The contract that keeps the leave: the token itself, or one that the token was entrusted to, such as Permit2.
    pub kept_by: Address,
    /// Whose tokens they are.
    pub owner: Address,
    /// Who may move them, to anybody.
    pub spender: Address,
    /// How much.
    pub allowance: Allowance,
    /// Until when the leave may be given, by whoever shows the signature.
    pub given_by: Until,
    /// Until when it holds once it is given.
    pub until: Until,
}

/// An order on a market (Seaport): whoever fills it takes what is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The market's contract.
    pub market: Address,
    /// Who gives.
    pub offerer: Address,
    /// What leaves, at the most that it may come to.
    pub gives: Vec<OrderItem>,
    /// What has to be given for it, at the least that it may come to, and to whom.
    pub takes: Vec<(OrderItem, Address)>,
    /// Until when it may be filled.
    pub until: Until,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderItem {
    /// The token's contract; none for native currency, in wei.
    pub token: Option<Address>,
    /// How much of it.
    pub asset: Asset,
}

/// A text that is no sign-in, and may be worth as much: see [`Effect::Statement`].
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
    /// A function that is in our list, with arguments that are not in the one encoding that compilers make.
    Arguments([u8; 4]),
    /// Calls in calls, deeper than is looked.
    TooDeep,
    /// More calls than are looked at. It stands for all that follow, whomever they ask: so it names the account that signs, and
    /// no contract.
    TooMany,
    /// Typed data of a type that is not in our list.
    Type(String),
    /// A digest that came alone.
    Digest,
}
