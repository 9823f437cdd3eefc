//! `log-level`.

use super::{Server, say};
use crate::{
    admin::{Wish, ask},
    fault::Fault,
};

/// Changes the log level of the running server.
pub fn log_level(server: &Server, level: &str) -> Result<(), Fault> {
    ask(
        &server.socket()?,
        &Wish::LogLevel {
            level: level.to_owned(),
        },
    )?;
    say(format_args!("log level: {level}"));
    Ok(())
}
