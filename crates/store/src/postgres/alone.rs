//! A database that one server has to itself, although nothing keeps another from reaching it.
//!
//! A lock of the session says that somebody has it: the next server refuses to start. The lock goes with the session, and a
//! session may go while its server lives on, cut off or standing still. So each start also draws a token. Every write looks
//! at it in its own transaction, and who changes it waits for the writes that have looked: after that, no server of before
//! writes anything any more, whenever it wakes up.

use std::sync::{Arc, Weak};

use tokio::{
    sync::watch,
    time::{Duration, Instant, sleep, timeout},
};
use tokio_postgres::Client;
use twofold_cosigner::{RESTORED, TAKES_OVER};
use twofold_link::jittered;

use super::{PostgresStore, fault::PostgresFault, open::Inner, pool::Pool, session::Session};

/// Why a store has stopped whose database another server has.
pub(super) const TAKEN: &str = "another server has taken the database over; this one stops";

/// Why a store has stopped whose database no longer waits for its disk.
const CARELESS: &str = "the database does not keep what it acknowledges any more (synchronous_commit, fsync or \
    full_page_writes was switched off); switch it on, then start the server again";

/// How long a server that is just ending is waited for.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
const PAUSE: Duration = Duration::from_millis(200);
/// Between two looks at the lock.
const LOOK: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 2_000 });

/// "2FLD", and what it is for.
const LOCK: &str = "SELECT pg_try_advisory_lock(845564996, 3)";

impl PostgresStore {
    /// Has the database for this server alone, from here on. Where it stands in another place than it did, it says by itself
    /// that it was restored.
    pub async fn alone(self) -> Result<Self, PostgresFault> {
        let until = Instant::now() + PATIENCE;
        let holder = self.0.pool.apart().await?;
        while !locked(&holder).await? {
            if Instant::now() > until {
                return Err(PostgresFault::InUse);
            }
            sleep(jittered(PAUSE)).await;
        }
        let token = draw(&holder).await?;
        self.0.pool.holds(token);
        tokio::spawn(hold(Arc::downgrade(&self.0), self.0.open.subscribe(), holder));
        Ok(self)
    }

    /// Notes the operator's word that the database was restored by its own means, and which server's anchor it may follow.
    pub async fn mark_restored(&self, takes_over: Option<[u8; 16]>) -> Result<(), PostgresFault> {
        let session = self.0.pool.apart().await?;
        session.client().batch_execute("BEGIN").await?;
        note(session.client(), takes_over).await?;
        Ok(session.client().batch_execute("COMMIT").await?)
    }
}

async fn locked(session: &Session) -> Result<bool, PostgresFault> {
    Ok(session.client().query_one(LOCK, &[]).await?.try_get(0)?)
}

/// Draws this start's token, and notes it where a database stands elsewhere than it did: then it was restored, or another
/// has taken its place, and what it acknowledged last may be missing.
async fn draw(session: &Session) -> Result<String, PostgresFault> {
    let place = session.place().await?;
    let client = session.client();
    client
        .batch_execute(
            "BEGIN;
             SET LOCAL statement_timeout = '40s';
             SET LOCAL lock_timeout = '30s';
             LOCK TABLE twofold_instance IN ACCESS EXCLUSIVE MODE",
        )
        .await?;
    let row = client.query_opt("SELECT place FROM twofold_instance", &[]).await?;
    let stood: Option<String> = row.map(|row| row.try_get(0)).transpose()?;
    if place.is_empty() {
        tracing::warn!(
            "the role may not ask where the database stands: a standby that takes its place, or a dump, goes unnoticed"
        );
    }
    let moved = stood.is_some_and(|stood| stood != place && !place.is_empty());
    if moved {
        tracing::warn!(
            place,
            "the database stands elsewhere than it did: it is taken for a restored one"
        );
        note(client, None).await?;
    }
    let drawn = client
        .query_one(
            "INSERT INTO twofold_instance (one, token, place) VALUES (TRUE, gen_random_uuid()::text, $1)
             ON CONFLICT (one) DO UPDATE SET token = excluded.token,
                 place = coalesce(nullif(excluded.place, ''), twofold_instance.place) RETURNING token",
            &[&place],
        )
        .await?;
    client.batch_execute("COMMIT").await?;
    Ok(drawn.try_get(0)?)
}

/// Notes that it was restored: the next start fences its wallets.
pub(super) async fn note(client: &Client, takes_over: Option<[u8; 16]>) -> Result<(), PostgresFault> {
    client
        .execute(
            "INSERT INTO counters (name, value) VALUES ($1, 1)
             ON CONFLICT (name) DO UPDATE SET value = counters.value + 1",
            &[&RESTORED],
        )
        .await?;
    let follows = takes_over.map(Vec::from).unwrap_or_default();
    client
        .execute(
            "INSERT INTO server_secrets (name, sealed) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed",
            &[&TAKES_OVER, &follows],
        )
        .await?;
    Ok(())
}

/// Keeps the lock for as long as the store is open. Where its session was cut, it is taken again; where somebody else was
/// quicker, the token says so at the next write.
async fn hold(store: Weak<Inner>, mut open: watch::Receiver<()>, mut holder: Session) {
    // It changes only by coming to its end.
    while timeout(LOOK, open.changed()).await.is_err() {
        if holder.is_usable() {
            // The store may be closed meanwhile.
            if let Err(PostgresFault::NotDurable(why)) = holder.look().await {
                tracing::error!(why, "the database's settings were changed");
                if let Some(store) = store.upgrade() {
                    store.pool.seal(CARELESS);
                }
                return;
            }
            continue;
        }
        let Some(store) = store.upgrade() else { return };
        let again = async {
            let session = store.pool.apart().await?;
            Ok::<_, PostgresFault>(locked(&session).await?.then_some(session))
        };
        match again.await {
            Ok(Some(session)) => {
                tracing::info!("this server has the database's lock again");
                holder = session;
            }
            Ok(None) => tracing::warn!("somebody else has the database's lock"),
            Err(why) => tracing::debug!(%why, "the database's lock can't be taken again yet"),
        }
    }
}

impl Pool {
    /// From here on, what is written looks for this token first.
    fn holds(&self, token: String) {
        // A store is opened once.
        let _ = self.token.set(token);
    }
}
