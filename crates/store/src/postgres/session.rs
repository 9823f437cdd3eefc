//! One connection: made, looked at, and the statements it knows.

use std::{collections::HashMap, pin::Pin};

use futures::StreamExt as _;
use tokio::{
    task::JoinHandle,
    time::{Duration, timeout},
};
use tokio_postgres::{Client, NoTls, Row, Statement, error::SqlState, types::ToSql};

use super::{
    fault::PostgresFault,
    settings::{CONNECT, Reached, told},
    tls::Rustls,
    write::Param,
};
use crate::fault::Fault;

/// How long an answer may take, the server's own time limits included.
pub(super) const ANSWER: Duration = Duration::from_secs(15);

/// What a session is told first. No wait of the server's is without an end: not for a statement, not for a lock, and not
/// for a client that stands still in the middle of a transaction and holds what others wait for.
///
/// Every statement here finds its rows by an index, and none should wait for statistics to find that out. What a commit waits for
/// stays as it was when it was looked at, whatever the server's configuration becomes.
const SET_UP: &str = "
    SELECT set_config('synchronous_commit', current_setting('synchronous_commit'), FALSE);
    SET statement_timeout = '10s';
    SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '5s';
    SET default_transaction_isolation = 'read committed';
    SET client_min_messages = 'warning';
    SET enable_seqscan = off;
    SET plan_cache_mode = 'force_generic_plan';
    SET jit = off";

/// What a session must be like before anything is entrusted to it.
const LOOK: &str = "
    SELECT current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes'),
           current_setting('server_encoding'), current_setting('server_version_num')::bigint, pg_is_in_recovery()";

const PLACE: &str = "
    SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()),
                     left(pg_walfile_name(pg_current_wal_lsn()), 8),
                     (SELECT oid FROM pg_database WHERE datname = current_database()),
                     to_regclass('twofold_schema')::oid)";

/// Oldest server that is known to do what this asks of it.
const OLDEST: i64 = 130_000;

/// A connection that is used by one at a time.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
    connection: JoinHandle<()>,
    /// Its answers may be another's: it is not used again.
    broken: bool,
}

impl Drop for Session {
    fn drop(&mut self) {
        // With the client gone it would end by itself, unless the wire hangs.
        if self.broken {
            self.connection.abort();
        }
    }
}

impl Session {
    /// Connects. Where the server would lose what it acknowledges, it is not used.
    pub(super) async fn connect(reached: &Reached) -> Result<Self, PostgresFault> {
        let connecting = async {
            let (client, connection) = match &reached.tls {
                None => {
                    let (client, connection) = reached.config.connect(NoTls).await?;
                    (client, tokio::spawn(ended(connection)))
                }
                Some(tls) => {
                    let (client, connection) = reached.config.connect(Rustls(tls.clone())).await?;
                    (client, tokio::spawn(ended(connection)))
                }
            };
            let session = Self {
                client,
                statements: HashMap::new(),
                connection,
                broken: false,
            };
            session.client.batch_execute(SET_UP).await?;
            session.look().await?;
            Ok(session)
        };
        timeout(CONNECT, connecting)
            .await
            .unwrap_or_else(|_| Err(PostgresFault::Unavailable("it does not answer in time".into())))
    }

    /// Whether what is acknowledged here is kept, still.
    pub(super) async fn look(&self) -> Result<(), PostgresFault> {
        let asked = timeout(ANSWER, self.client.query_one(LOOK, &[])).await;
        asked.map_or_else(
            |_| Err(PostgresFault::Unavailable("it does not answer in time".into())),
            |row| look(&row?),
        )
    }

