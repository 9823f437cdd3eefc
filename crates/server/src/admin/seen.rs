//! What the operator sees of users, wallets, devices and logs, as it goes over the socket. A test holds the names of these
//! fields to a list: nothing secret, no amount, address or transaction has one.

#![expect(
    clippy::struct_field_names,
    reason = "a field is called as its reply has it: the user of a user, the link of a link"
)]

use serde::{Deserialize, Serialize};

/// How a link that leaves the process is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    /// The key of the configuration that names where it leads.
    pub(crate) link: String,
    /// The issuer, where it is a sign-in provider's.
    pub(crate) issuer: Option<String>,
    /// `closed`: calls go through; `waiting`: the last one failed; `open`: they have failed for longer.
    pub(crate) circuit: String,
    /// For how long that has been so.
    pub(crate) since_seconds: u64,
    /// How long ago it last answered; none if it never did.
    pub(crate) answered_seconds: Option<u64>,
    /// Calls that failed, or connections that ended, so far.
    pub(crate) failures: u64,
    /// Why the last one did; none while calls go through.
    pub(crate) trouble: Option<String>,
}

/// Some rows of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Page<T> {
    /// They.
    pub(crate) rows: Vec<T>,
    /// Ask for those after this one; none: that was all.
    pub(crate) next: Option<String>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    /// Our name for the user, in hex.
    pub(crate) user: String,
    /// Who vouches.
    pub(crate) issuer: String,
    /// For whom; none for an invitation.
    pub(crate) subject: Option<String>,
    /// How many devices they have.
    pub(crate) devices: u32,
    /// How many wallets they have.
    pub(crate) wallets: u32,
}

/// A wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wallet {
    /// The wallet, in hex.
    pub(crate) wallet: String,
    /// Whose it is, in hex.
    pub(crate) user: String,
    /// How it stands, in a word.
    pub(crate) standing: String,
    /// Its epoch.
    pub(crate) epoch: u32,
    /// How many devices are on its list.
    pub(crate) devices: u32,
    /// How many entries its log has.
    pub(crate) entries: u64,
    /// How many changes wait.
    pub(crate) waiting: u32,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Device {
    /// The device, in hex.
    pub(crate) device: String,
    /// Whose it is, in hex.
    pub(crate) user: String,
    /// What the person calls it.
    pub(crate) name: String,
    /// When it joined, in seconds since 1970.
    pub(crate) enrolled: u64,
}

/// How much there is of everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stats {
    pub(crate) users: u32,
    pub(crate) devices: u32,
    pub(crate) wallets: u32,
    /// Ceremonies that are open.
    pub(crate) ceremonies: u32,
    /// Invitations that can be used.
    pub(crate) invitations: u32,
    /// Transactions that signatures were given out for and that the chain does not have.
    pub(crate) unconfirmed: u32,
    /// Wallets for which old blocks are being read.
    pub(crate) rescans: u32,
    /// The best block that was read.
    pub(crate) height: u32,
    /// Requests that are being answered.
    pub(crate) under_way: usize,
    /// Since the server started.
    pub(crate) up_seconds: u64,
}

/// A piece of a wallet's log, verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Entry>,
    /// Where it goes on: a number and a hash in hex. None: that was all, and it ends where the wallet's record says.
    pub(crate) next: Option<(u64, String)>,
}

/// An entry of a log: what happened, and not what it was about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its number.
    pub(crate) seq: u64,
    /// In seconds since 1970.
    pub(crate) at: u64,
    /// What happened, in a word.
    pub(crate) event: String,
    /// The device that did it, in hex; none for the operator, recovery and the server.
    pub(crate) device: Option<String>,
}
