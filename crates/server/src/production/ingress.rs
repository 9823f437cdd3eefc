//! Whose word about others is taken.

use super::{Cause, Check, Of, Surroundings, files::replaceable};
use crate::config::Config;

pub(super) const CHECKS: &[Check] = &[Check {
    name: "ingress",
    of: Of::Files,
    look: believed,
}];

fn believed(config: &Config, around: &Surroundings) -> Vec<Cause> {
    let mut causes = Vec::new();
    if let Some(all) = config.ingress.proxies.iter().find(|proxies| proxies.are_all()) {
        let remedy = "name your proxies alone: whoever is believed says who asks, and how it came";
        causes.push(Cause::new(format!("proxies = {all} believes everybody"), remedy));
    }
    // Who can put a socket of their own there is spoken to in plain HTTP by the proxy.
    let folder = around.socket_folder.as_ref();
    causes.extend(folder.map(|folder| replaceable(folder, around)).unwrap_or_default());
    causes
}