    /// Where the database stands: its cluster, that one's timeline, which grows whenever a standby or a backup takes its
    /// place, and the database's and its tables' own numbers, which are others in what was loaded from a dump. Nothing where
    /// the server does not say.
    pub(super) async fn place(&self) -> Result<String, PostgresFault> {
        let asked = timeout(ANSWER, self.client.query_one(PLACE, &[])).await;
        let Ok(answer) = asked else {
            return Err(PostgresFault::Unavailable("it does not answer in time".into()));
        };
        match answer {
            Ok(row) => Ok(row.try_get(0)?),
            Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(String::new()),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn is_usable(&self) -> bool {
        !self.broken && !self.client.is_closed()
    }

    /// Gives it up.
    pub(super) fn give_up(&mut self) {
        self.broken = true;
    }

    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// A statement, prepared on this connection once.
    pub(super) async fn prepared(&mut self, sql: &str) -> Result<Statement, tokio_postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// The rows of a query.
    pub(super) async fn rows(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Fault> {
        let asked = async {
            let statement = self.prepared(sql).await?;
            let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|param| param as _).collect();
            Ok(self.client.query(&statement, &params).await?)
        };
        let Ok(answer) = timeout(ANSWER, asked).await else {
            self.give_up();
            return Err(late());
        };
        answer
    }

    /// What a transaction is called, and whose database it finds.
    pub(super) fn begun<'a>(
        &'a self,
        statement: &Statement,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, tokio_postgres::Error>> + Send + 'a>> {
        let statement = statement.clone();
        Box::pin(async move {
            let row = self.client.query_one(&statement, &[]).await?;
            Ok(Answer::Begun(Begun {
                transaction: row.try_get(0)?,
                token: row.try_get(1)?,
                mark: row.try_get(2)?,
            }))
        })
    }

    /// How many rows a statement changed.
    pub(super) fn count<'a, P>(
        &'a self,
        statement: &Statement,
        params: &'a [P],
    ) -> Pin<Box<dyn Future<Output = Result<Answer, tokio_postgres::Error>> + Send + 'a>>
    where
        P: ToSql + Sync,
    {
        let statement = statement.clone();
        Box::pin(async move { self.client.execute_raw(&statement, params).await.map(Answer::Rows) })
    }
}

/// What a statement of a batch answers.
#[derive(Debug)]
pub(super) enum Answer {
    Rows(u64),
    Begun(Begun),
}

/// What a transaction says as it begins.
#[derive(Debug, Default)]
pub(super) struct Begun {
    /// Its number.
    pub(super) transaction: String,
    /// Whose the database is.
    pub(super) token: Option<String>,
    /// The row that is there if it is committed, where it has one for that alone.
    pub(super) mark: Option<String>,
}

pub(super) fn late() -> Fault {
    Fault::Unavailable("the database does not answer in time".into())
}

/// Drives a connection until it ends.
async fn ended<S, T>(mut connection: tokio_postgres::Connection<S, T>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut messages = futures::stream::poll_fn(move |context| connection.poll_message(context));
    while let Some(message) = messages.next().await {
        match message {
            Ok(tokio_postgres::AsyncMessage::Notice(notice)) => {
                tracing::debug!(%notice, "the database says");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(why = told(&error), "a connection to the database ended");
                return;
            }
        }
    }
}

fn look(row: &Row) -> Result<(), PostgresFault> {
    let commits: &str = row.try_get(0)?;
    if commits == "off" || commits == "local" {
        return Err(PostgresFault::NotDurable(format!(
            "synchronous_commit is {commits} for this role or database; set it to on"
        )));
    }
    for (at, name) in [(1, "fsync"), (2, "full_page_writes")] {
        if row.try_get::<_, &str>(at)? != "on" {
            return Err(PostgresFault::NotDurable(format!("{name} is off; set it to on")));
        }
    }
    if row.try_get::<_, &str>(3)? != "UTF8" {
        let told = "its encoding must be UTF8; make it with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0";
        return Err(PostgresFault::Refused(told.into()));
    }
    if row.try_get::<_, i64>(4)? < OLDEST {
        return Err(PostgresFault::Refused("it needs PostgreSQL 13 or newer".into()));
    }
    if row.try_get(5)? {
        return Err(PostgresFault::Unavailable(
            "it is a standby, and takes no writes".into(),
        ));
    }
    Ok(())
}
