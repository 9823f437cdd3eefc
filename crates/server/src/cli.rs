//! The command line: what can be said, not what is done.

mod look;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use twofold_api::public_url::PublicUrl;
use twofold_server::{
    command,
    config::{Mode, Network},
    fault::Fault,
};

/// The cosigner server of Twofold: it holds one of three shares, and no key is ever whole.
#[derive(Debug, Parser)]
#[command(
    name = "twofold-server",
    version,
    propagate_version = true,
    after_help = "\
Examples:
  twofold-server run --dev                       try it on this machine
  twofold-server init --public-url https://wallet.example.org --network signet \\
      --cookie-file ~/.bitcoin/signet/.cookie
  twofold-server run --config /etc/twofold/twofold.toml
  twofold-server invite --config /etc/twofold/twofold.toml

Exit codes: 0 done, 1 the system, 2 wrong command line, 3 configuration, 4 keys and certificates, 5 network, 6 data, \
7 no running server or it refused, 8 a check of doctor fails."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a configuration, the KEK and a certificate, and print the first invitation.
    #[command(after_help = "\
Examples:
  twofold-server init --public-url https://wallet.example.org --network signet \\
      --cookie-file ~/.bitcoin/signet/.cookie
  twofold-server init --dir ./here --public-url https://192.168.1.5:8443 --network signet \\
      --rpc-url http://127.0.0.1:38332 --cookie-file ~/.bitcoin/signet/.cookie
  twofold-server init --public-url https://wallet.example.org --certificate fullchain.pem --key privkey.pem \\
      --network testnet4 --cookie-file ~/.bitcoin/testnet4/.cookie --json")]
    Init(Init),
    /// Run the server until it is told to stop (SIGTERM, Ctrl-C).
    #[command(after_help = "\
Examples:
  twofold-server run --config /etc/twofold/twofold.toml
  twofold-server run --dev
  twofold-server run --dev --network regtest --bitcoind-url http://127.0.0.1:18443 --cookie ~/.bitcoin/regtest/.cookie
  twofold-server run --dev --network signet --signet-challenge 51 --cookie ~/.bitcoin/signet/.cookie
  twofold-server run --dev --data ./scratch --listen 127.0.0.1:0 --json")]
    Run(Run),
    /// Ask the running server for a new one-time invitation.
    #[command(after_help = "\
Examples:
  twofold-server invite --config /etc/twofold/twofold.toml
  twofold-server invite --socket ./scratch/admin.sock --expires 1h --json
  twofold-server invite --recover 5f0c6a... --config /etc/twofold/twofold.toml     for a device that was lost")]
    Invite(Invite),
    /// Say yes to a change that a device asks for and that takes the operator's yes. Know who asks before you do.
    #[command(after_help = "\
Examples:
  twofold-server approve 5f0c6a... 3 --config /etc/twofold/twofold.toml     as `twofold pending` shows them")]
    Approve(Approve),
    /// Say no to a change that waits: it is cancelled, and the freeze that a recovery came with ends.
    #[command(after_help = "\
Examples:
  twofold-server refuse 5f0c6a... 3 --config /etc/twofold/twofold.toml")]
    Refuse(Approve),
    /// Change the log level of the running server.
    #[command(after_help = "\
Examples:
  twofold-server log-level debug --config /etc/twofold/twofold.toml
  twofold-server log-level info,twofold_store=debug --socket ./scratch/admin.sock")]
    LogLevel(LogLevel),
    /// Print the server's link: where it is and how to know it, for people who sign in with your app's own provider.
    #[command(after_help = "\
Examples:
  twofold-server link --config /etc/twofold/twofold.toml     an app ships it; there: twofold join LINK --token-file FILE")]
    Link(Status),
    /// Ask the running server where it stands.
    #[command(after_help = "\
Examples:
  twofold-server status --config /etc/twofold/twofold.toml --json")]
    Status(Status),
    #[command(flatten)]
    Look(look::Look),
    /// Back up the database while it is in use, encrypted to a key that stays offline.
    #[command(after_help = "\
