//! The configuration: a TOML file, overridden by `TWOFOLD__SECTION__KEY` in the environment. Unknown keys are refused.

mod acme;
mod check;
mod clock;
mod cosigner;
mod database;
mod fault;
mod ingress;
mod kek;
mod log;
mod mode;
mod network;
#[cfg(test)]
mod page;
mod people;
mod public_url;
mod sign_in;
mod source;
mod traces;
mod waits;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Env, Format as _, Serialized, Toml},
};
use serde::{Deserialize, Serialize};
use twofold_api::public_url::PublicUrl;

pub use acme::Acme;
pub(crate) use check::plain;
pub use clock::Clock;
pub use database::{Database, Kind as DatabaseKind};
pub(crate) use ingress::Turned;
pub use ingress::{Addresses, Ingress};
pub use kek::{Hook, Keeper, Keeping, Token};
pub use log::{Log, LogFormat};
pub use mode::Mode;
pub use network::Network;
pub use people::{Backend, People, Scope};
pub(crate) use sign_in::secret;
pub use sign_in::{Admit, Audience, SignIn};
pub use source::Second;
pub use traces::Traces;
pub use waits::Waits;

use crate::fault::Fault;

/// Everything that the operator decides.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How strict the server is with its surroundings.
    #[serde(default)]
    pub mode: Mode,
    /// Where devices reach the server, as they sign it.
    #[serde(with = "public_url")]
    pub public_url: PublicUrl,
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Holds the database and, unless said otherwise, the admin socket. One process at a time.
    pub data_dir: PathBuf,
    /// The KEK, or what its keeper opens; outside the data directory.
    pub kek_file: PathBuf,
    /// The anchor: outside the data directory and its backups, on another volume where there is one. No server starts
    /// without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor_file: Option<PathBuf>,
    /// The admin socket; `admin.sock` in the data directory unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_socket: Option<PathBuf>,
    /// Origins of web pages that may call, such as `https://app.example.org`; none unless listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_origins: Vec<String>,
    /// Ways in beside `listen`, and who may take them.
    #[serde(default)]
    pub ingress: Ingress,
    /// What keeps the KEK.
    #[serde(default, skip_serializing_if = "Keeping::is_usual")]
    pub kek: Keeping,
    /// The certificate.
    pub tls: Tls,
    /// An authority that gives the certificate out by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acme: Option<Acme>,
    /// The node.
    pub bitcoin: Bitcoin,
    /// Where the data is kept; in files in `data_dir` unless said otherwise.
    #[serde(default)]
    pub database: Database,
    /// Bounds.
    #[serde(default)]
    pub limits: Limits,
    /// Providers that people sign in with, beside invitations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sign_in: Vec<SignIn>,
    /// What people may do.
    #[serde(default)]
    pub people: People,
    /// Backends of apps that may ask about their people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backend: Vec<Backend>,
    /// What a wallet may spend on fees.
    #[serde(default)]
    pub policy: Policy,
    /// How long changes wait that one device asks for.
    #[serde(default)]
    pub waits: Waits,
    /// Backups.
    #[serde(default)]
    pub backup: Backup,
    /// What is logged and how.
    #[serde(default)]
    pub log: Log,
    /// Metrics for Prometheus.
    #[serde(default)]
    pub metrics: Metrics,
    /// Traces for an OpenTelemetry collector.
    #[serde(default)]
    pub traces: Traces,
    /// What the machine's clock is held against.
    #[serde(default)]
    pub clock: Clock,
    /// `run --trust-clock`: for one start only, so no setting in a file.
    #[serde(skip)]
    pub trust_clock: bool,
    /// `run --new-anchor`: for one start only.
    #[serde(skip)]
    pub new_anchor: bool,
}

/// The certificate that the server shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM: the server's certificate first, then those that vouch for it.
    pub certificate: PathBuf,
    /// PEM: the certificate's private key.
    pub key: PathBuf,
    /// How a device knows the certificate.
    pub trust: Trust,
}

/// How a device knows that it speaks to this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// By the last certificate of the chain, named by its hash in every invitation.
    Pinned,
    /// By the roots that browsers trust.
    Web,
}

