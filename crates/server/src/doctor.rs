//! What production mode checks, and what only shows from outside while the server runs: a table of what is well, what
//! should be looked at and what fails, each with what to do.
//!
//! Every look has a deadline and they all go on at once, so that one that hangs hides no other.

mod host;
mod kek;
mod live;
mod pages;
mod ports;
mod process;
mod tls12;

use std::{sync::mpsc, thread, time::Duration};

use serde::Serialize;
use twofold_cosigner::port::Clock as _;

use crate::{
    clock::SystemClock,
    config::{Config, Mode},
    production::{self, Cause, Of, Surroundings},
};

/// How long the time server and the database may take, before the looks' own time.
const ASKED: Duration = Duration::from_secs(1);
/// How long all looks together may take.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1_700);

/// What a look says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// As it should be.
    Ok,
    /// To be looked at.
    Warn,
    /// To be mended.
    Fail,
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) check: &'static str,
    pub(crate) verdict: Verdict,
    /// What was found, in half a sentence.
    pub(crate) found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
}

impl Finding {
    pub(crate) fn well(check: &'static str, found: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Ok,
            found: found.into(),
            remedy: None,
        }
    }

    pub(crate) fn warn(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Warn,
            found: found.into(),
            remedy: Some(remedy.into()),
        }
    }

    pub(crate) fn fail(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Fail,
            ..Self::warn(check, found, remedy)
        }
    }
}

/// A look that takes time or asks somebody.
struct Look {
    check: &'static str,
    look: fn(&Config, u64) -> Vec<Finding>,
}

const LOOKS: &[Look] = &[
    Look {
        check: "server",
        look: live::server,
    },
    Look {
        check: "KEK",
        look: kek::kept,
    },
    Look {
        check: "certificate",
        look: live::certificate,
    },
    Look {
        check: "TLS",
        look: live::tls,
    },
    Look {
        check: "node",
        look: live::node,
    },
    Look {
        check: "time server",
        look: live::time_server,
    },
    Look {
        check: "ports",
        look: ports::open,
    },
    Look {
        check: "firewall",
        look: host::firewall,
    },
    Look {
        check: "sshd",
        look: host::sshd,
    },
    Look {
        check: "database host",
        look: host::database,
    },
    Look {
        check: "web pages",
        look: pages::pages,
    },
    Look {
        check: "disk",
        look: host::disk,
    },
    Look {
        check: "anchor",
        look: host::anchor,
    },
    Look {
        check: "backup",
        look: host::backup,
    },
    Look {
        check: "drill",
        look: host::drill,
    },
];

/// Looks at everything, in the order of the table; what asks somebody else has so long.
pub(crate) fn examine(config: &Config, patience: Duration) -> Vec<Finding> {
    let now = SystemClock.now();
    let (tell, told) = mpsc::channel();
    for (place, look) in LOOKS.iter().enumerate() {
        let (tell, config, look) = (tell.clone(), config.clone(), look.look);
        thread::spawn(move || tell.send((place, look(&config, now))));
    }
    drop(tell);
    let began = SystemClock::fine();
    let mut all = unsafe_around(config, now);
    let mut found = vec![None; LOOKS.len()];
    loop {
        let left = patience.saturating_sub(SystemClock::fine().saturating_sub(began));
        let Ok((place, findings)) = told.recv_timeout(left) else {
            break;
        };
        found[place] = Some(findings);
    }
    let findings = LOOKS.iter().zip(found).map(|(look, found)| {
        found.unwrap_or_else(|| {
            let remedy = "ask again; if it stays silent, look at what it asks";
            vec![Finding::warn(look.check, "no answer in time", remedy)]
        })
    });
    all.extend(findings.flatten());
    all
}

/// Each check of production mode, of the server's process where one runs.
fn unsafe_around(config: &Config, now: u64) -> Vec<Finding> {
    let mut around = Surroundings::probe(config, now, Some(ASKED));
    process::look_at(config, &mut around);
    let causes = production::causes(config, &around, &[Of::Process, Of::Files]);
    let checks = production::CHECKS.iter().flat_map(|checks| checks.iter());
    checks
        .flat_map(|check| {
            let of_check: Vec<_> = causes.iter().filter(|(name, _)| *name == check.name).collect();
            if of_check.is_empty() {
                return vec![Finding::well(check.name, "nothing unsafe")];
            }
            let finding = |(_, cause): &&(&'static str, Cause)| Finding {
                check: check.name,
                verdict: match config.mode {
                    Mode::Production => Verdict::Fail,
                    Mode::Development => Verdict::Warn,
                },
                found: cause.wrong.clone(),
                remedy: Some(cause.remedy.clone()),
            };
            of_check.iter().map(finding).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests;
