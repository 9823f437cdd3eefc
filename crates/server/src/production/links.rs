//! What the server speaks to and as whom, what it says aloud, and its clock.

use tracing_subscriber::filter::LevelFilter;

use super::{Cause, Check, Of, Surroundings};
use crate::{config::Config, log};

/// How far the clock may be off, in seconds.
const CLOCK_OFF: f64 = 2.0;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "bitcoin",
        of: Of::Files,
        look: chain_sources,
    },
    Check {
        name: "database",
        of: Of::Files,
        look: database,
    },
    Check {
        name: "database role",
        of: Of::Process,
        look: role,
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

/// Whoever is between reads passwords and wallets' scripts, and makes up blocks. A node's RPC knows no TLS at all; that a
/// plaintext Electrum server was asked for (`electrum_plaintext`) makes it no safer.
fn chain_sources(config: &Config, _: &Surroundings) -> Vec<Cause> {
    let exposed = config.bitcoin.exposed().into_iter();
    exposed
        .map(|(key, host)| {
            let remedy = "run the source on this machine, tunnel to it (ssh -L, WireGuard) and name the tunnel's loopback end, \
                          or take an Electrum server over ssl://";
            Cause::new(format!("{key}: the link to {host} is plaintext"), remedy)
        })
        .collect()
}

/// That this was taken knowingly (`risk_plaintext`) makes nobody on the way look away. A tunnel's end on this machine is no
/// way.
fn database(config: &Config, _: &Surroundings) -> Vec<Cause> {
    let exposed = config.database.exposed().into_iter();
    exposed
        .map(|host| {
            let remedy = "set database.tls_root_file to the authority that vouches for it, and drop risk_plaintext";
            Cause::new(format!("the link to {host} is plaintext"), remedy)
        })
        .collect()
}

/// Whoever finds a way to speak as this role should find no more than the server's own tables.
fn role(_: &Config, around: &Surroundings) -> Vec<Cause> {
    match &around.role {
        Ok(excess) => {
            let remedy = "make one that owns its schema and nothing else, as docs/operating.md shows";
            excess.iter().map(|told| Cause::new(told.as_str(), remedy)).collect()
        }
        Err(why) => {
            let remedy = "start it, or look at [database]: without an answer nobody knows what its role may do";
            vec![Cause::new(why.as_str(), remedy)]
        }
    }
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
