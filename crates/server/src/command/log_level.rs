//! `log-level`.

use super::{Server, say};
use crate::{
    admin::{Reply, Wish, ask},
    fault::Fault,
};

/// Changes the log level of the running server.
pub fn log_level(server: &Server, level: &str, json: bool) -> Result<(), Fault> {
    let wish = Wish::LogLevel {
        level: level.to_owned(),
    };
    ask(&server.socket()?, &wish, |reply| (reply == Reply::Done).then_some(()))?;
    if json {
        say(serde_json::json!({ "level": level }));
    } else {
        say(format_args!("log level: {level}"));
    }
    Ok(())
}
