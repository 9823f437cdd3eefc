//! Certificates by ACME.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use twofold_identity::WebUrl;

use super::{Config, Trust};
use crate::fault::Fault;

/// An authority that gives certificates out by itself (RFC 8555).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acme {
    /// Its directory.
    pub directory: String,
    /// You have read its terms and agree.
    #[serde(default)]
    pub terms_agreed: bool,
    /// Where it writes to you, such as `mailto:ops@example.org`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contact: Vec<String>,
    /// The account with it, sealed under the KEK; `acme-account` beside `tls.key` unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_file: Option<PathBuf>,
    /// PEM: whose certificates its own directory may show; those that browsers trust unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

impl Acme {
    /// Where the account is, for a certificate with this key.
    pub(crate) fn account_file(&self, key: &Path) -> PathBuf {
        let beside = || key.with_file_name("acme-account");
        self.account_file.clone().unwrap_or_else(beside)
    }
}

impl Config {
    pub(super) fn acme_check(&self) -> Result<(), Fault> {
        let Some(acme) = &self.acme else { return Ok(()) };
        let refuse = |why: &str| Err(Fault::Config(format!("acme: {why}")));
        if !WebUrl::parse(&acme.directory).is_ok_and(|url| url.encrypted()) {
            return refuse("directory must be an https URL, such as https://acme-v02.api.letsencrypt.org/directory");
        }
        if !acme.terms_agreed {
            return refuse("read the authority's terms, and set terms_agreed = true");
        }
        if self.tls.trust != Trust::Web {
            return refuse("its certificates are the web's: set tls.trust = \"web\"");
        }
        let host = self.public_url.host();
        if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
            return refuse("certificates are for names, and public_url has an address");
        }
        if acme.contact.iter().any(|contact| !contact.starts_with("mailto:")) {
            return refuse("write each contact as mailto:name@example.org");
        }
        Ok(())
    }
}