Examples:
  twofold-server backup --out /mnt/usb/twofold-monday.age --config /etc/twofold/twofold.toml
  twofold-server backup --out monday.age --recipient age1... --socket ./scratch/admin.sock --json")]
    Backup(Backup),
    /// Make the key that opens backups; run this on a machine that stays offline.
    #[command(after_help = "\
Examples:
  twofold-server backup-key --out backup.key")]
    BackupKey {
        /// A file that is not there yet, for the secret half.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Put a backup where there is no database. The restored server signs at once for wallets that the anchor vouches for,
    /// and for others once their fence is lifted.
    #[command(after_help = "\
Examples:
  twofold-server restore --from monday.age --identity backup.key --config /etc/twofold/twofold.toml
  twofold-server restore --from monday.age --identity backup.key --data ./scratch --json")]
    Restore(Restore),
    /// Have the running server look whether all that it stores still opens.
    #[command(after_help = "\
Examples:
  twofold-server drill --config /etc/twofold/twofold.toml")]
    Drill(Status),
    /// Look at a server and at what is around it: what is well, what to look at, what fails, and what to do.
    #[command(after_help = "\
Examples:
  twofold-server doctor --config /etc/twofold/twofold.toml
  twofold-server doctor --config /etc/twofold/twofold.toml --json")]
    Doctor {
        /// The server's configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// The key that all is sealed under on this server.
    #[command(subcommand)]
    Kek(KekCommand),
    /// Wallets that sign nothing because this server may be behind what it once was.
    #[command(subcommand)]
    Fence(FenceCommand),
    /// Look at a configuration without starting.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// How strict the server is to be with its surroundings.
    #[arg(long, value_enum, default_value_t = Mode::Production)]
    pub(crate) mode: Mode,
    /// Folder for the configuration, the KEK and the certificate.
    #[arg(long, default_value = "/etc/twofold", value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Folder for the database; it must not hold the KEK.
    #[arg(long, default_value = "/var/lib/twofold", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// The anchor's file, outside the data folder and its backups; without it, in a folder beside the data folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor: Option<PathBuf>,
    /// Where devices reach the server.
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: PublicUrl,
    /// Address to listen on.
    #[arg(long, default_value = "0.0.0.0:8443", value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// PEM chain of a certificate that the web's roots vouch for; without it, a private CA is made.
    #[arg(long, requires = "key", value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
    /// PEM private key of that certificate.
    #[arg(long, requires = "certificate", value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) node: Node,
    /// How long the first invitation can be used.
    #[arg(long, default_value = "24h", value_name = "TIME", value_parser = command::span)]
    pub(crate) expires: u64,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The Bitcoin node.
#[derive(Debug, Args)]
pub(crate) struct Node {
    /// Which chain; `run --dev` takes regtest if none is said.
    #[arg(long, value_enum)]
    pub(crate) network: Option<Network>,
    /// With --network signet: the challenge of a signet of your own, a script in hex such as 51.
    #[arg(long, value_name = "HEX")]
    pub(crate) signet_challenge: Option<String>,
    /// With --signet-challenge: seconds between blocks, where its nodes run with another block time than 600.
    #[arg(long, value_name = "N", requires = "signet_challenge")]
    pub(crate) signet_block_seconds: Option<u32>,
    /// With --network bitcoin: go on although nobody outside has reviewed Twofold and coins may be lost.
    #[arg(long)]
    pub(crate) risk_real_money: bool,
    /// The node's RPC; by default the network's usual port on this machine.
    #[arg(long, visible_alias = "bitcoind-url", value_name = "URL")]
    pub(crate) rpc_url: Option<String>,
    /// The node's cookie file.
    #[arg(long, visible_alias = "cookie", value_name = "FILE")]
    pub(crate) cookie_file: Option<PathBuf>,
    /// Without a node: an Electrum server, as ssl://host:port.
    #[arg(long, value_name = "URL", conflicts_with_all = ["rpc_url", "cookie_file"])]
    pub(crate) electrum_url: Option<String>,
    /// SHA-256 of its certificate in hex; without it the web's roots vouch for it.
    #[arg(long, value_name = "HEX", requires = "electrum_url")]
    pub(crate) electrum_pin: Option<String>,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(crate) struct Run {
    /// The configuration file.
    #[arg(long, value_name = "FILE", required_unless_present = "dev", conflicts_with = "dev")]
    pub(crate) config: Option<PathBuf>,
    /// For trying: loopback, a private CA, everything in one folder, an invitation printed.
    #[arg(long)]
    pub(crate) dev: bool,
    /// With --dev: keep everything in this folder; without it, in a temporary one.
    #[arg(long, requires = "dev", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// With --dev: address to listen on; port 0 lets the system choose.
    #[arg(long, requires = "dev", default_value = "127.0.0.1:8443", value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) node: Node,
    /// This machine's clock is right, although the server last ran more than 30 days before what it shows. Records of
    /// requests are then dropped by it.
    #[arg(long, conflicts_with = "dev")]
    pub(crate) trust_clock: bool,
    /// The anchor of this database is lost: begin another. No later restore lifts a fence by what was in the lost one.
    #[arg(long)]
    pub(crate) new_anchor: bool,
    /// Print one line of JSON on standard output when requests are answered, and log in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How to find the running server.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Where {
    /// The server's configuration file.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The server's admin socket.
    #[arg(long, value_name = "FILE", env = "TWOFOLD_ADMIN_SOCKET")]
    pub(crate) socket: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Invite {
    #[command(flatten)]
    pub(crate) server: Where,
    /// How long it can be used: a number and s, m, h or d.
    #[arg(long, default_value = "24h", value_name = "TIME", value_parser = command::span)]
    pub(crate) expires: u64,
    /// For a lost device: whoever has the wallet's recovery words may ask for the device's place. Know who asks you.
    #[arg(long, value_name = "WALLET")]
    pub(crate) recover: Option<String>,
    /// How long a recovery of that wallet waits, until one is done, so that other devices hear of it: 0s to 90d.
    #[arg(long, value_name = "TIME", requires = "recover", value_parser = command::span)]
    pub(crate) wait: Option<u64>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The wallet's id.
    pub(crate) wallet: String,
    /// The change's number.
    pub(crate) change: u64,
    #[command(flatten)]
    pub(crate) server: Where,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogLevel {
    /// error, warn, info, debug, trace, or directives.
    pub(crate) level: String,
    #[command(flatten)]
    pub(crate) server: Where,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) server: Where,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// Where to write it; the file must not be there yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Who can open it; without it, backup.recipient of the configuration.
    #[arg(long, value_name = "AGE1...")]
    pub(crate) recipient: Option<String>,
    #[command(flatten)]
    pub(crate) server: Where,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where a server's files are.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Files {
    /// The server's configuration file.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The folder of `run --dev --data`.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup.
    #[arg(
        long,
        value_name = "FILE",
        requires = "identity",
        required_unless_present = "in_place"
    )]
    pub(crate) from: Option<PathBuf>,
    /// The file with the key that opens it (AGE-SECRET-KEY-1...).
    #[arg(long, value_name = "FILE", requires = "from")]
    pub(crate) identity: Option<PathBuf>,
    /// The database is PostgreSQL and was restored by its own means, from a dump or to a point in time: say so in it.
    #[arg(long, conflicts_with_all = ["from", "identity"])]
    pub(crate) in_place: bool,
    #[command(flatten)]
    pub(crate) files: Files,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KekCommand {
    /// Have the running server draw another KEK and seal everything under it, while it signs. Run again, it says how far
    /// that is.
    #[command(after_help = "\
Examples:
  twofold-server kek rotate --config /etc/twofold/twofold.toml")]
    Rotate {
        #[command(flatten)]
        server: Where,
        /// Print one JSON object, at the end.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum FenceCommand {
    /// Show them, with the reason and what each waits for.
    #[command(after_help = "\
Examples:
  twofold-server fence list --config /etc/twofold/twofold.toml")]
    List {
        #[command(flatten)]
        server: Where,
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Take over the server's own shares that devices brought back after a refresh that the backup lacks. The key that opens
    /// backups opens them, in this command and not in the server. No fence is lifted by that.
    #[command(after_help = "\
Examples:
  twofold-server fence adopt --identity backup.key --config /etc/twofold/twofold.toml")]
    Adopt {
        /// The file with the operator's offline key, as backup-key wrote it.
        #[arg(long, value_name = "FILE")]
        identity: PathBuf,
        #[command(flatten)]
        server: Where,
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Decide that a wallet may sign again. It does once a person says the same on a device.
    #[command(after_help = "\
Examples:
  twofold-server fence lift --all --reason 'disk lost on Monday, backup of Sunday' --config /etc/twofold/twofold.toml
  twofold-server fence lift --wallet 5f0c... --reason 'owner called' --socket ./scratch/admin.sock")]
    Lift {
        /// The wallet, by its id.
        #[arg(long, value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
        wallet: Option<String>,
        /// Every wallet that is fenced now.
        #[arg(long)]
        all: bool,
        /// Why; it stands in each wallet's log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        server: Where,
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check a configuration and every file it names.
    #[command(after_help = "\
Examples:
  twofold-server config check --config /etc/twofold/twofold.toml")]
    Check {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

impl From<Node> for command::Node {
    fn from(node: Node) -> Self {
        Self {
            network: node.network.unwrap_or(Network::Regtest),
            signet_challenge: node.signet_challenge,
            signet_block_seconds: node.signet_block_seconds,
            risk_real_money: node.risk_real_money,
            rpc_url: node.rpc_url,
            cookie_file: node.cookie_file,
            electrum_url: node.electrum_url,
            electrum_pin: node.electrum_pin,
        }
    }
}

impl From<Where> for command::Server {
    fn from(server: Where) -> Self {
        match (server.config, server.socket) {
            (Some(file), _) => Self::Config(file),
            (None, socket) => Self::Socket(socket.unwrap_or_default()),
        }
    }
}

impl From<Files> for command::Place {
    fn from(files: Files) -> Self {
        match (files.config, files.data) {
            (Some(file), _) => Self::Config(file),
            (None, folder) => Self::Development(folder.unwrap_or_default()),
        }
    }
}

impl From<Backup> for command::Backup {
    fn from(backup: Backup) -> Self {
        Self {
            server: backup.server.into(),
            out: backup.out,
            recipient: backup.recipient,
            json: backup.json,
        }
    }
}

impl From<Restore> for command::Restore {
    fn from(restore: Restore) -> Self {
        Self {
            place: restore.files.into(),
            from: restore.from.zip(restore.identity),
            json: restore.json,
        }
    }
}

impl From<Run> for command::Run {
    fn from(run: Run) -> Self {
        match run.config {
            Some(file) => Self::Config {
                file,
                trust_clock: run.trust_clock,
                new_anchor: run.new_anchor,
                json: run.json,
            },
            None => Self::Development {
                data: run.data,
                listen: run.listen,
                node: run.node.into(),
                new_anchor: run.new_anchor,
                json: run.json,
            },
        }
    }
}

impl TryFrom<Init> for command::Init {
    type Error = Fault;

    fn try_from(init: Init) -> Result<Self, Fault> {
        if init.node.network.is_none() {
            let told = "say which chain: --network signet, mutinynet, testnet4, regtest or bitcoin";
            return Err(Fault::Config(told.into()));
        }
        Ok(Self {
            mode: init.mode,
            dir: init.dir,
            data_dir: init.data_dir,
            anchor: init.anchor,
            public_url: init.public_url,
            listen: init.listen,
            certificate: init.certificate.zip(init.key),
            node: init.node.into(),
            expires_seconds: init.expires,
            json: init.json,
        })
    }
}
