//! What the operator asks of users, wallets and devices, and how requests are held off.

use clap::{Args, Subcommand};
use twofold_server::{
    command::{self, Slice},
    fault::Fault,
};

use super::{Status, Where};

/// All of it is asked of the running server, over its admin socket alone.
#[derive(Debug, Subcommand)]
pub(crate) enum Look {
    /// Show the users: who vouches for each, and how many devices and wallets they have.
    #[command(after_help = "\
Examples:
  twofold-server users --config /etc/twofold/twofold.toml
  twofold-server users --limit 1000 --after 5f0c... --json --config /etc/twofold/twofold.toml")]
    Users(List),
    /// Show the wallets: how each stands, and whose it is. Never what is in it.
    #[command(after_help = "\
Examples:
  twofold-server wallets --config /etc/twofold/twofold.toml
  twofold-server wallets --user 5f0c... --json --config /etc/twofold/twofold.toml")]
    Wallets(ListOf),
    /// Show the devices that have joined: whose each is, and what the person calls it.
    #[command(after_help = "\
Examples:
  twofold-server devices --config /etc/twofold/twofold.toml
  twofold-server devices --user 5f0c... --config /etc/twofold/twofold.toml     which machine is it that asks?")]
    Devices(ListOf),
    /// Remove a device that is on no wallet's list, such as one that a stolen sign-in let in.
    #[command(after_help = "\
Examples:
  twofold-server remove-device 9d31... --config /etc/twofold/twofold.toml     as `devices --user` shows it")]
    RemoveDevice(Removed),
    /// Count users, devices, wallets and what is under way.
    #[command(after_help = "\
Examples:
  twofold-server stats --json --config /etc/twofold/twofold.toml")]
    Stats(Status),
    /// Read a wallet's log and verify it: every hash, and that it ends where the wallet's record says.
    #[command(after_help = "\
Examples:
  twofold-server audit --wallet 5f0c... --config /etc/twofold/twofold.toml
  twofold-server audit --user 91ab... --json --config /etc/twofold/twofold.toml     each of a user's wallets, an object a line")]
    Audit(Audit),
    /// Take no more requests, and wait until those that are under way are answered. The server is not ready from then on, and
    /// goes on running.
    #[command(after_help = "\
Examples:
  twofold-server drain --config /etc/twofold/twofold.toml && systemctl stop twofold-server
  twofold-server drain --resume --config /etc/twofold/twofold.toml")]
    Drain(Drain),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Go on after this one.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    server: Where,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListOf {
    /// Of this user alone.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// The wallet, by its id.
    #[arg(long, value_name = "ID", required_unless_present = "user", conflicts_with = "user")]
    wallet: Option<String>,
    /// Each of this user's wallets.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    #[command(flatten)]
    server: Where,
    /// Print one JSON object a wallet.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Removed {
    /// The device's id.
    device: String,
    #[command(flatten)]
    server: Where,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// Take them again.
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    server: Where,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl List {
    fn parts(self) -> (command::Server, Slice) {
        let slice = Slice {
            after: self.after,
            limit: self.limit,
            json: self.json,
        };
        (self.server.into(), slice)
    }
}

impl Look {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Fault> {
        match self {
            Self::Users(list) => {
                let (server, slice) = list.parts();
                command::users(&server, &slice)
            }
            Self::Wallets(ListOf { user, list }) => {
                let (server, slice) = list.parts();
                command::wallets(&server, user.as_deref(), &slice)
            }
            Self::Devices(ListOf { user, list }) => {
                let (server, slice) = list.parts();
                command::devices(&server, user.as_deref(), &slice)
            }
            Self::RemoveDevice(asked) => command::remove_device(&asked.server.into(), &asked.device, asked.json),
            Self::Stats(asked) => command::stats(&asked.server.into(), asked.json),
            Self::Audit(asked) => command::audit(
                &asked.server.into(),
                asked.wallet.as_deref(),
                asked.user.as_deref(),
                asked.json,
            ),
            Self::Drain(asked) => command::drain(&asked.server.into(), asked.resume, asked.json),
        }
    }
}
