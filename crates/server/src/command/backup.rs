//! `backup`, `backup-key`.

use std::path::{Path, PathBuf};

use super::{Server, count_of_wallets, say};
use crate::{
    admin::{Reply, Wish, answers, ask},
    backup::{self, Manifest},
    config::Config,
    copies, database,
    fault::Fault,
    pace::Pace,
};

/// What to back up, and where to.
#[derive(Debug, Clone)]
pub struct Backup {
    /// The server.
    pub server: Server,
    /// A file that is not there yet.
    pub out: PathBuf,
    /// An age recipient; none: the configuration's.
    pub recipient: Option<String>,
    /// Print one JSON object.
    pub json: bool,
}

/// Makes a backup: the running server does, or this process where none runs.
pub fn backup(wanted: Backup) -> Result<(), Fault> {
    let out = std::path::absolute(&wanted.out).map_err(Fault::writing(&wanted.out))?;
    let socket = wanted.server.socket()?;
    let manifest = match &wanted.server {
        Server::Config(file) if !answers(&socket) => {
            let config = Config::load(file)?;
            let recipient = wanted.recipient.as_deref().or(config.backup.recipient.as_deref());
            copies::make(&config.data_dir, &out, recipient, Pace::hurried(), |copy, _| {
                database::copy(&config, copy)
            })?
        }
        _ => {
            let wish = Wish::Backup {
                out: out.clone(),
                recipient: wanted.recipient,
            };
            ask(&socket, &wish, |reply| match reply {
                Reply::Backup(manifest) => Some(manifest),
                _ => None,
            })?
        }
    };
    tell(&out, &manifest, wanted.json);
    Ok(())
}

fn tell(out: &Path, manifest: &Manifest, json: bool) {
    if json {
        say(serde_json::json!({ "backup": out, "wallets": manifest.wallets, "bytes": manifest.bytes }));
    } else {
        say(format_args!(
            "{}: {}, {} bytes, read back as written. Keep it apart from the KEK and the anchor.",
            out.display(),
            count_of_wallets(manifest.wallets),
            manifest.bytes
        ));
    }
}

/// Makes a key that opens backups, for a machine that stays offline.
pub fn backup_key(out: &Path, json: bool) -> Result<(), Fault> {
    let recipient = backup::draw_key(out)?;
    if json {
        say(serde_json::json!({ "key": out, "recipient": recipient }));
    } else {
        say(format_args!(
            "Secret key:  {}  (keep it offline, and a copy elsewhere)",
            out.display()
        ));
        say(format_args!("Recipient:   {recipient}"));
        say("Next:        [backup] recipient = \"...\" in the server's configuration");
    }
    Ok(())
}