/// The Bitcoin node.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bitcoin {
    /// Which chain.
    pub network: Network,
    /// A signet of one's own: its challenge, a script in hex. Without it, the signet that everybody shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signet_challenge: Option<String>,
    /// Seconds between that signet's blocks; 600 unless its nodes were told otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signet_block_seconds: Option<u32>,
    /// Serve the main network, although nobody outside has reviewed Twofold and coins may be lost.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub risk_real_money: bool,
    /// Its RPC, as `http://host:port`. Left out where an Electrum server is asked instead.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rpc_url: String,
    /// The node's cookie file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie_file: Option<PathBuf>,
    /// RPC user, where there is no cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// File with the RPC user's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// An Electrum server to ask instead of a node, as `ssl://host:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub electrum_url: Option<String>,
    /// SHA-256 of the Electrum server's certificate (DER), 64 hex digits. Without it and `electrum_roots_file`, the roots
    /// that browsers trust vouch for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub electrum_pin: Option<String>,
    /// Certificates that vouch for the Electrum server's, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub electrum_roots_file: Option<PathBuf>,
    /// The Electrum server may be asked in plaintext (`tcp://`) although it is on another machine.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub electrum_plaintext: bool,
    /// A second source of the chain. Where the two disagree neither is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<Second>,
}

/// Bounds on what the server takes at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Open connections; one more is closed at once. A quarter of them may be in their handshake.
    pub connections: u32,
    /// Open connections of one address (an IPv6 /64 counts as one). Raise it where a proxy passes connections on, for
    /// then all share the proxy's address.
    pub connections_per_address: u32,
    /// Memory for the bodies of requests that are being read or answered, in MiB. Only known devices get any of it.
    pub bodies_mib: u32,
    /// How much of it one address may have, in MiB. Raise it with `connections_per_address`.
    pub bodies_mib_per_address: u32,
    /// Connections and requests a second from one address, before a signature is looked at.
    pub address_per_second: u32,
    /// Connections and requests from one address at once, before the rate counts.
    pub address_burst: u32,
    /// Requests a second of one device, its signature verified.
    pub device_per_second: u32,
    /// Requests of one device at once.
    pub device_burst: u32,
    /// Requests a second of all devices of one user; those that joined within the last week share one of their own.
    pub user_per_second: u32,
    /// Requests of all devices of one user at once.
    pub user_burst: u32,
    /// Requests a second on one wallet.
    pub wallet_per_second: u32,
    /// Requests on one wallet at once.
    pub wallet_burst: u32,
    /// Ceremonies open for one user.
    pub ceremonies_per_user: u32,
    /// Ceremonies open in all.
    pub ceremonies: u32,
    /// Wallets of one user.
    pub wallets_per_user: u32,
    /// Devices that one user may enrol by signing in, five a day at most. With 1, a further one comes by another device's invitation alone.
    pub devices_per_user: u32,
    /// Signed transactions of one wallet that may wait for the chain.
    pub issued_per_wallet: u32,
    /// Refreshes of one wallet in a day, but for the one that follows a revocation.
    pub refreshes_per_day: u32,
    /// Seconds for a TLS handshake.
    pub handshake_seconds: u64,
    /// Seconds for the headers of a request to arrive.
    pub header_seconds: u64,
    /// Seconds for the body of a request to arrive.
    pub body_seconds: u64,
    /// Seconds for a request, all in all.
    pub request_seconds: u64,
    /// Seconds that a connection stays open without a request of a known device. Other requests keep nothing open.
    pub stranger_seconds: u64,
    /// Seconds that a connection stays open after a request of a known device.
    pub idle_seconds: u64,
    /// Seconds that open requests get when the server stops.
    pub drain_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_address: 64,
            bodies_mib: 64,
            bodies_mib_per_address: 8,
            address_per_second: 50,
            address_burst: 200,
            device_per_second: 20,
            device_burst: 100,
            user_per_second: 40,
            user_burst: 200,
            wallet_per_second: 20,
            wallet_burst: 100,
            ceremonies_per_user: 5,
            ceremonies: 1000,
            wallets_per_user: 20,
            devices_per_user: 20,
            issued_per_wallet: 1_000,
            refreshes_per_day: 48,
            handshake_seconds: 10,
            header_seconds: 10,
            body_seconds: 10,
            request_seconds: 30,
            stranger_seconds: 30,
            idle_seconds: 60,
            drain_seconds: 20,
        }
    }
}

