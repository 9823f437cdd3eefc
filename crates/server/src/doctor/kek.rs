//! Whether whoever keeps the KEK would open it now.

use super::Finding;
use crate::{
    config::{Config, Keeper},
    kek::Files,
};

pub(super) fn kept(config: &Config, _: u64) -> Vec<Finding> {
    let files = Files::of(config);
    let keeper = match files.look().and_then(|look| files.read().map(|_| look.keeper)) {
        Ok(keeper) => keeper,
        Err(fault) => {
            let remedy = "the running server goes on; after the next start nothing opens without it";
            return vec![Finding::fail("KEK", fault.to_string(), remedy)];
        }
    };
    let mut findings = Vec::new();
    if keeper == config.kek.kind {
        findings.push(Finding::well("KEK", told(keeper)));
    } else {
        let found = format!("{}, and kek.kind says otherwise", told(keeper));
        findings.push(Finding::warn("KEK", found, "twofold-server kek rotate moves it"));
    }
    if let Some(old) = files.old() {
        let remedy = "destroy it, and the backups that need it, once you have a new backup";
        findings.push(Finding::warn(
            "KEK",
            format!("{} lies there still", old.display()),
            remedy,
        ));
    }
    findings
}

fn told(keeper: Keeper) -> &'static str {
    match keeper {
        Keeper::File => "in kek_file",
        Keeper::Environment => "in the environment",
        Keeper::Command => "kek.command opens it",
        Keeper::Pkcs11 => "the token opens it",
    }
}
