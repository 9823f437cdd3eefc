//! The server's public URL: what clients connect to and what every signature covers.

use alloc::{format, string::String};
use core::{fmt, str::FromStr};

/// Most characters in a public URL.
const CHARS: usize = 200;

/// `https://host`, `https://host:port` or either with a path: lower-case host, no user, query or fragment, no slash at
/// the end. One server has one spelling, so both sides sign the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PublicUrl {
    text: String,
    /// Where the host and port end.
    path: usize,
}

/// Why a text is no [`PublicUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicUrlFault {
    /// Another scheme: without TLS nothing is private.
    #[error("the server's URL must start with https://")]
    Scheme,
    /// No usable host name or address.
    #[error(
        "the server's URL has no usable host: letters, digits, `-` and `.`, in lower case, or an IPv6 address in []"
    )]
    Host,
    /// A port that is none, or 443, which is not written out.
    #[error("the server's URL has an unusable port: leave 443 away, write others without zeros in front")]
    Port,
    /// A path with a slash at the end, or with something else than segments of plain characters.
    #[error("the server's URL has an unusable path: plain segments only, no slash at the end, no query")]
    Path,
    /// More than 200 characters.
    #[error("the server's URL has at most {CHARS} characters")]
    TooLong,
}

impl PublicUrl {
    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Host and port as they stand in the URL: what to put in `Host`.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.text.get(SCHEME.len()..self.path).unwrap_or_default()
    }

    /// The host alone, without the brackets of an IPv6 address: what a certificate must name.
    #[must_use]
    pub fn host(&self) -> &str {
        let (host, _) = split_authority(self.authority());
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        let (_, port) = split_authority(self.authority());
        port.and_then(|digits| digits.parse().ok()).unwrap_or(443)
    }

    /// The path that precedes every procedure's, empty or with a slash in front.
    #[must_use]
    pub fn base_path(&self) -> &str {
        self.text.get(self.path..).unwrap_or_default()
    }

    /// What a signature covers as `@target-uri` for a procedure's path, such as `/twofold.v1.CosignerService/Sign`.
    #[must_use]
    pub fn target(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }
}

const SCHEME: &str = "https://";

impl FromStr for PublicUrl {
    type Err = PublicUrlFault;

    fn from_str(text: &str) -> Result<Self, PublicUrlFault> {
        if text.len() > CHARS {
            return Err(PublicUrlFault::TooLong);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(PublicUrlFault::Scheme)?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (host, port) = split_authority(authority);
        if !is_host(host) {
            return Err(PublicUrlFault::Host);
        }
        if !port.is_none_or(is_port) {
            return Err(PublicUrlFault::Port);
        }
        let segment = |s: &str| {
            !matches!(s, "" | "." | "..") && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        };
        if !(path.is_empty() || path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment))) {
            return Err(PublicUrlFault::Path);
        }
        Ok(Self {
            text: text.into(),
            path: SCHEME.len() + authority.len(),
        })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Splits host and port; an IPv6 address keeps its brackets.
fn split_authority(authority: &str) -> (&str, Option<&str>) {
    let host_end = authority.find(']').map_or(0, |bracket| bracket + 1);
    match authority.get(host_end..).and_then(|rest| rest.find(':')) {
        Some(colon) => {
            let (host, port) = authority.split_at(host_end + colon);
            (host, port.strip_prefix(':'))
        }
        None => (authority, None),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address
            .strip_suffix(']')
            .and_then(|inner| inner.parse::<core::net::Ipv6Addr>().ok())
            .is_some_and(|address| format!("[{address}]") == host);
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    host.split('.').all(label)
}

fn is_port(digits: &str) -> bool {
    digits
        .parse::<u16>()
        .is_ok_and(|port| port != 0 && port != 443 && format!("{port}") == digits)
}

#[cfg(test)]
mod tests;
