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
        self.say_on(&mut std::io::stderr(), text);
    }

    /// Says something that no one may miss, whoever reads the answer.
    pub(crate) fn warn(self, text: &str) {
        self.warn_on(&mut std::io::stderr(), text);
    }

    fn say_on(self, to: &mut impl std::io::Write, text: &str) {
        if !self.json {
            self.warn_on(to, text);
        }
    }

    #[expect(
        clippy::unused_self,
        reason = "as `say`: how a run answers decides, and it decides nothing here"
    )]
    fn warn_on(self, to: &mut impl std::io::Write, text: &str) {
        // Where standard error is gone there is nobody to tell.
        drop(writeln!(to, "{text}"));
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

#[cfg(test)]
mod tests {
    use super::Output;

    #[test]
    fn a_warning_is_printed_for_programs_too() {
        for json in [false, true] {
            let (mut said, mut warned) = (Vec::new(), Vec::new());
            Output { json }.say_on(&mut said, "on the way");
            Output { json }.warn_on(&mut warned, "rolled back");
            assert_eq!(said.is_empty(), json);
            assert_eq!(warned, b"rolled back\n");
        }
    }
}
