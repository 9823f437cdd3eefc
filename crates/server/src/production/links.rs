//! What the server speaks to, what it says aloud, and its clock.

use std::net::IpAddr;

use tracing_subscriber::filter::LevelFilter;

use super::{Cause, Check, Of, Surroundings};
use crate::{config::Config, log};

/// How far the clock may be off, in seconds.
const CLOCK_OFF: f64 = 2.0;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "bitcoin.rpc_url",
        of: Of::Files,
        look: chain_source,
    },
    Check {
        name: "log.level",
        of: Of::Files,
        look: log_level,
    },
    Check {
        name: "clock",
        of: Of::Process,
        look: clock,
    },
];

/// The node's RPC knows no TLS, and who is between reads its password and makes up blocks.
fn chain_source(config: &Config, _: &Surroundings) -> Vec<Cause> {
    let url: Option<http::Uri> = config.bitcoin.rpc_url.parse().ok();
    let host = url.as_ref().and_then(http::Uri::host).unwrap_or_default();
    if stays_here(host) {
        return Vec::new();
    }
    let remedy = "run a node on this machine, or tunnel to it (ssh -L, WireGuard) and name the tunnel's loopback end";
    vec![Cause::new(
        format!("the link to the node at {host} is plaintext"),
        remedy,
    )]
}

/// Whether what is said to this host stays on this machine.
pub(crate) fn stays_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or(host == "localhost", |address| address.to_canonical().is_loopback())
}

/// What this code says at `debug` is vouched for; what others say, and anything at `trace`, is not.
fn log_level(config: &Config, _: &Surroundings) -> Vec<Cause> {
    let level = &config.log.level;
    let Ok(filter) = log::parse_level(level) else {
        return Vec::new();
    };
    let most = filter.max_level_hint().unwrap_or(LevelFilter::TRACE);
    let ours = level.split(',').all(|directive| {
        let quiet = ["off", "error", "warn", "info"]
            .iter()
            .any(|word| directive.trim().ends_with(word));
        quiet || directive.trim() == "debug" && !level.contains(',') || directive.trim().starts_with("twofold")
    });
    if most < LevelFilter::TRACE && ours {
        return Vec::new();
    }
    let remedy = "set info; for a while, twofold-server log-level debug does it on the running server";
    vec![Cause::new(
        format!("`{level}` logs what may hold requests or secrets"),
        remedy,
    )]
}

fn clock(_: &Config, around: &Surroundings) -> Vec<Cause> {
    let Some(offset) = around.clock_offset.filter(|offset| offset.abs() > CLOCK_OFF) else {
        return Vec::new();
    };
    let wrong = format!("this machine's clock is {:.1} s off", offset.abs());
    vec![Cause::new(
        wrong,
        "have it follow a time server (chrony, systemd-timesyncd); devices refuse a wrong time",
    )]
}
