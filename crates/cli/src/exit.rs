//! How a failure ends the process: a sentence for people, an object for programs, a code for shells.

use std::process::ExitCode;

use serde::Serialize;
use twofold_client::{
    Fault,
    fault::{Kind, Usage},
    port::KeystoreFault,
};

use crate::{node::NodeFault, output::Output};

/// The person said no. What that left undone.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Declined(pub &'static str);

impl Declined {
    /// No to a transaction.
    pub(crate) const UNSENT: Self = Self("nothing was signed or sent");
}

/// Asked in a way that can't be. What is wrong, and what to write instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Wrong(pub String);

/// A signature of a text does not hold, or can't be told to.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotHeld(pub String);

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

/// The fault of the client behind an error, where there is one.
fn fault_in(error: &anyhow::Error) -> Option<&Fault> {
    error.chain().find_map(|cause| cause.downcast_ref::<Fault>())
}

/// What the client calls it. The keystore is opened before there is a client, so its faults come bare.
fn kind_of(error: &anyhow::Error) -> Option<Kind> {
    error.chain().find_map(|cause| {
        cause
            .downcast_ref::<Fault>()
            .map(Fault::kind)
            .or_else(|| cause.is::<KeystoreFault>().then_some(Kind::Keystore))
            .or_else(|| cause.is::<Usage>().then_some(Kind::Usage))
    })
}

/// What kind of failure it is, and the exit code that says so.
fn sort(error: &anyhow::Error) -> (&'static str, u8) {
    match kind_of(error) {
        _ if error.is::<Declined>() => ("refused", 3),
        _ if error.is::<Wrong>() => ("usage", 2),
        _ if error.is::<NotHeld>() => ("not_held", 9),
        _ if error.is::<NodeFault>() => ("network", 4),
        Some(Kind::Usage) => ("usage", 2),
        Some(Kind::Refused) => ("refused", 3),
        Some(Kind::Network) => ("network", 4),
        Some(Kind::Server) => ("server", 5),
        Some(Kind::Keystore) => ("keystore", 6),
        Some(Kind::Funds) => ("funds", 7),
        Some(Kind::Protocol) => ("protocol", 8),
        _ => ("fault", 1),
    }
}

/// Says what went wrong and returns the exit code that fits.
pub(crate) fn report(output: Output, error: &anyhow::Error) -> ExitCode {
    let fault = fault_in(error);
    let (kind, code) = sort(error);
    // `{:#}` joins the causes; faults say theirs themselves.
    let message = without_numbers(&fault.map_or_else(|| format!("{error:#}"), ToString::to_string));
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

/// Without the numbers that the system gives its errors: its words say the same.
fn without_numbers(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| {
        whole + part.split_once(')').map_or("", |(_, rest)| rest)
    })
}

/// Says why a command line can't be read, or prints the help that was asked for. A program that wants JSON gets an object
/// here too, although nothing was parsed.
pub(crate) fn unparsed(error: &clap::Error) -> ExitCode {
    let json = std::env::args_os()
        .skip(1)
        .take_while(|word| word != "--")
        .any(|word| word == "--json");
    if json && error.use_stderr() {
        return report(Output { json }, &Wrong(first_sentence(&error.to_string())).into());
    }
    // Where nobody reads any more there is nobody to tell.
    drop(error.print());
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// Without the usage and the tips that follow, in one line.
fn first_sentence(text: &str) -> String {
    let whole = text.trim_start_matches("error: ");
    let lines = whole.lines().map(str::trim).take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use twofold_client::{
        Fault,
        fault::{Breach, Usage},
        port::KeystoreFault,
    };

    use super::{Declined, Wrong, first_sentence, sort};

    #[test]
    fn wrong_usage_ends_with_2_whatever_stands_behind_it() {
        assert_eq!(sort(&Wrong("so not".into()).into()), ("usage", 2));
        let behind = std::fs::read("/nowhere/at/all").with_context(|| Wrong("that can't be read".into()));
        assert_eq!(sort(&behind.expect_err("is not there")), ("usage", 2));
    }

    #[test]
    fn a_keystore_that_does_not_open_ends_with_6_whoever_opened_it() {
        assert_eq!(sort(&KeystoreFault::WrongPassphrase.into()), ("keystore", 6));
        assert_eq!(
            sort(&Fault::from(KeystoreFault::WrongPassphrase).into()),
            ("keystore", 6)
        );
        assert_eq!(sort(&Usage::NotJoined.into()), ("usage", 2));
    }

    #[test]
    fn a_command_line_that_can_t_be_read_is_told_in_one_line() {
        let told =
            "error: the following required arguments were not provided:\n  --to <ADDRESS|URI>\n\nUsage: twofold send";
        assert_eq!(
            first_sentence(told),
            "the following required arguments were not provided: --to <ADDRESS|URI>"
        );
    }

    #[test]
    fn a_log_that_forked_ends_with_8_and_a_no_with_3() {
        let forked = Fault::from(Breach::Forked { seq: 7 });
        assert_eq!(sort(&forked.into()), ("protocol", 8));
        assert_eq!(sort(&Declined::UNSENT.into()), ("refused", 3));
        assert_eq!(sort(&anyhow::anyhow!("something of our own")), ("fault", 1));
    }
}
