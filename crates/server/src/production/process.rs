//! The process that serves: who it runs as, and whether its memory stays its own.

use super::{Cause, Check, Of, Surroundings};
use crate::config::Config;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "user",
        of: Of::Process,
        look: user,
    },
    Check {
        name: "core dumps",
        of: Of::Process,
        look: core_dumps,
    },
    Check {
        name: "locked memory",
        of: Of::Process,
        look: locked_memory,
    },
];

fn user(_: &Config, around: &Surroundings) -> Vec<Cause> {
    if around.user != 0 {
        return Vec::new();
    }
    let remedy = "run it as a user of its own that owns data_dir and the KEK, as deploy/twofold-server.service does";
    vec![Cause::new("the server runs as root", remedy)]
}

fn core_dumps(_: &Config, around: &Surroundings) -> Vec<Cause> {
    if !around.memory_open {
        return Vec::new();
    }
    let remedy = "let it lower its limit of core dumps to 0 and make itself undumpable, or set LimitCORE=0";
    vec![Cause::new("a crash would write its memory to the disk", remedy)]
}

fn locked_memory(_: &Config, around: &Surroundings) -> Vec<Cause> {
    let Some(why) = &around.lock_obstacle else {
        return Vec::new();
    };
    let remedy = "set LimitMEMLOCK=infinity (systemd), --ulimit memlock=-1 (containers) or memlock in limits.conf";
    vec![Cause::new(
        format!("secrets could be swapped to the disk: {why}"),
        remedy,
    )]
}
