//! `restore`.

use std::path::PathBuf;

use twofold_store::{AnchorFile, CopyFault, Vacant};

use super::{Place, say};
use crate::{admin::answers, backup, fault::Fault};

/// What to restore, and where.
#[derive(Debug, Clone)]
pub struct Restore {
    /// The server that it becomes.
    pub place: Place,
    /// The backup.
    pub from: PathBuf,
    /// The file with the key that opens it.
    pub identity: PathBuf,
    /// Print one JSON object.
    pub json: bool,
}

/// Puts a backup's database where there is none. It is whole and in its place, or not there at all.
pub fn restore(wanted: &Restore) -> Result<(), Fault> {
    #[cfg(feature = "failpoints")]
    let _failpoints = crate::failpoint::scenario();
    let (data_dir, anchor_file) = wanted.place.files()?;
    if answers(&wanted.place.socket()?) {
        let told = "a server is running there; a backup is restored only into an empty place";
        return Err(Fault::Data(told.into()));
    }
    let identity = backup::identity(&wanted.identity)?;
    // Whoever runs beside that anchor now is the one that this one replaces.
    let lines = AnchorFile::peek(&anchor_file).map_err(|fault| Fault::Data(fault.to_string()))?;
    let follows = twofold_cosigner::last_token(&lines).map_err(|fault| Fault::Data(fault.to_string()))?;
    let data = |fault: CopyFault| Fault::Data(fault.to_string());
    let vacant = Vacant::take(&data_dir).map_err(data)?;
    let (_, mut part) = vacant.part().map_err(data)?;
    let manifest = backup::read(&wanted.from, &identity, &mut part)?;
    drop(part);
    let contents = vacant.install(follows).map_err(data)?;
    if contents.wallets != manifest.wallets {
        tracing::warn!(
            says = manifest.wallets,
            has = contents.wallets,
            "the backup counts other wallets"
        );
    }
    if wanted.json {
        say(serde_json::json!({
            "restored": data_dir, "made": manifest.made, "wallets": contents.wallets, "anchor": follows.is_some(),
        }));
        return Ok(());
    }
    say(format_args!(
        "Restored: {} wallets, as they were when the backup was made",
        contents.wallets
    ));
    if follows.is_none() {
        say(format_args!(
            "There is no anchor at {}: put it back, or start once with --new-anchor if it is lost",
            anchor_file.display()
        ));
    }
    say("Next:     twofold-server run; it fences every wallet that the anchor does not vouch for,");
    say("          and twofold-server fence list says which");
    Ok(())
}
