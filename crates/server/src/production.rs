//! Production mode: a server that guards money starts only where nothing around it is unsafe. Whatever is, is named at
//! once, with what to do.
//!
//! A check is a plain function of the configuration and of what was found around the process. A part that brings new
//! ways to be unsafe adds its checks to [`CHECKS`] by one line.

mod files;
mod ingress;
mod links;
mod process;
mod sign_in;
mod surroundings;

use std::time::Duration;

use twofold_cosigner::port::Clock as _;

pub(crate) use surroundings::Surroundings;

use crate::{
    clock::SystemClock,
    config::{Config, Mode},
    fault::Fault,
    memory,
};

/// How long those may take who are asked before a start: the time server, the database.
const PATIENCE: Duration = Duration::from_secs(5);

/// One way to be unsafe, or several that belong together.
pub(crate) struct Check {
    /// What it looks at, in a word or two.
    pub(crate) name: &'static str,
    /// Of what it judges.
    pub(crate) of: Of,
    /// What is unsafe, if anything.
    pub(crate) look: fn(&Config, &Surroundings) -> Vec<Cause>,
}

/// What a check judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// The configuration and the files that it names: the same whoever asks.
    Files,
    /// The process that serves: who it runs as and what the system lets it do.
    Process,
}

/// Something unsafe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    /// What is wrong, in half a sentence.
    pub(crate) wrong: String,
    /// What to do about it.
    pub(crate) remedy: String,
}

impl Cause {
    pub(crate) fn new(wrong: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            wrong: wrong.into(),
            remedy: remedy.into(),
        }
    }
}

/// All of them.
pub(crate) const CHECKS: [&[Check]; 5] = [
    process::CHECKS,
    files::CHECKS,
    ingress::CHECKS,
    links::CHECKS,
    sign_in::CHECKS,
];

/// Everything unsafe that checks of this kind find, each with the check's name.
pub(crate) fn causes(config: &Config, around: &Surroundings, of: &[Of]) -> Vec<(&'static str, Cause)> {
    let checks = CHECKS.iter().flat_map(|checks| checks.iter());
    checks
        .filter(|check| of.contains(&check.of))
        .flat_map(|check| {
            (check.look)(config, around)
                .into_iter()
                .map(|cause| (check.name, cause))
        })
        .collect()
}

/// Checks a configuration before a server starts on it; in production mode its surroundings too, and takes the memory
/// out of swap's reach.
pub(crate) fn start(config: &Config) -> Result<(), Fault> {
    judge(config, &[Of::Process, Of::Files], Some(PATIENCE))?;
    match config.mode {
        Mode::Production => memory::lock(),
        Mode::Development => {
            tracing::warn!("mode = \"development\": this server starts whatever is unsafe around it");
            Ok(())
        }
    }
}

/// The same for somebody who only looks: what depends on who runs the server is left out, and nobody is asked.
pub(crate) fn check_files(config: &Config) -> Result<(), Fault> {
    judge(config, &[Of::Files], None)
}

fn judge(config: &Config, of: &[Of], patience: Option<Duration>) -> Result<(), Fault> {
    let sound = config.check();
    if config.mode == Mode::Development {
        return sound;
    }
    let around = Surroundings::probe(config, SystemClock.now(), patience);
    let mut told: Vec<String> = causes(config, &around, of)
        .into_iter()
        .map(|(name, cause)| format!("{name}: {}; {}", cause.wrong, cause.remedy))
        .collect();
    match sound {
        Err(fault) if told.is_empty() => Err(fault),
        // What a check names as well is named once.
        Err(fault) if !told.iter().any(|cause| cause.contains(&fault.to_string())) => {
            told.push(fault.to_string());
            Err(Fault::Unsafe(told))
        }
        _ if told.is_empty() => Ok(()),
        _ => Err(Fault::Unsafe(told)),
    }
}

/// The causes as a list for a person.
pub(crate) fn told(causes: &[String]) -> String {
    let list = causes.join("\n  - ");
    let reasons = if causes.len() == 1 {
        "one reason"
    } else {
        "these reasons"
    };
    format!(
        "in production mode the server does not start, for {reasons}:\n  - {list}\n\
         mend all of them, or set mode = \"development\" for a server that guards nothing"
    )
}

#[cfg(test)]
mod tests;
