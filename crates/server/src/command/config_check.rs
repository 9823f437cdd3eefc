//! `config check`.

use std::path::Path;

use super::say;
use crate::{config::Config, fault::Fault};

/// Checks a configuration and every file it names.
pub fn config_check(file: &Path, json: bool) -> Result<(), Fault> {
    let config = Config::load(file)?;
    config.check()?;
    if json {
        say(serde_json::json!({ "ok": true, "url": config.public_url.as_str(), "listen": config.listen }));
    } else {
        say(format_args!(
            "{} is sound: {} on {}",
            file.display(),
            config.public_url,
            config.listen
        ));
    }
    Ok(())
}
