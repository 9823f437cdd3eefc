//! Ethereum and its kin: transactions, texts and typed data into digests and facts.
//!
//! - [`transaction::parse`] reads an unsigned transaction (EIP-155, EIP-2930, EIP-1559), [`transaction::facts`] says what
//!   it does, and [`transaction::finish`] makes the bytes to broadcast of it and a signature.
//! - [`text::facts`] reads a text (EIP-191) and knows a sign-in (EIP-4361), [`typed::facts`] reads typed data (EIP-712), and
//!   [`proof`] makes what is passed on of either and a signature.
//! - [`digest::facts`] takes a digest that came alone, where an operator [`Allowed`] that.
//! - [`Account`] is who signs, and on which chain. [`ChainId`] is never zero: what is signed for no chain is signed for all.
//! - [`Effect`] is one thing that a signature lets happen. Every intent becomes a list of them, and what is not understood
//!   is an effect as well: [`Effect::Unknown`] may move anything that the account holds, and is never left out.
//!
//! What a contract does is its own affair. The names of functions and types are conventions that honest contracts keep, so
//! an effect says what the intent asks of a contract, and names the contract that is asked.

mod account;
mod address;
mod allowed;
mod asset;
mod calls;
mod chain_id;
pub mod digest;
mod effect;
mod render;
mod signature;
pub mod text;
pub mod transaction;
pub mod typed;
mod until;

pub use account::Account;
pub use address::{AddressError, address};
pub use allowed::Allowed;
pub use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
pub use asset::{Allowance, Asset};
pub use chain_id::{ChainId, ChainIdError};
pub use effect::{Approval, Creation, Effect, Native, Order, OrderItem, Statement, Transfer, Unknown, Why};
pub use signature::{BadSignature, proof};
pub use until::Until;
