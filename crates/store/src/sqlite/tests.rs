//! The port's suite on SQLite, and what only SQLite can get wrong.

mod conformance;
mod copy;
mod damage;
mod directory;
mod group;
mod schema;

use std::{ops::Deref, path::Path};

use futures::executor::block_on;
use tempfile::TempDir;

use crate::SqliteStore;

/// A store in a directory that goes with it.
struct Fresh {
    store: SqliteStore,
    directory: TempDir,
}

impl Fresh {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        Self {
            store: SqliteStore::open(directory.path()).unwrap(),
            directory,
        }
    }

    /// Closes the store and opens it again, with what `between` does to the database meanwhile.
    fn reopen(self, between: impl FnOnce(&rusqlite::Connection)) -> Self {
        let Self { store, directory } = self;
        drop(store);
        between(&raw(directory.path()));
        Self {
            store: SqliteStore::open(directory.path()).unwrap(),
            directory,
        }
    }
}

impl Deref for Fresh {
    type Target = SqliteStore;
    fn deref(&self) -> &SqliteStore {
        &self.store
    }
}

/// The database file, past the store.
fn raw(directory: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(directory.join("twofold.db")).unwrap()
}
