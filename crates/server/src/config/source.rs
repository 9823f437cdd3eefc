//! How a source of the chain is reached: a node by its RPC, or a server that speaks the Electrum protocol.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde::{Deserialize, Serialize};
use twofold_chain::{
    Bitcoind, Electrum, Source, Sources,
    bitcoind::{self, Credentials},
    electrum::{self, Trust},
};

use super::Bitcoin;
use crate::{fault::Fault, private_file};

/// A second source, which the first is held to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Second {
    /// A node's RPC, as `http://host:port`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rpc_url: String,
    /// The node's cookie file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie_file: Option<PathBuf>,
    /// RPC user, where there is no cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// File with the RPC user's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Or an Electrum server, as `ssl://host:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub electrum_url: Option<String>,
    /// SHA-256 of the Electrum server's certificate (DER), 64 hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub electrum_pin: Option<String>,
    /// Certificates that vouch for the Electrum server's, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub electrum_roots_file: Option<PathBuf>,
    /// The Electrum server may be asked in plaintext although it is on another machine.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub electrum_plaintext: bool,
}

impl Second {
    /// What goes against it, as far as this machine's files tell; the source if nothing does.
    fn open(&self, section: &str) -> Result<Source, Fault> {
        match (&self.electrum_url, self.rpc_url.is_empty()) {
            (Some(_), false) => Err(Fault::Config(format!(
                "{section} takes rpc_url, a node's, or electrum_url, not both"
            ))),
            (Some(url), true) => self.server(section, url).map(Source::Server),
            (None, _) => self.node(section).map(Source::Node),
        }
    }

    fn node(&self, section: &str) -> Result<Bitcoind, Fault> {
        let config = bitcoind::Config::new(self.rpc_url.clone(), self.credentials(section)?);
        Bitcoind::new(config).map_err(|error| Fault::Config(format!("{section}.rpc_url: {error}")))
    }

    fn credentials(&self, section: &str) -> Result<Credentials, Fault> {
        match (&self.cookie_file, &self.user, &self.password_file) {
            (Some(cookie), ..) => Ok(Credentials::Cookie(cookie.clone())),
            (None, Some(user), Some(file)) => Ok(Credentials::UserPassword {
                user: user.clone(),
                password: fs::read_to_string(file)
                    .map_err(Fault::reading(file))?
                    .trim_end()
                    .to_owned(),
            }),
            _ => Err(Fault::Config(format!(
                "{section} needs cookie_file, or user and password_file, to reach the node"
            ))),
        }
    }

    fn server(&self, section: &str, url: &str) -> Result<Electrum, Fault> {
        let address: electrum::Address = url
            .parse()
            .map_err(|error| Fault::Config(format!("{section}.electrum_url: {error}")))?;
        if address.is_exposed() && !self.electrum_plaintext {
            return Err(Fault::Config(format!(
                "{section}.electrum_url leads to another machine in plaintext, where anybody on the way can read and change \
                 what is said; use ssl://, or set {section}.electrum_plaintext = true for a network of your own"
            )));
        }
        let config = electrum::Config::new(address, self.trust(section)?);
        Electrum::new(config).map_err(|error| Fault::Config(format!("{section}: {error}")))
    }

    fn trust(&self, section: &str) -> Result<Trust, Fault> {
        match (&self.electrum_pin, &self.electrum_roots_file) {
            (None, None) => Ok(Trust::Web),
            (Some(pin), None) => {
                let bytes = hex::decode(pin).ok().and_then(|bytes| bytes.try_into().ok());
                bytes.map(Trust::Pin).ok_or_else(|| {
                    Fault::Config(format!(
                        "{section}.electrum_pin must be 64 hex digits: the SHA-256 of the certificate, as \
                         `openssl x509 -outform der | sha256sum` tells it"
                    ))
                })
            }
            (None, Some(file)) => roots(section, file).map(Trust::Roots),
            (Some(_), Some(_)) => Err(Fault::Config(format!(
                "{section} takes electrum_pin or electrum_roots_file, not both"
            ))),
        }
    }

    /// Whether it is sound, and its files are there.
    fn check(&self, section: &str) -> Result<(), Fault> {
        if self.electrum_url.is_none() {
            self.check_node(section)?;
        }
        self.open(section).map(drop)
    }

