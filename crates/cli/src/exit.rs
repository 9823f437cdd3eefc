//! How a failure ends the process: a sentence for people, an object for programs, a code for shells.

use std::process::ExitCode;

use serde::Serialize;
use twofold_client::{Fault, fault::Kind};

use crate::output::Output;

/// The person said no.
#[derive(Debug, thiserror::Error)]
#[error("nothing was signed or sent")]
pub(crate) struct Declined;

#[derive(Serialize)]
struct Answer {
    error: Described,
}

#[derive(Serialize)]
struct Described {
    kind: &'static str,
    reason: Option<&'static str>,
    message: String,
}

/// Says what went wrong and returns the exit code that fits.
pub(crate) fn report(output: Output, error: &anyhow::Error) -> ExitCode {
    let fault = error.chain().find_map(|cause| cause.downcast_ref::<Fault>());
    let (kind, code) = match fault.map(Fault::kind) {
        _ if error.is::<Declined>() => ("refused", 3),
        Some(Kind::Usage) => ("usage", 2),
        Some(Kind::Refused) => ("refused", 3),
        Some(Kind::Network) => ("network", 4),
        Some(Kind::Server) => ("server", 5),
        Some(Kind::Keystore) => ("keystore", 6),
        Some(Kind::Funds) => ("funds", 7),
        Some(Kind::Protocol) => ("protocol", 8),
        _ => ("fault", 1),
    };
    // `{:#}` joins the causes; faults say theirs themselves.
    let message = fault.map_or_else(|| format!("{error:#}"), ToString::to_string);
    if output.json {
        let reason = fault.and_then(Fault::reason).map(twofold_api::Reason::as_str);
        let answer = Answer {
            error: Described { kind, reason, message },
        };
        match serde_json::to_string(&answer) {
            Ok(text) => println!("{text}"),
            Err(fault) => eprintln!("twofold: {fault}"),
        }
    } else {
        eprintln!("twofold: {message}");
    }
    ExitCode::from(code)
}
