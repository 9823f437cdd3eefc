//! A batch as one transaction, and what became of it.

use tokio::time::{Duration, Instant, sleep, timeout};
use tokio_postgres::{Statement, error::SqlState};
use twofold_cosigner::port::store::{Batch, StoreFault};
use twofold_link::jittered;

use super::{
    PostgresStore,
    alone::TAKEN,
    evidence::Evidence,
    fault::{Ended, ended},
    in_order::in_order,
    pool::Taken,
    session::{ANSWER, Answer, Begun, late},
    write::{Param, Step, steps},
};
use crate::{failpoint::failpoint, fault::Fault, metric};

/// How often a batch is tried that others were in the way of, or whose connection broke before its commit.
const ATTEMPTS: u32 = 6;
/// Before it is tried again; twice as long each time.
const PAUSE: Duration = Duration::from_millis(10);
/// How long the database is asked what became of a commit.
const FIND_OUT: Duration = Duration::from_secs(60);

/// Why a store has stopped that does not know what it wrote.
const UNKNOWN: &str = "a write may or may not be in the database, which could not be asked; start the server again";

/// Why an attempt failed.
enum Failed {
    /// It is undone, and may do better.
    Again(Fault),
    /// It is undone.
    Undone(Fault),
    /// The commit of this transaction went out and no answer came.
    Unknown(Begun),
}

impl PostgresStore {
    /// Commits a batch. Whoever waits for it may go away: a batch that was begun is ended.
    pub(super) async fn commit_whole(&self, batch: Batch) -> Result<(), StoreFault> {
        let store = self.clone();
        let committing = tokio::spawn(async move {
            let begun = Instant::now();
            let result = store.run(&batch).await;
            metrics::histogram!(metric::COMMIT_SECONDS).record(begun.elapsed());
            metrics::histogram!(metric::COMMIT_BATCHES).record(1);
            if matches!(result, Err(StoreFault::Unavailable(_))) {
                metrics::counter!(metric::FAILED_COMMITS).increment(1);
            }
            result
        });
        committing
            .await
            .unwrap_or_else(|_| Err(StoreFault::Unavailable("the write broke off".into())))
    }

    async fn run(&self, batch: &Batch) -> Result<(), StoreFault> {
        let (steps, evidence) = (steps(batch)?, Evidence::of(batch));
        let mut pause = PAUSE;
        for attempt in 1.. {
            match self.attempt(&steps, evidence).await {
                Ok(()) => break,
                Err(Failed::Undone(fault)) => return Err(fault.into()),
                Err(Failed::Again(fault)) if attempt >= ATTEMPTS => return Err(fault.into()),
                Err(Failed::Again(_)) => {
                    sleep(jittered(pause)).await;
                    pause = pause.saturating_mul(2);
                }
                Err(Failed::Unknown(begun)) => return self.find_out(&begun, evidence).await,
            }
        }
        Ok(())
    }

