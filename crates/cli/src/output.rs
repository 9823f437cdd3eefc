//! One way to answer: text for people, or one JSON object for programs.

use serde::Serialize;

/// How this run answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// One JSON object on standard output instead of text.
    pub json: bool,
}

impl Output {
    /// Prints `value` as JSON, or what `text` writes.
    pub(crate) fn answer<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        let line = if self.json {
            serde_json::to_string(value)?
        } else {
            text(value)
        };
        print_line(&line)
    }

    /// Says something on the way, to people only.
    pub(crate) fn say(self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }
}

/// A reader that went away (`| head`) is no error of ours.
fn print_line(line: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    match writeln!(std::io::stdout(), "{}", line.trim_end()) {
        Err(fault) if fault.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Satoshi as bitcoin, with all eight places.
pub(crate) fn btc(sat: u64) -> String {
    format!("{}.{:08} BTC", sat / 100_000_000, sat % 100_000_000)
}
