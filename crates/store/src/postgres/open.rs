//! Opening a database.

use std::sync::Arc;

use tokio::sync::watch;
use twofold_link::Standing;

use super::{
    fault::PostgresFault,
    migrate,
    pool::{Pool, Taken},
    settings::Settings,
};
use crate::fault::Fault;

/// A PostgreSQL database, open. Clones share its connections. Several may be open at once, in one process or in many: the
/// database orders what they do.
#[derive(Debug, Clone)]
pub struct PostgresStore(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) pool: Pool,
    /// Ends with the store: whoever does something for it beside stops then.
    pub(super) open: watch::Sender<()>,
}

impl PostgresStore {
    /// Opens a database, making the tables that are not there and bringing what is old up to date.
    pub async fn open(settings: &Settings) -> Result<Self, PostgresFault> {
        let pool = Pool::new(settings.reached()?, settings.connections);
        {
            let mut session = pool.first().await?;
            // A session that stopped half way is nobody's.
            let opened = async {
                migrate::migrate(&session, migrate::STEPS).await?;
                session.place().await
            };
            let opened = opened.await;
            if opened.is_err() {
                session.give_up();
            }
            pool.stands(opened?);
        }
        let (open, _) = watch::channel(());
        Ok(Self(Arc::new(Inner { pool, open })))
    }

    /// Why nothing works any more, if so: it could not be found out what became of a write, or the database is another than
    /// it was. The process should end, and what is there be read anew.
    #[must_use]
    pub fn sealed(&self) -> Option<&'static str> {
        self.0.pool.sealed()
    }

    /// How the link to it is.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.0.pool.standing()
    }

    pub(super) fn seal(&self, why: &'static str) -> Fault {
        self.0.pool.seal(why)
    }

    /// Whose the database is, where it is this server's alone.
    pub(super) fn token(&self) -> Option<&str> {
        self.0.pool.token.get().map(String::as_str)
    }

    pub(super) async fn take(&self) -> Result<Taken<'_>, Fault> {
        match self.sealed() {
            Some(why) => Err(Fault::Unavailable(why.to_owned())),
            None => self.0.pool.take().await,
        }
    }
}