    async fn attempt(&self, steps: &[Step<'_>], evidence: Evidence<'_>) -> Result<(), Failed> {
        let mut session = self.take().await.map_err(Failed::Undone)?;
        let asked = timeout(ANSWER, self.ask_for(&mut session, steps, evidence.begins())).await;
        let begun = match asked {
            Ok(Ok(begun)) => begun,
            Ok(Err(failed)) => return Err(failed),
            Err(_) => {
                session.give_up();
                return Err(Failed::Undone(late()));
            }
        };
        failpoint!("postgres-before-commit");
        let committed = timeout(ANSWER, session.client().batch_execute("COMMIT")).await;
        failpoint!("postgres-committed");
        let Ok(committed) = committed else {
            session.give_up();
            return Err(Failed::Unknown(begun));
        };
        committed.map_err(|error| match ended(&error) {
            Ended::Again => Failed::Again(error.into()),
            Ended::Undone => Failed::Undone(error.into()),
            Ended::Cut => {
                session.give_up();
                Failed::Unknown(begun)
            }
        })
    }

    /// Asks the database what became of a transaction whose commit was not answered. Who asked for it is told what is
    /// so; where that can't be found out, nobody goes on as if it were known.
    async fn find_out(&self, begun: &Begun, evidence: Evidence<'_>) -> Result<(), StoreFault> {
        let until = Instant::now() + FIND_OUT;
        let mut pause = PAUSE;
        while Instant::now() < until && self.sealed().is_none() {
            match self.became_of(begun, evidence).await {
                Ok(Some(true)) => {
                    tracing::info!("a commit whose answer was lost is there");
                    return Ok(());
                }
                Ok(Some(false)) => {
                    let told = "the connection was cut before the write was done; nothing was changed";
                    return Err(StoreFault::Unavailable(told.into()));
                }
                // The server has not noticed yet that nobody listens.
                Ok(None) => {}
                Err(why) => tracing::debug!(%why, "what became of a commit can't be asked yet"),
            }
            sleep(jittered(pause)).await;
            pause = pause.saturating_mul(2).min(Duration::from_secs(1));
        }
        Err(self.seal(UNKNOWN).into())
    }

    /// Whether a transaction was committed; none while it may yet be. It is looked for only once it has come to an end.
    async fn became_of(&self, begun: &Begun, evidence: Evidence<'_>) -> Result<Option<bool>, Fault> {
        let mut session = self.take().await?;
        let sql = "SELECT pg_xact_status($1::text::xid8) = 'in progress'";
        let running = match session.rows(sql, &[Param::Text(&begun.transaction)]).await {
            Ok(rows) => match rows.first() {
                Some(row) => row.try_get(0)?,
                None => None,
            },
            // A number that the server has not given out: it has forgotten it in a crash.
            Err(Fault::Postgres(error)) if error.code() == Some(&SqlState::INVALID_PARAMETER_VALUE) => None,
            Err(fault) => return Err(fault),
        };
        if running == Some(true) {
            return Ok(None);
        }
        evidence.is_there(&mut session, begun.mark.as_deref()).await.map(Some)
    }
}

impl PostgresStore {
    /// Begins a transaction and has it do everything, the commit excepted; its name.
    async fn ask_for(
        &self,
        session: &mut Taken<'_>,
        steps: &[Step<'_>],
        begins: &'static str,
    ) -> Result<Begun, Failed> {
        let statements = match prepared(session, begins, steps).await {
            Ok(statements) => statements,
            Err(error) => return Err(broken(session, error, None).await),
        };
        let [opens, name, statements @ ..] = statements.as_slice() else {
            return Err(Failed::Undone(late()));
        };
        let answers = {
            let asked = [session.count::<Param<'_>>(opens, &[]), session.begun(name)].into_iter();
            let asked = asked.chain(
                statements
                    .iter()
                    .zip(steps)
                    .map(|(statement, step)| session.count(statement, &step.params)),
            );
            in_order(asked).await
        };
        failpoint!("postgres-applied");
        let mut begun = Begun::default();
        let steps = [None, None].into_iter().chain(steps.iter().map(Some));
        for (answer, step) in answers.into_iter().zip(steps) {
            match answer {
                Err(error) => return Err(broken(session, error, step).await),
                Ok(Answer::Begun(told)) => {
                    begun = told;
                    if self.token().is_some_and(|ours| begun.token.as_deref() != Some(ours)) {
                        roll_back(session).await;
                        return Err(Failed::Undone(self.seal(TAKEN)));
                    }
                }
                Ok(Answer::Rows(0)) => {
                    if let Some(miss) = step.and_then(|step| step.none) {
                        roll_back(session).await;
                        return Err(Failed::Undone(miss.fault()));
                    }
                }
                Ok(Answer::Rows(_)) => {}
            }
        }
        Ok(begun)
    }
}

async fn prepared(
    session: &mut Taken<'_>,
    begins: &'static str,
    steps: &[Step<'_>],
) -> Result<Vec<Statement>, tokio_postgres::Error> {
    let mut statements = Vec::with_capacity(steps.len() + 2);
    for sql in ["BEGIN", begins].into_iter().chain(steps.iter().map(|step| step.sql)) {
        statements.push(session.prepared(sql).await?);
    }
    Ok(statements)
}

/// What an error before the commit means: nothing is there.
async fn broken(session: &mut Taken<'_>, error: tokio_postgres::Error, step: Option<&Step<'_>>) -> Failed {
    let how = ended(&error);
    if how == Ended::Cut {
        session.give_up();
        return Failed::Again(error.into());
    }
    roll_back(session).await;
    if how == Ended::Again {
        return Failed::Again(error.into());
    }
    match step.and_then(|step| step.taken) {
        Some(what) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => Failed::Undone(Fault::Exists(what)),
        _ => Failed::Undone(error.into()),
    }
}

async fn roll_back(session: &mut Taken<'_>) {
    let rolled_back = timeout(ANSWER, session.client().batch_execute("ROLLBACK")).await;
    if !matches!(rolled_back, Ok(Ok(()))) {
        session.give_up();
    }
}
