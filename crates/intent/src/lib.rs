//! Intents into digests and facts.
//!
//! What is asked to be signed arrives whole, and this crate works out for itself what it does: who is paid, how much,
//! what the fee is, what comes back as change, and which digests follow. It has no network and no keys, so the cosigner
//! and the device run the same lines over the same bytes and must agree.
//!
//! - [`Account`] is the wallet's public half: the descriptor `tr([fp]xpub/<0;1>/*)` and every script under it.
//! - [`psbt::facts`] turns a PSBT into [`Facts`], or into one [`Refused`] with a stable reason.
//! - [`psbt::attach`] and [`psbt::finalize`] take the signatures back in and give the transaction to broadcast.
//! - [`message::facts`] turns a text and one of the wallet's addresses into the digest of BIP-322, [`message::proof`] the
//!   signature into what is passed on.
//! - [`ChainName`] says which chain all of this is about.
//! - [`headers`] and [`merkle`] tell what may be true of that chain from what can't be.
//! - [`AmountText`] and [`PaymentUri`] are what a person types or scans.
#![cfg_attr(
    feature = "evm",
    doc = "- [`evm`] does the same for Ethereum and its kin: transactions, texts and typed data."
)]
#![forbid(unsafe_code)]

mod account;
mod amount;
mod chain_name;
mod curve;
mod descriptor;
#[cfg(feature = "evm")]
pub mod evm;
pub mod headers;
pub mod merkle;
pub mod message;
pub mod psbt;
mod uri;

pub use account::{Account, AccountError, ChildKeys, Keychain};
pub use amount::{AmountError, AmountText};
pub use bitcoin::Psbt;
pub use chain_name::{ChainName, ChainNameError};
pub use descriptor::checksum as descriptor_checksum;
pub use message::{MessageFacts, MessageRefused};
pub use psbt::{
    Change, Facts, ForeignInput, Limits, OwnInput, Payment, Refused, Unfinished, WalletView, facts, facts_within,
};
pub use uri::{PaymentUri, UriError};
