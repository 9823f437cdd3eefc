//! Who may reach the server, and whose word about others it takes.

use std::{net::IpAddr, path::PathBuf, str::FromStr};

use http::HeaderMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Ways in beside `listen`, and who may take them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ingress {
    /// Networks such as `10.0.0.0/8` that devices may come from; empty: from anywhere.
    pub allow_from: Vec<Addresses>,
    /// Proxies that end TLS and speak TLS to the server again. What they say of who asks (`X-Forwarded-For`) and how
    /// (`X-Forwarded-Proto`) is believed. List none that passes connections on: its clients would say it themselves.
    pub proxies: Vec<Addresses>,
    /// A unix socket for a proxy on this machine, or an enclave's door, that ends TLS: requests come over it in plain
    /// HTTP. Who may write to the socket is believed as a proxy is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
}

/// An address, or all those that begin alike, as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    first: IpAddr,
    length: u8,
}

/// Why a request through a proxy is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    /// It did not come to the proxy over TLS, or the proxy does not say so.
    Plaintext,
    /// It comes from outside of `allow_from`.
    Elsewhere,
}

impl Ingress {
    /// Whether devices see another certificate than this server's.
    pub(crate) fn is_proxied(&self) -> bool {
        !self.proxies.is_empty() || self.socket.is_some()
    }

    /// Whether this address is a proxy's.
    pub(crate) fn believes(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|proxies| proxies.hold(address))
    }

    /// Whether devices may come from there.
    pub(crate) fn lets_in(&self, address: IpAddr) -> bool {
        self.allow_from.is_empty() || self.allow_from.iter().any(|allowed| allowed.hold(address))
    }

    /// Who asks through the proxy at `proxy`, which is believed.
    pub(crate) fn asker(&self, headers: &HeaderMap, proxy: IpAddr) -> Result<IpAddr, Turned> {
        let mut schemes = listed(headers, "x-forwarded-proto").peekable();
        if schemes.peek().is_none() || !schemes.all(|scheme| scheme.eq_ignore_ascii_case("https")) {
            return Err(Turned::Plaintext);
        }
        // Each proxy adds, on the right, whom it heard: what stands left of the first stranger is the stranger's own word.
        let (mut asker, mut known) = (proxy, false);
        let hops: Vec<_> = listed(headers, "x-forwarded-for").collect();
        for hop in hops.into_iter().rev() {
            let address = address_of(hop);
            known = address.is_some();
            let Some(address) = address else { break };
            asker = address;
            if !self.believes(address) {
                break;
            }
        }
        // A proxy that does not tell who asks makes nobody one of those who may.
        if self.allow_from.is_empty() || known && self.lets_in(asker) {
            Ok(asker)
        } else {
            Err(Turned::Elsewhere)
        }
    }
}

/// All that a header says, over however many lines.
fn listed<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).iter();
    // What is no text is no address and no scheme either.
    lines.flat_map(|line| line.to_str().unwrap_or("?").split(',').map(str::trim))
}

/// An address as proxies write it, with or without a port.
fn address_of(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    let bare = hop.trim_start_matches('[').trim_end_matches(']').parse().ok();
    bare.or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

impl Addresses {
    /// Whether this is one of them.
    #[must_use]
    pub fn hold(&self, address: IpAddr) -> bool {
        let same = |first: &[u8], other: &[u8]| {
            let (whole, rest) = (usize::from(self.length / 8), self.length % 8);
            let part = |bytes: &[u8]| bytes.get(whole).map_or(0, |byte| u16::from(*byte) >> (8 - rest));
            first[..whole] == other[..whole] && part(first) == part(other)
        };
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(other)) => same(&first.octets(), &other.octets()),
            (IpAddr::V6(first), IpAddr::V6(other)) => same(&first.octets(), &other.octets()),
            _ => false,
        }
    }

    /// Whether those are more than anybody's own proxies: a half of all addresses is as good as everybody.
    pub(crate) fn are_too_many(&self) -> bool {
        let least = if self.first.is_ipv4() { 8 } else { 16 };
        self.length < least
    }
}

impl FromStr for Addresses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` must be an address or a network such as 10.0.0.0/8");
        let (first, length) = text
            .split_once('/')
            .map_or((text, None), |(first, length)| (first, Some(length)));
        let first: IpAddr = first.parse().map_err(|_| wrong())?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(digits) => digits.parse().map_err(|_| wrong())?,
            None => most,
        };
        if length > most {
            return Err(wrong());
        }
        Ok(Self { first, length })
    }
}

impl core::fmt::Display for Addresses {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}/{}", self.first, self.length)
    }
}

impl Serialize for Addresses {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'a> Deserialize<'a> for Addresses {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