/// What no wallet may exceed, whatever its own rules say.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Highest fee rate that is signed for, in satoshi per virtual byte.
    pub max_fee_rate_sat_vb: u64,
    /// Highest fee as a part of what is paid, in percent; small fees are exempt.
    pub max_fee_percent: u64,
    /// Highest fee of one transaction, in satoshi.
    pub max_fee_sat: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_fee_rate_sat_vb: 1000,
            max_fee_percent: 25,
            max_fee_sat: 1_000_000,
        }
    }
}

/// Backups.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// The public half, `age1...`, of the key that opens backups. Its other half is kept offline: the server never has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
}

/// Metrics for Prometheus.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// A loopback address to serve `/metrics` on, in plain HTTP; none: no metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
}

impl Config {
    /// Reads the file and the environment. Checks shapes, not yet the files it names ([`Config::check`] does).
    pub fn load(path: &Path) -> Result<Self, Fault> {
        let text = std::fs::read_to_string(path)
            .map_err(|why| Fault::Config(format!("can't read the configuration {}: {why}", path.display())))?;
        Figment::from(Toml::string(&text))
            .merge(Env::prefixed("TWOFOLD__").split("__"))
            .extract()
            .map_err(|error| fault::explain(path, error))
    }

    /// The same with what the environment says otherwise, as for a configuration read from a file.
    pub fn overridden(self) -> Result<Self, Fault> {
        Figment::from(Serialized::defaults(self))
            .merge(Env::prefixed("TWOFOLD__").split("__"))
            .extract()
            .map_err(|error| fault::explain(Path::new("the configuration of run --dev"), error))
    }

    /// The configuration of `run --dev`: loopback, everything under one folder, text for a log.
    #[must_use]
    pub fn development(folder: &Path, listen: SocketAddr, public_url: PublicUrl, bitcoin: Bitcoin) -> Self {
        Self {
            mode: Mode::Development,
            public_url,
            listen,
            ingress: Ingress::default(),
            data_dir: folder.join("data"),
            kek_file: folder.join("kek"),
            anchor_file: Some(folder.join("anchor")),
            admin_socket: Some(folder.join("admin.sock")),
            allowed_origins: Vec::new(),
            kek: Keeping::default(),
            tls: Tls {
                certificate: folder.join("chain.pem"),
                key: folder.join("key.pem"),
                trust: Trust::Pinned,
            },
            acme: None,
            bitcoin,
            database: Database::default(),
            limits: Limits {
                wallets_per_user: 1000,
                issued_per_wallet: 100_000,
                // Whoever tries it is on this machine, and all of them share one address.
                connections_per_address: Limits::default().connections,
                bodies_mib_per_address: Limits::default().bodies_mib,
                address_per_second: 10_000,
                address_burst: 10_000,
                user_per_second: 10_000,
                user_burst: 10_000,
                ..Limits::default()
            },
            sign_in: Vec::new(),
            people: People::default(),
            backend: Vec::new(),
            policy: Policy::default(),
            waits: Waits::default(),
            backup: Backup::default(),
            log: Log {
                level: "info".into(),
                format: LogFormat::Text,
            },
            metrics: Metrics {
                listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            },
            traces: Traces::default(),
            clock: Clock::default(),
            trust_clock: false,
            new_anchor: false,
        }
    }

    /// Where the admin socket is.
    #[must_use]
    pub fn admin_socket(&self) -> PathBuf {
        self.admin_socket
            .clone()
            .unwrap_or_else(|| self.data_dir.join("admin.sock"))
    }

    /// As a file for an operator to keep.
    pub fn to_toml(&self) -> Result<String, Fault> {
        toml::to_string(self).map_err(|error| Fault::System(format!("can't write the configuration: {error}")))
    }
}

#[cfg(test)]
mod tests;
