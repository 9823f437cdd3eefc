//! Where a server is, and whether the way to it is encrypted.

use std::{net::IpAddr, str::FromStr};

/// `ssl://host:port`, or `tcp://host:port` for one that is reached in plaintext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) encrypted: bool,
}

/// An address that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no Electrum server's address: give ssl://host:port, or tcp://host:port for one on this machine")]
pub struct BadAddress(String);

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let parse = || {
            let (scheme, rest) = text.split_once("://")?;
            let encrypted = match scheme {
                "ssl" => true,
                "tcp" => false,
                _ => return None,
            };
            let (host, port) = rest.trim_end_matches('/').rsplit_once(':')?;
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            let host = bare.unwrap_or(host);
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
            if host.is_empty() || !host.chars().all(plain) || host.contains(':') != bare.is_some() {
                return None;
            }
            Some(Self {
                host: host.to_owned(),
                port: port.parse().ok().filter(|port| *port != 0)?,
                encrypted,
            })
        };
        parse().ok_or_else(|| BadAddress(text.to_owned()))
    }
}

impl Address {
    /// Whether what goes there can be read on the way: plaintext to another machine.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        let own = self
            .host
            .parse::<IpAddr>()
            .map_or(self.host == "localhost", |ip| ip.is_loopback());
        !self.encrypted && !own
    }
}
