//! `config check`.

use std::path::Path;

use super::say;
use crate::{config::Config, fault::Fault, production};

/// Checks a configuration and every file it names.
pub fn config_check(file: &Path, json: bool) -> Result<(), Fault> {
    let config = Config::load(file)?;
    production::check_files(&config)?;
    // The node writes its cookie when it starts, so that one is missing is no fault of the configuration.
    let obstacle = config.bitcoin.obstacle();
    if json {
        let (url, listen) = (config.public_url.as_str(), config.listen);
        say(serde_json::json!({ "ok": true, "url": url, "listen": listen, "node": obstacle }));
    } else {
        say(format_args!(
            "{} is sound: {} on {}",
            file.display(),
            config.public_url,
            config.listen
        ));
        if let Some(obstacle) = obstacle {
            say(format_args!("note: {obstacle}"));
        }
    }
    Ok(())
}
