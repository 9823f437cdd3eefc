//! The device's side of Twofold: ceremonies and signing over a [`port::Transport`], a sealed keystore, wallet logic.
//!
//! Nothing here knows files, sockets, clocks or a runtime: the platform lends them ([`port::Platform`]), so the same lines
//! serve a command line, a browser and a test. Futures are plain; any executor runs them.
//!
//! # In order
//!
//! 1. [`keystore::Unlocked::create`] or [`keystore::Unlocked::unlock`] opens the keystore with a passphrase. On machines
//!    with files the place for it is `keystore::file::Folder`.
//! 2. [`home::server`] tells which server it belongs to, and so where the transport must lead. A new keystore joins one:
//!    [`client::Client::join`] with a [`twofold_api::invitation::Invitation`]; later [`client::Client::open`].
//! 3. [`client::Client::create`] makes a wallet ([`create::Made`]), or finishes one that was interrupted; show the words and
//!    call [`client::Client::confirm_words`] once they are written down. [`client::Client::open_wallet`] opens one that is
//!    there ([`client::Client::wallets`] lists them).
//! 4. [`client::Client::sync`], then [`ledger::Ledger::balance`] and [`ledger::Ledger::history`] of
//!    [`wallet::Wallet::ledger`]; [`client::Client::receive`] for an address.
//! 5. [`client::Client::draft`] from an [`ledger::Order`]; show [`ledger::Draft::facts`]; [`client::Client::send`], or step
//!    by step [`client::Client::cosign`], [`client::Client::finalize`], [`client::Client::broadcast`].
//!    [`client::Client::examine`] does for a PSBT from elsewhere what `draft` does for an order.
//!    [`client::Client::bump`] and [`client::Client::take_back`] replace one that waits.
//! 6. [`client::Client::sign_message`] signs a text for one of the wallet's addresses, [`message::verify`] checks such a
//!    signature of anybody's, without a keystore or a server.
//! 7. [`client::Client::audit`] checks the wallet's log, [`client::Client::rename`] renames,
//!    [`client::Client::label`] and [`client::Client::freeze`] keep what a person says of it ([`labels`]),
//!    [`client::Client::rpc`] makes a signed call of any procedure.
//!
//! Every failure is a [`fault::Fault`]: its text says what to do next, [`fault::Fault::kind`] whose move it is.
//! [`client::Client::take_notices`] has what a person should know although nothing failed.
//!
//! # What is believed
//!
//! The server's TLS certificate as the invitation says; whatever else matters is checked against the server's identity
//! key: its part of each ceremony, its half of each signature, its sealing key, its clock, its checkpoints. What it says of
//! the chain is held against proof of work ([`headers`]). What a transaction does is worked out here, from the PSBT alone.

#![forbid(unsafe_code)]

pub mod audit;
pub mod client;
mod cosign;
pub mod create;
pub mod deadline;
pub mod devices;
pub mod fault;
pub mod fees;
mod fence;
mod forward;
pub mod headers;
pub mod home;
pub mod join;
pub mod keystore;
pub mod labels;
pub mod ledger;
pub mod message;
pub mod port;
mod raw;
pub mod recovery;
pub mod refresh;
mod rename;
mod send;
mod session;
mod sync;
pub mod verify;
pub mod wallet;
pub mod watch;

pub use client::Client;
pub use fault::{Fault, Kind};
pub use fence::Fencing;
pub use session::Notice;
