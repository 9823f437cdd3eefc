//! Connections that are kept: a bounded number, one asker each, made when they are needed.

use std::{
    ops::{Deref, DerefMut},
    sync::{Mutex, OnceLock, PoisonError},
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Duration, timeout},
};
use twofold_link::{Breaker, MEMORY, Policy, Standing};

use super::{fault::PostgresFault, session::Session, settings::Reached};
use crate::fault::Fault;

/// How long one may wait for a connection that others use.
const TURN: Duration = Duration::from_secs(5);
/// After a failure to connect nobody tries for a while.
const POLICY: Policy = Policy {
    patience: Duration::from_secs(10),
    first_pause: Duration::from_millis(50),
    last_pause: Duration::from_secs(2),
    memory: MEMORY,
};

/// Why a store has stopped whose database is another.
const MOVED: &str = "the database was restored, or a standby has taken its place, and what it has forgotten is not known \
    until it is read anew; start the server again";

/// The connections.
pub(super) struct Pool {
    reached: Reached,
    idle: Mutex<Vec<Session>>,
    places: Semaphore,
    breaker: Breaker,
    /// Where the database stood when it was opened.
    place: OnceLock<String>,
    /// Whose it is, where it is one server's.
    pub(super) token: OnceLock<String>,
    /// Why nothing works any more.
    sealed: OnceLock<&'static str>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Pool {
    pub(super) fn new(reached: Reached, connections: u32) -> Self {
        Self {
            reached,
            idle: Mutex::default(),
            places: Semaphore::new(usize::try_from(connections.max(2)).unwrap_or(2)),
            breaker: Breaker::new(POLICY),
            place: OnceLock::new(),
            token: OnceLock::new(),
            sealed: OnceLock::new(),
        }
    }

    /// From here on a connection must lead to where the database stands now.
    pub(super) fn stands(&self, place: String) {
        // A store is opened once.
        let _ = self.place.set(place);
    }

    pub(super) fn seal(&self, why: &'static str) -> Fault {
        tracing::error!(why, "nothing is written or read until a restart");
        Fault::Unavailable((*self.sealed.get_or_init(|| why)).to_owned())
    }

    pub(super) fn sealed(&self) -> Option<&'static str> {
        self.sealed.get().copied()
    }

    /// How the link is.
    pub(super) fn standing(&self) -> Standing {
        self.breaker.standing()
    }

    /// One of the connections was asked, and answered. Whether there is room for one more is another matter.
    pub(super) fn answered(&self) {
        self.breaker.still_answers();
    }

    /// A connection of one's own for a while.
    pub(super) async fn take(&self) -> Result<Taken<'_>, Fault> {
        let place = timeout(TURN, self.places.acquire()).await;
        let Ok(Ok(place)) = place else {
            return Err(Fault::Unavailable("too many wait for the database".into()));
        };
        let kept = self.kept();
        let session = match kept {
            Some(session) => session,
            None => self.connect().await?,
        };
        Ok(Taken {
            session: Some(session),
            pool: self,
            _place: place,
        })
    }

    /// One that was used before and still stands.
    fn kept(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(session) = idle.pop() {
            if session.is_usable() {
                return Some(session);
            }
        }
        None
    }

    async fn connect(&self) -> Result<Session, Fault> {
        if let Some(why) = self.breaker.turns_away() {
            return Err(Fault::Unavailable(why));
        }
        match self.apart().await {
            Ok(session) => {
                if self.breaker.answered() {
                    tracing::info!("the database answers again");
                }
                Ok(session)
            }
            Err(fault) => {
                let why = fault.to_string();
                if self.breaker.failed(&why) {
                    tracing::warn!(why, "the database can't be reached; trying again");
                }
                Err(Fault::Unavailable(why))
            }
        }
    }

    /// A connection that is none of those that are kept.
    pub(super) async fn apart(&self) -> Result<Session, PostgresFault> {
        let session = Session::connect(&self.reached).await?;
        if let Some(stood) = self.place.get()
            && *stood != session.place().await?
        {
            self.seal(MOVED);
            return Err(PostgresFault::Unavailable(MOVED.into()));
        }
        Ok(session)
    }

    /// A first connection, with what stands in its way told apart.
    pub(super) async fn first(&self) -> Result<Taken<'_>, PostgresFault> {
        let session = Session::connect(&self.reached).await?;
        let place = self.places.acquire().await;
        let place = place.map_err(|_| PostgresFault::Unavailable("it is being closed".into()))?;
        Ok(Taken {
            session: Some(session),
            pool: self,
            _place: place,
        })
    }
}

/// A connection in use. It goes back when this is dropped, unless it broke.
pub(super) struct Taken<'a> {
    session: Option<Session>,
    pool: &'a Pool,
    _place: SemaphorePermit<'a>,
}

impl Deref for Taken<'_> {
    type Target = Session;
    #[expect(clippy::expect_used, reason = "it is taken out only when this is dropped")]
    fn deref(&self) -> &Session {
        self.session.as_ref().expect("there until dropped")
    }
}

impl DerefMut for Taken<'_> {
    #[expect(clippy::expect_used, reason = "it is taken out only when this is dropped")]
    fn deref_mut(&mut self) -> &mut Session {
        self.session.as_mut().expect("there until dropped")
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        if session.is_usable() {
            self.pool
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(session);
        }
    }
}
