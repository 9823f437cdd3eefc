//! Backups of a server that runs: one at a time, beside all else.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
};
use twofold_cosigner::port::Clock as _;
use twofold_store::{Contents, Database, journal_of};

use crate::{
    backup::{self, Manifest},
    clock::SystemClock,
    config::Config,
    database,
    failpoint::failpoint,
    fault::Fault,
    mark,
    pace::Pace,
    private_file,
};

/// The copy that a backup is made from, in the data directory: it holds what the database holds.
const COPY: &str = "backup.db";

/// Where backups are made and for whom.
pub(crate) struct Copies {
    data_dir: PathBuf,
    recipient: Option<String>,
    turn: Arc<Semaphore>,
}

impl Copies {
    /// For a server that starts: what a backup that broke off has left holds what the database held, an old share perhaps.
    pub(crate) fn new(config: &Config) -> Self {
        drop(Copied(config.data_dir.join(COPY)));
        Self {
            data_dir: config.data_dir.clone(),
            recipient: config.backup.recipient.clone(),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// When a backup and a drill were last done, in seconds since 1970.
    pub(crate) fn last(&self) -> [Option<u64>; 2] {
        [mark::BACKUP, mark::DRILL].map(|what| mark::read(&self.data_dir, what))
    }

    /// Notes that a drill came to its end.
    pub(crate) fn drilled(&self) {
        mark::note(&self.data_dir, mark::DRILL, SystemClock.now());
    }

    /// Makes one of a store that is in use.
    pub(crate) async fn make(
        &self,
        store: Database,
        out: PathBuf,
        recipient: Option<String>,
    ) -> Result<Manifest, Fault> {
        let turn = Arc::clone(&self.turn);
        let Ok(turn) = turn.try_acquire_owned() else {
            return Err(Fault::Admin("a backup is being made already".into()));
        };
        let (data_dir, recipient) = (self.data_dir.clone(), recipient.or_else(|| self.recipient.clone()));
        let (tell, told) = oneshot::channel();
        let runtime = Handle::current();
        // A thread of its own, since it gives way to all others.
        let making = thread::Builder::new().name("backup".into()).spawn(move || {
            let pace = Pace::beside_others();
            let made = make(&data_dir, &out, recipient.as_deref(), pace, |copy, rest| match &store {
                Database::Sqlite(store) => store
                    .copy_to(copy, rest)
                    .map_err(|fault| Fault::Data(fault.to_string())),
                Database::Postgres(store) => runtime.block_on(store.copy_to(copy)).map_err(database::told),
            });
            drop(turn);
            if let Ok(manifest) = &made {
                tracing::info!(out = %out.display(), wallets = manifest.wallets, "a backup was made and read back");
            }
            // Whoever asked may have hung up.
            let _ = tell.send(made);
        });
        making.map_err(|why| Fault::System(format!("no thread for a backup: {why}")))?;
        told.await
            .unwrap_or_else(|_| Err(Fault::System("the backup broke off; the log says where".into())))
    }
}

/// Makes one from a copy that `copy` makes, which lets others have their turn between its bits.
pub(crate) fn make(
    data_dir: &Path,
    out: &Path,
    recipient: Option<&str>,
    mut pace: Pace,
    copy: impl FnOnce(&Path, &mut dyn FnMut()) -> Result<Contents, Fault>,
) -> Result<Manifest, Fault> {
    let Some(recipient) = recipient else {
        return Err(Fault::Config(
            "say who can open the backup: --recipient age1..., or backup.recipient in the configuration; \
             twofold-server backup-key makes such a key, on a machine that stays offline"
                .into(),
        ));
    };
    let recipient = backup::recipient(recipient)?;
    let now = SystemClock.now();
    // With its data elsewhere, a server may never have made it.
    private_file::directory(data_dir)?;
    let copied = Copied(data_dir.join(COPY));
    let contents = copy(&copied.0, &mut || pace.rest())?;
    failpoint!("backup::copied");
    let manifest = backup::write(&copied.0, out, &recipient, contents, now, &mut pace)?;
    mark::note(data_dir, mark::BACKUP, now);
    Ok(manifest)
}

/// The copy, which goes when its backup is made or has failed.
struct Copied(PathBuf);

impl Drop for Copied {
    fn drop(&mut self) {
        // The next one replaces it, and a server that starts removes it.
        let _ = fs::remove_file(&self.0);
        let _ = fs::remove_file(journal_of(&self.0));
    }
}
