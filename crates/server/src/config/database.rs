//! Where the data is kept.

use std::path::{Path, PathBuf};

use figment::{
    Figment,
    providers::{Env, Serialized},
};
use serde::{Deserialize, Serialize};
use twofold_store::{Settings, Tls};
use zeroize::Zeroizing;

use super::{check::within, source::stays_here};
use crate::{fault::Fault, private_file};

/// The database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// Which one.
    pub kind: Kind,
    /// PostgreSQL's address, `postgres://role@host/database`, without a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// File with the role's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// PEM: the authorities that vouch for the certificate of PostgreSQL's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_root_file: Option<PathBuf>,
    /// Reach PostgreSQL over a network without TLS, although whoever is on the way reads and writes along.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub risk_plaintext: bool,
    /// Connections to PostgreSQL at most.
    pub connections: u32,
}

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Files in `data_dir`.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            kind: Kind::Sqlite,
            url: None,
            password_file: None,
            tls_root_file: None,
            risk_plaintext: false,
            connections: 16,
        }
    }
}

impl Database {
    /// What the environment says, for `run --dev` and the commands beside it.
    pub(crate) fn of_environment() -> Result<Self, Fault> {
        Figment::from(Serialized::defaults(Self::default()))
            .merge(Env::prefixed("TWOFOLD__DATABASE__"))
            .extract()
            .map_err(|error| super::fault::explain(Path::new("[database]"), error))
    }

    /// Its hosts on other machines; none where the data is in files, or the settings make no sense.
    pub(crate) fn elsewhere(&self) -> Vec<String> {
        let hosts = self
            .settings()
            .ok()
            .flatten()
            .and_then(|settings| settings.hosts().ok());
        let mut hosts = hosts.unwrap_or_default();
        hosts.retain(|host| !host.starts_with('/') && !stays_here(host));
        hosts
    }

    /// The same, where whoever is on the way reads and writes along.
    pub(crate) fn exposed(&self) -> Vec<String> {
        let private = |settings: Settings| settings.is_private().unwrap_or(true);
        if self.settings().ok().flatten().is_none_or(private) {
            return Vec::new();
        }
        self.elsewhere()
    }

    /// How PostgreSQL is reached; none where the data is in files.
    pub(crate) fn settings(&self) -> Result<Option<Settings>, Fault> {
        let config = |told: &str| Err(Fault::Config(told.to_owned()));
        if self.kind == Kind::Sqlite {
            if self.url.is_some() || self.password_file.is_some() || self.tls_root_file.is_some() {
                return config("[database] says how to reach PostgreSQL; say kind = \"postgres\" as well");
            }
            return Ok(None);
        }
        let Some(url) = &self.url else {
            return config("database.url is missing, such as postgres://twofold@db.example/twofold");
        };
        within(&[("database.connections", u64::from(self.connections), 2, 500)])?;
        let password = match &self.password_file {
            None => None,
            Some(file) => {
                private_file::require_private(file)?;
                let text = std::fs::read(file).map(Zeroizing::new).map_err(Fault::reading(file))?;
                Some(Zeroizing::new(text.trim_ascii_end().to_vec()))
            }
        };
        let tls = match &self.tls_root_file {
            None => Tls::Off,
            Some(file) => Tls::Verified(std::fs::read(file).map_err(Fault::reading(file))?),
        };
        let settings = Settings {
            url: url.clone(),
            password,
            tls,
            connections: self.connections,
        };
        let private = settings
            .is_private()
            .map_err(|fault| Fault::Config(fault.to_string()))?;
        if !private && !self.risk_plaintext {
            return config(
                "database.tls_root_file is missing: PostgreSQL is reached over a network, and without the authority that \
                 vouches for it nobody knows who answers",
            );
        }
        Ok(Some(settings))
    }
}
