//! `restore`.

use std::path::{Path, PathBuf};

use twofold_store::{AnchorFile, Contents, CopyFault, PostgresStore, Settings, Vacant};

use super::{Place, say};
use crate::{admin::answers, backup, database, fault::Fault, mark};

/// What to restore, and where.
#[derive(Debug, Clone)]
pub struct Restore {
    /// The server that it becomes.
    pub place: Place,
    /// The backup, and the file with the key that opens it; none where the database was restored by its own means.
    pub from: Option<(PathBuf, PathBuf)>,
    /// Print one JSON object.
    pub json: bool,
}

/// Puts a backup's database where there is none. It is whole and in its place, or not there at all.
pub fn restore(wanted: &Restore) -> Result<(), Fault> {
    #[cfg(feature = "failpoints")]
    let _failpoints = crate::failpoint::scenario();
    let (data_dir, anchor_file) = wanted.place.files()?;
    let settings = wanted.place.database()?;
    if answers(&wanted.place.socket()?) {
        let told = "a server is running there; a backup is restored only into an empty place";
        return Err(Fault::Data(told.into()));
    }
    // Whoever runs beside that anchor now is the one that this one replaces.
    let lines = AnchorFile::peek(&anchor_file).map_err(|fault| Fault::Data(fault.to_string()))?;
    let follows = twofold_cosigner::last_token(&lines).map_err(|fault| Fault::Data(fault.to_string()))?;
    let Some((from, key)) = &wanted.from else {
        return in_place(settings.as_ref(), follows, wanted.json);
    };
    let identity = backup::identity(key)?;
    let data = |fault: CopyFault| Fault::Data(fault.to_string());
    let vacant = Vacant::take(&data_dir, &mark::ALL).map_err(data)?;
    let (copy, mut part) = vacant.part().map_err(data)?;
    let manifest = backup::read(from, &identity, &mut part)?;
    drop(part);
    let contents = match &settings {
        None => vacant.install(follows).map_err(data)?,
        Some(settings) => {
            let taken = database::waited_for(take(settings, &copy, follows));
            // It holds what the database holds.
            let _ = std::fs::remove_file(&copy);
            taken?
        }
    };
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
        "Restored: {}, as they were when the backup was made",
        super::count_of_wallets(contents.wallets)
    ));
    if follows.is_none() {
        say(format_args!(
            "There is no anchor at {}: put it back, or start once with --new-anchor if it is lost",
            anchor_file.display()
        ));
    }
    say("Next:     twofold-server run; it fences every wallet that the anchor does not vouch for,");
    say("          and twofold-server fence list says which. After your yes (fence lift), or with the recovery words,");
    say("          the people of a wallet lift its fence on a machine of theirs: twofold wallet lift-fence");
    Ok(())
}

async fn take(settings: &Settings, copy: &Path, follows: Option<[u8; 16]>) -> Result<Contents, Fault> {
    let store = PostgresStore::open(settings).await.map_err(database::told)?;
    let store = store.alone().await.map_err(database::told)?;
    store.take_copy(copy, follows).await.map_err(database::told)
}

/// Says in a database that it was restored: the next start fences its wallets.
fn in_place(settings: Option<&Settings>, follows: Option<[u8; 16]>, json: bool) -> Result<(), Fault> {
    let Some(settings) = settings else {
        let told = "--in-place is for PostgreSQL; a database in files is restored with --from and --identity";
        return Err(Fault::Config(told.into()));
    };
    database::waited_for(async {
        let store = PostgresStore::open(settings).await.map_err(database::told)?;
        let store = store.alone().await.map_err(database::told)?;
        store.mark_restored(follows).await.map_err(database::told)
    })?;
    if json {
        say(serde_json::json!({ "anchor": follows.is_some() }));
    } else {
        say("The database says now that it was restored");
        say("Next:     twofold-server run; it fences every wallet that the anchor does not vouch for,");
        say("          and twofold-server fence list says which");
    }
    Ok(())
}
