//! Opens the database that the configuration names.

use std::{future::Future, time::Duration};

use twofold_store::{Contents, Database, OpenFault, PostgresFault, PostgresStore, SqliteStore, copy_of};

use crate::{config::Config, fault::Fault, private_file};

/// Opens it for this server alone.
pub(crate) async fn open(config: &Config) -> Result<Database, Fault> {
    if let Some(settings) = config.database.settings()? {
        // The admin socket and the notes on copies stand there all the same.
        private_file::directory(&config.data_dir)?;
        let store = PostgresStore::open(&settings).await.map_err(told)?;
        return Ok(Database::Postgres(store.alone().await.map_err(told)?));
    }
    let store = SqliteStore::open(&config.data_dir).map_err(|fault| {
        Fault::Data(match fault {
            OpenFault::Io { .. } => format!("can't open the data directory: {fault}"),
            fault => fault.to_string(),
        })
    })?;
    Ok(Database::Sqlite(store))
}

/// What is too much of the role that the database is asked as, a sentence each; nothing where the data is in files. It may
/// take as long as `patience`, on a thread of its own, wherever it is called from.
pub(crate) fn excess(config: &Config, patience: Duration) -> Result<Vec<String>, String> {
    // Settings that make no sense are told by whoever checks them.
    let Ok(Some(settings)) = config.database.settings() else {
        return Ok(Vec::new());
    };
    let asked = || {
        let answered = waited_for(async {
            let answered = tokio::time::timeout(patience, settings.excess()).await;
            answered.map_or_else(
                |_| Err(Fault::Data(format!("it does not answer within {patience:?}"))),
                |answered| answered.map_err(told),
            )
        });
        answered.map_err(|fault| fault.to_string())
    };
    std::thread::scope(|scope| scope.spawn(asked).join()).unwrap_or_else(|_| Err("asking it broke off".into()))
}

/// A copy of it, for a backup, where no server has it open. What is old stays as it is, in files.
pub(crate) fn copy(config: &Config, file: &std::path::Path) -> Result<Contents, Fault> {
    match config.database.settings()? {
        None => copy_of(&config.data_dir, file).map_err(|fault| Fault::Data(fault.to_string())),
        Some(settings) => waited_for(async {
            let store = PostgresStore::open(&settings).await.map_err(told)?;
            store.copy_to(file).await.map_err(told)
        }),
    }
}

/// What a command has to wait for that runs no server.
pub(crate) fn waited_for<T>(future: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Fault::System(format!("can't start: {error}")))?
        .block_on(future)
}

pub(crate) fn told(fault: PostgresFault) -> Fault {
    match fault {
        PostgresFault::Settings(_) => Fault::Config(fault.to_string()),
        fault => Fault::Data(fault.to_string()),
    }
}

#[cfg(test)]
mod tests;
