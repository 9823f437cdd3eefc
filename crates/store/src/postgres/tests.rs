//! The port's suite on PostgreSQL, and what only PostgreSQL can get wrong.

mod again;
mod alone;
mod conformance;
mod copy;
mod cut;
mod durable;
mod last_words;
mod role;
mod schema;
mod tls;
mod two;

use std::{ops::Deref, sync::LazyLock};

use tokio::runtime::Runtime;
use twofold_testkit::Postgres;

use super::{PostgresStore, Settings, Tls};

/// The stores of all tests of a process live on it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

fn run<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// A store in a server that goes with it.
struct Fresh {
    store: PostgresStore,
    server: Postgres,
}

impl Fresh {
    fn new() -> Self {
        let server = Postgres::start().unwrap();
        let store = run(PostgresStore::open(&settings(&server))).unwrap();
        Self { store, server }
    }
}

impl Deref for Fresh {
    type Target = PostgresStore;
    fn deref(&self) -> &PostgresStore {
        &self.store
    }
}

/// By the server's socket.
fn settings(server: &Postgres) -> Settings {
    Settings {
        url: server.url(),
        password: None,
        tls: Tls::Off,
        connections: 8,
    }
}
