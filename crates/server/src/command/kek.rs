//! `kek rotate`.

use std::{fs, path::Path};

use twofold_cosigner::{Kek, rotate};
use twofold_store::SqliteStore;

use super::say;
use crate::{admin::answers, config::Config, fault::Fault, kek};

/// Seals all that is under the KEK under another, and puts that in its place. The server must not be running.
pub fn kek_rotate(file: &Path, json: bool) -> Result<(), Fault> {
    let config = Config::load(file)?;
    if answers(&config.admin_socket()) {
        return Err(Fault::Admin("stop the server first; devices wait meanwhile".into()));
    }
    let (current, next) = (&config.kek_file, config.kek_file.with_extension("next"));
    let old = config.kek_file.with_extension("old");
    if !next.exists() {
        if old.exists() {
            let told = format!("{} is there still; destroy it first", old.display());
            return Err(Fault::Kek(told));
        }
        kek::generate(&next)?;
    }
    let keys = (Kek::new(kek::read(current)?), Kek::new(kek::read(&next)?));
    let store = SqliteStore::open(&config.data_dir).map_err(|fault| Fault::Data(fault.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| Fault::System(format!("can't start: {error}")))?;
    let rotated = runtime
        .block_on(rotate(&store, &keys.0, &keys.1))
        .map_err(|fault| Fault::Data(format!("{fault}; nothing is lost, run this again")))?;
    drop(store);
    // All is under the new key from here on: the file follows. Cut short, the next run comes straight to this place.
    match fs::hard_link(current, &old) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(Fault::writing(&old)(error)),
        _ => {}
    }
    fs::rename(&next, current).map_err(Fault::writing(current))?;
    let folder = current.parent().unwrap_or(Path::new("."));
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(Fault::writing(folder))?;
    if json {
        say(serde_json::json!({ "wallets": rotated.wallets, "damaged": rotated.damaged, "old": old }));
    } else {
        say(format_args!(
            "{} wallets are sealed under the new KEK.",
            rotated.wallets
        ));
        if rotated.damaged > 0 {
            say(format_args!(
                "{} could not be: they were locked before.",
                rotated.damaged
            ));
        }
        say(format_args!(
            "Make a new backup now. Older ones open only with {}: destroy them and it together.",
            old.display()
        ));
    }
    Ok(())
}
