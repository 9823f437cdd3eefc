//! What only shows while something runs: the server, its certificate, its node, the time.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use twofold_cosigner::port::chain::{Blocks as _, Chain as _, ChainFault, Scripts as _, Way};

use super::{
    Finding,
    tls12::{self, Answer},
};
use crate::{
    admin::{Reply, Wish, answers, ask},
    clock,
    config::{Config, Network, Trust},
    node,
    tls::judge,
};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_millis(1_200);
/// A device that has not been there for a month comes back to a certificate that is still valid.
const SOON: u64 = 21;
/// Further nobody need look.
const FAR: u64 = 90;
/// How old the node's best block may be, in seconds: one in 160,000 waits that long for the next.
const OLD_BLOCK: u64 = 2 * 3600;

pub(super) fn server(config: &Config, _: u64) -> Vec<Finding> {
    let socket = config.admin_socket();
    if !answers(&socket) {
        let remedy = "start it, or ask as its user; the log says why it is not there";
        return vec![Finding::fail(
            "server",
            format!("none answers at {}", socket.display()),
            remedy,
        )];
    }
    let told = ask(&socket, &Wish::Status, |reply| match reply {
        Reply::Status { ready, troubles, .. } => Some((ready, troubles)),
        _ => None,
    });
    match told {
        Ok((true, troubles)) if troubles.is_empty() => vec![Finding::well("server", "ready")],
        Ok((true, troubles)) => {
            let trouble = |why| Finding::warn("server", why, "its log says more");
            troubles.into_iter().map(trouble).collect()
        }
        Ok((false, _)) => vec![Finding::fail("server", "not ready", "its log says what it waits for")],
        Err(fault) => vec![Finding::fail("server", fault.to_string(), "look at its log")],
    }
}

pub(super) fn certificate(config: &Config, now: u64) -> Vec<Finding> {
    if config.tls.trust == Trust::Web && config.ingress.is_proxied() {
        return vec![Finding::well("certificate", "devices see the proxy's")];
    }
    let host = config.public_url.host();
    if let Err(flaw) = judge::judged(&config.tls, host, now) {
        return vec![Finding::fail(
            "certificate",
            flaw.to_string(),
            "no device connects: put a valid one there",
        )];
    }
    let days = judge::days_left(&config.tls, host, now, FAR);
    let told = match days {
        FAR => format!("valid for {FAR} days and more"),
        days => format!("valid for {days} days"),
    };
    vec![match days {
        0..3 => Finding::fail("certificate", told, "renew it now"),
        3..SOON => Finding::warn(
            "certificate",
            told,
            "renew it: the running server takes a new one by itself",
        ),
        _ => Finding::well("certificate", told),
    }]
}

pub(super) fn tls(config: &Config, _: u64) -> Vec<Finding> {
    let address = match config.listen.ip() {
        any if any.is_unspecified() => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), config.listen.port()),
        _ => config.listen,
    };
    vec![match tls12::asked(address, PATIENCE) {
        Ok(Answer::TooOld) => Finding::well("TLS", "1.3 and nothing older"),
        Ok(Answer::Spoken) => Finding::fail("TLS", format!("{address} speaks TLS 1.2"), "what listens there?"),
        Ok(Answer::Other) => Finding::fail("TLS", format!("{address} speaks no TLS"), "what listens there?"),
        Err(error) => Finding::warn(
            "TLS",
            format!("{address} can't be asked: {error}"),
            "is the server running?",
        ),
    }]
}

pub(super) fn node(config: &Config, now: u64) -> Vec<Finding> {
    if let Some(obstacle) = config.bitcoin.obstacle() {
        return vec![Finding::fail("node", obstacle, "nothing is signed without a node")];
    }
    let asked = || -> Result<(u32, u64), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(async {
            let node = node::connect(&config.bitcoin).map_err(|fault| fault.to_string())?;
            let best = async {
                let told = |fault: ChainFault| fault.to_string();
                let (height, hash) = node.best().await.map_err(told)?;
                let header = match node.way() {
                    Way::Blocks(node) => Some(node.header(hash).await.map_err(told)?),
                    Way::Scripts(server) => server.headers(height).await.map_err(told)?.into_iter().next(),
                };
                let header = header.ok_or("it has no header of its best block")?;
                Ok((height, u64::from(header.time)))
            };
            let answered = tokio::time::timeout(PATIENCE, best).await;
            answered.unwrap_or_else(|_| Err("it does not answer in time".into()))
        })
    };
    vec![match asked() {
        Err(why) => Finding::fail(
            "node",
            why,
            "nothing is signed without a node: start it, look at [bitcoin]",
        ),
        Ok((height, time)) => {
            let age = now.saturating_sub(time);
            let told = format!("at block {height}, {} minutes old", age / 60);
            if age > OLD_BLOCK && config.bitcoin.network != Network::Regtest {
                Finding::warn("node", told, "is it still catching up, or cut off from others?")
            } else {
                Finding::well("node", told)
            }
        }
    }]
}

pub(super) fn time_server(config: &Config, _: u64) -> Vec<Finding> {
    let Some(server) = &config.clock.server else {
        let remedy = "name a time server of your network: [clock] server = \"ntp.example.org\"";
        return vec![Finding::warn(
            "time server",
            "nothing to hold the clock against",
            remedy,
        )];
    };
    vec![match clock::offset(server, PATIENCE) {
        Ok(offset) => Finding::well(
            "time server",
            format!("the clock is {:.3} s from {server}'s", offset.abs()),
        ),
        Err(why) => Finding::warn(
            "time server",
            format!("{server}: {why}"),
            "name another in clock.server",
        ),
    }]
}
