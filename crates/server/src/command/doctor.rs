//! `doctor`.

use std::path::Path;

use super::say;
use crate::{
    config::Config,
    doctor::{self, Verdict},
    fault::Fault,
};

/// Looks at a server and at what is around it; a fault where something fails.
pub fn doctor(file: &Path, json: bool) -> Result<(), Fault> {
    let config = Config::load(file)?;
    let findings = doctor::examine(&config, doctor::PATIENCE);
    let failed = findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Fail)
        .count();
    if json {
        say(serde_json::json!({ "ok": failed == 0, "findings": findings }));
    } else {
        for finding in &findings {
            let verdict = match finding.verdict {
                Verdict::Ok => "ok  ",
                Verdict::Warn => "warn",
                Verdict::Fail => "FAIL",
            };
            say(format_args!("{verdict}  {:<16}  {}", finding.check, finding.found));
            if let Some(remedy) = &finding.remedy {
                say(format_args!("{:24}-> {remedy}", ""));
            }
        }
    }
    match failed {
        0 => Ok(()),
        1 => Err(Fault::Unwell("one check fails".into())),
        more => Err(Fault::Unwell(format!("{more} checks fail"))),
    }
}
