//! Whose word about others is taken.

use super::{Cause, Check, Of, Surroundings, files::replaceable};
use crate::config::Config;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "ingress",
        of: Of::Files,
        look: believed,
    },
    Check {
        name: "allowed_origins",
        of: Of::Files,
        look: origins,
    },
];

fn believed(config: &Config, around: &Surroundings) -> Vec<Cause> {
    let mut causes = Vec::new();
    for many in config.ingress.proxies.iter().filter(|proxies| proxies.are_too_many()) {
        let remedy = "name your proxies alone: whoever is believed says who asks, and how it came";
        causes.push(Cause::new(format!("proxies = {many} believes everybody"), remedy));
    }
    // Who can put a socket of their own there is spoken to in plain HTTP by the proxy.
    let folder = around.socket_folder.as_ref();
    causes.extend(folder.map(|folder| replaceable(folder, around)).unwrap_or_default());
    causes
}

/// A page that came in plaintext was written by whoever was on the way, and so was one that some program of the person's own
/// machine serves.
fn origins(config: &Config, _: &Surroundings) -> Vec<Cause> {
    let plaintext = config
        .allowed_origins
        .iter()
        .filter(|origin| origin.starts_with("http://"));
    plaintext
        .map(|origin| {
            Cause::new(
                format!("pages of {origin} may call"),
                "list pages that come over https:// alone",
            )
        })
        .collect()
}
