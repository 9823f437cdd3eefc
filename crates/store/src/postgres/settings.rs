//! How a database is reached.

use std::{fmt, sync::Arc, time::Duration};

use rustls::ClientConfig;
use tokio_postgres::config::{Host, SslMode};
use zeroize::Zeroizing;

use super::{fault::PostgresFault, tls};

/// How long a connection may take to be there, its TLS and sign-in included.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// Where a database is, and as whom it is asked.
pub struct Settings {
    /// `postgres://user@host:port/database`, or `host=/run/postgresql user=… dbname=…`; several hosts, separated by commas,
    /// with `target_session_attrs=read-write` where one of them is taken over by another. Without a password.
    pub url: String,
    /// The role's password.
    pub password: Option<Zeroizing<Vec<u8>>>,
    /// How the server at the other end is known. Sockets of this machine need none of it.
    pub tls: Tls,
    /// Connections at most.
    pub connections: u32,
}

/// How the server at the other end is known.
pub enum Tls {
    /// By a certificate for the host's name that these authorities vouch for, in PEM.
    Verified(Vec<u8>),
    /// Not at all, and whoever is on the way reads and writes along.
    Off,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &self.url)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// Settings that make sense together.
pub(super) struct Reached {
    pub(super) config: tokio_postgres::Config,
    pub(super) tls: Option<Arc<ClientConfig>>,
}

impl Reached {
    pub(super) fn is_private(&self) -> bool {
        let sockets = |host: &Host| matches!(host, Host::Unix(_));
        self.tls.is_some() || self.config.get_hosts().iter().all(sockets)
    }
}

impl Settings {
    /// Whether nobody on the way reads along: by TLS, or because there is no way.
    pub fn is_private(&self) -> Result<bool, PostgresFault> {
        Ok(self.reached()?.is_private())
    }

    /// The hosts that it is reached at: names, addresses, or the folders of sockets.
    pub fn hosts(&self) -> Result<Vec<String>, PostgresFault> {
        let config = self.reached()?.config;
        let addresses = config.get_hostaddrs();
        let hosts = config.get_hosts().iter().enumerate();
        // An address beside a name is where it leads.
        let led = hosts.map(|(place, host)| match (addresses.get(place), host) {
            (Some(address), _) => address.to_string(),
            (None, Host::Tcp(name)) => name.clone(),
            (None, Host::Unix(folder)) => folder.display().to_string(),
        });
        Ok(led.collect())
    }

    pub(super) fn reached(&self) -> Result<Reached, PostgresFault> {
        let mut config: tokio_postgres::Config =
            (self.url.parse()).map_err(|why: tokio_postgres::Error| PostgresFault::Settings(told(&why)))?;
        if config.get_password().is_some() {
            let told = "the password belongs into a file of its own, not into the address";
            return Err(PostgresFault::Settings(told.into()));
        }
        if config.get_user().is_none() || config.get_dbname().is_none() {
            let told = "the address must name a role and a database, as in postgres://twofold@db.example/twofold";
            return Err(PostgresFault::Settings(told.into()));
        }
        let sockets = config.get_hosts().iter().filter(|host| matches!(host, Host::Unix(_)));
        let (sockets, hosts) = (sockets.count(), config.get_hosts().len());
        if hosts == 0 || (sockets > 0 && sockets < hosts) {
            let told = "the address must name hosts, or a socket's folder, and not both";
            return Err(PostgresFault::Settings(told.into()));
        }
        if sockets > 0 && !config.get_hostaddrs().is_empty() {
            let told =
                "the address names a socket's folder and a hostaddr, which would be reached instead, in the clear";
            return Err(PostgresFault::Settings(told.into()));
        }
        let tls = match &self.tls {
            Tls::Verified(roots) if sockets == 0 => Some(tls::client(roots)?),
            _ => None,
        };
        if let Some(password) = &self.password {
            config.password(password.as_slice());
        }
        config
            .application_name("twofold")
            .ssl_mode(if tls.is_some() {
                SslMode::Require
            } else {
                SslMode::Disable
            })
            .connect_timeout(CONNECT)
            .keepalives(true)
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3)
            .tcp_user_timeout(Duration::from_secs(20));
        Ok(Reached { config, tls })
    }
}

/// An error with its causes, which `tokio-postgres` keeps to itself.
pub(super) fn told(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(": ");
        told.push_str(&error.to_string());
        cause = error.source();
    }
    told
}
