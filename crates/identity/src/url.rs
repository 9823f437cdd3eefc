//! Where a provider is asked.

use std::fmt;

use hyper::Uri;

use crate::refused::SetupFault;

/// An `https://` URL; `http://` is for a provider on the same machine, by its loopback address.
#[derive(Clone, PartialEq, Eq)]
pub struct WebUrl {
    uri: Uri,
    host: String,
    port: u16,
    encrypted: bool,
}

impl WebUrl {
    /// Reads a URL without user, password or fragment.
    pub fn parse(text: &str) -> Result<Self, SetupFault> {
        Self::read(text).ok_or_else(|| SetupFault::Url(text.chars().take(200).collect()))
    }

    fn read(text: &str) -> Option<Self> {
        if text.len() > 2048 || text.contains('#') {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        let authority = uri.authority()?;
        if authority.as_str().contains('@') {
            return None;
        }
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let encrypted = match uri.scheme_str()? {
            "https" => true,
            "http" => {
                let address: std::net::IpAddr = host.parse().ok()?;
                address.is_loopback().then_some(false)?
            }
            _ => return None,
        };
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        Some(Self {
            uri,
            host,
            port,
            encrypted,
        })
    }

    /// The same with a path after its own.
    pub(crate) fn below(text: &str, path: &str) -> Result<Self, SetupFault> {
        Self::parse(&format!("{}{path}", text.trim_end_matches('/')))
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is `https`.
    #[must_use]
    pub const fn encrypted(&self) -> bool {
        self.encrypted
    }

    /// For the request line.
    pub(crate) fn target(&self) -> &str {
        self.uri.path_and_query().map_or("/", |target| target.as_str())
    }

    /// For the `Host` header.
    pub(crate) fn authority(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

impl fmt::Debug for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}