    fn check_node(&self, section: &str) -> Result<(), Fault> {
        let url: Option<http::Uri> = self.rpc_url.parse().ok();
        let sound = url
            .as_ref()
            .is_some_and(|url| url.scheme_str() == Some("http") && url.host().is_some());
        if !sound {
            return Err(Fault::Config(format!(
                "{section}.rpc_url must be a URL such as http://127.0.0.1:8332; or name an Electrum server by \
                 {section}.electrum_url"
            )));
        }
        if url
            .and_then(|url| url.authority().map(|authority| authority.as_str().contains('@')))
            .unwrap_or_default()
        {
            return Err(Fault::Config(format!(
                "{section}.rpc_url must not hold a password; use cookie_file, or user and password_file"
            )));
        }
        match (&self.cookie_file, &self.user, &self.password_file) {
            (None, Some(_), Some(file)) if file.exists() => private_file::require_private(file),
            (None, Some(_), Some(file)) => Err(Fault::Config(format!(
                "{section}.password_file {} is not there",
                file.display()
            ))),
            (_, None, None) => Ok(()),
            _ => Err(Fault::Config(format!(
                "{section} takes cookie_file, or user and password_file, not both"
            ))),
        }
    }

    /// The key and the host where it is asked so that who is on the way reads and answers as it likes; none where that
    /// stays on this machine, or is TLS.
    fn exposed(&self, section: &str) -> Option<(String, String)> {
        if let Some(url) = &self.electrum_url {
            let address: Option<electrum::Address> = url.parse().ok();
            return address
                .is_some_and(|address| address.is_exposed())
                .then(|| (format!("{section}.electrum_url"), url.clone()));
        }
        let url: http::Uri = self.rpc_url.parse().ok()?;
        let host = url.host().filter(|host| !stays_here(host))?;
        Some((format!("{section}.rpc_url"), host.to_owned()))
    }

    /// What stands in the way of asking it, as far as this machine's files tell.
    fn obstacle(&self, section: &str) -> Option<String> {
        let file = self.cookie_file.as_ref()?;
        let error = fs::File::open(file).err()?;
        Some(format!(
            "its cookie {} can't be read ({error}); start the node, or name its cookie: --cookie-file FILE or \
             {section}.cookie_file",
            file.display()
        ))
    }
}

/// Whether what is said to this host stays on this machine.
pub(super) fn stays_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or(host == "localhost", |address| address.to_canonical().is_loopback())
}

fn roots(section: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let unreadable = |error: rustls::pki_types::pem::Error| {
        Fault::Config(format!(
            "{section}.electrum_roots_file {} can't be read: {error}",
            file.display()
        ))
    };
    let certificates = CertificateDer::pem_file_iter(file).map_err(unreadable)?;
    let certificates: Vec<_> = certificates.collect::<Result<_, _>>().map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(Fault::Config(format!(
            "{section}.electrum_roots_file {} holds no certificate",
            file.display()
        )));
    }
    Ok(certificates)
}

impl Bitcoin {
    /// The source itself, as a second one would be named.
    fn first(&self) -> Second {
        Second {
            rpc_url: self.rpc_url.clone(),
            cookie_file: self.cookie_file.clone(),
            user: self.user.clone(),
            password_file: self.password_file.clone(),
            electrum_url: self.electrum_url.clone(),
            electrum_pin: self.electrum_pin.clone(),
            electrum_roots_file: self.electrum_roots_file.clone(),
            electrum_plaintext: self.electrum_plaintext,
        }
    }

    /// Makes the adapters. Neither source is asked yet.
    pub(crate) fn sources(&self) -> Result<Sources, Fault> {
        let second = self.second.as_ref().map(|second| second.open("bitcoin.second"));
        Ok(Sources::new(self.first().open("bitcoin")?, second.transpose()?))
    }

    /// Whether the sources are sound, and their files are there.
    pub(super) fn check(&self) -> Result<(), Fault> {
        self.chain()?;
        self.first().check("bitcoin")?;
        self.second
            .as_ref()
            .map_or(Ok(()), |second| second.check("bitcoin.second"))
    }

    /// The links to sources that are plaintext to other machines, by key and host.
    pub(crate) fn exposed(&self) -> Vec<(String, String)> {
        let second = self.second.as_ref().and_then(|second| second.exposed("bitcoin.second"));
        self.first().exposed("bitcoin").into_iter().chain(second).collect()
    }

    /// What stands in the way of asking the source, as far as this machine's files tell.
    pub(crate) fn obstacle(&self) -> Option<String> {
        self.first().obstacle("bitcoin")
    }
}

#[cfg(test)]
mod tests;
