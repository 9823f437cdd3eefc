//! What goes on beside requests: following the chain, dropping what is past its time, listening to the store's pulse.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};
use twofold_cosigner::{
    Cosigner,
    follow::Follower,
    port::{Clock, chain::Chain, store::Store},
};

use twofold_link::Pauses;
use twofold_store::Database;

use crate::{health::Health, listen::Phase, metric, rate::Rates};

/// Between two looks at a chain that had nothing new.
const LOOK: Duration = Duration::from_millis(500);
/// Longest wait after the node failed to answer. While it is away for long, a question costs little.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long the requests of a server whose store is sealed get to fail.
const FAREWELL: Duration = Duration::from_secs(3);

/// Starts all of it; dropping the set ends it.
pub(crate) fn start<S: Store, C: Chain, K: Clock>(
    cosigner: &Arc<Cosigner<S, C, K>>,
    health: &Arc<Health>,
    rates: &Arc<Rates>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    // Each gets handles of its own every time that it is begun.
    let (theirs, told) = (Arc::clone(cosigner), Arc::clone(health));
    let begin = move || follow(Arc::clone(&theirs), Arc::clone(&told));
    tasks.spawn(supervised("follow", Arc::clone(health), begin));
    let theirs = Arc::clone(cosigner);
    let begin = move || purge(Arc::clone(&theirs));
    tasks.spawn(supervised("purge", Arc::clone(health), begin));
    let (theirs, told) = (Arc::clone(cosigner), Arc::clone(health));
    let begin = move || pulse(Arc::clone(&theirs), Arc::clone(&told));
    tasks.spawn(supervised("pulse", Arc::clone(health), begin));
    let rates = Arc::clone(rates);
    let begin = move || tidy(Arc::clone(&rates));
    tasks.spawn(supervised("tidy", Arc::clone(health), begin));
    tasks
}

/// First wait before a task is begun again; it doubles.
const AGAIN: Duration = Duration::from_millis(100);
/// Longest such wait.
const AGAIN_AT_MOST: Duration = Duration::from_secs(60);
/// What goes on for this long has recovered.
const STEADY: Duration = Duration::from_secs(300);

/// Runs what never ends: if it does, by a panic most likely, it is begun again, later each time, and health says so.
pub(crate) async fn supervised<F: Future<Output = ()>>(task: &'static str, health: Arc<Health>, begin: impl Fn() -> F) {
    let restarts = metrics::counter!(metric::TASK_RESTARTS, "task" => task);
    restarts.increment(0);
    let mut pauses = Pauses::new(AGAIN, AGAIN_AT_MOST);
    loop {
        let started = Instant::now();
        if AssertUnwindSafe(begin()).catch_unwind().await.is_err() {
            metrics::counter!(metric::PANICS).increment(1);
        }
        if started.elapsed() > STEADY {
            pauses.begin_anew();
        }
        health.begun_again(task);
        restarts.increment(1);
        let wait = pauses.take();
        tracing::error!(task, ?wait, "a task of the background broke off and is begun again");
        tokio::time::sleep(wait).await;
    }
}

async fn follow<S: Store, C: Chain, K: Clock>(cosigner: Arc<Cosigner<S, C, K>>, health: Arc<Health>) {
    let mut follower = Follower::new(cosigner.config().clone());
    let (mut pauses, mut away) = (Pauses::new(LOOK, PATIENCE), false);
    loop {
        match timeout(Duration::from_secs(120), cosigner.follow_step(&mut follower)).await {
            Ok(Ok(step)) => {
                if away {
                    tracing::info!("the bitcoin node answers again");
                }
                away = false;
                pauses.begin_anew();
                health.node_answered();
                metrics::gauge!(metric::TIP_HEIGHT).set(f64::from(step.height));
                if !step.more {
                    tokio::time::sleep(LOOK).await;
                }
            }
            failed => {
                let why = match failed {
                    Ok(Err(fault)) => fault.to_string(),
                    _ => "it took too long".to_owned(),
                };
                if !away {
                    tracing::warn!(why, "can't follow the chain; trying again");
                }
                away = true;
                tokio::time::sleep(pauses.take()).await;
            }
        }
    }
}

async fn purge<S: Store, C: Chain, K: Clock>(cosigner: Arc<Cosigner<S, C, K>>) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        if let Err(refusal) = cosigner.purge().await {
            tracing::warn!(%refusal, "can't drop what is past its time");
        }
    }
}

async fn pulse<S: Store, C: Chain, K: Clock>(cosigner: Arc<Cosigner<S, C, K>>, health: Arc<Health>) {
    loop {
        if let Ok(Ok(_)) = timeout(Duration::from_secs(5), cosigner.store().tip()).await {
            health.store_answered();
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Stops the server once its store is sealed: nothing works from then on, and only a new process finds out what is on the
/// disk.
pub(crate) async fn stop_when_sealed<C: Chain, K: Clock>(
    cosigner: Arc<Cosigner<Database, C, K>>,
    phase: watch::Sender<Phase>,
) {
    let why = loop {
        match cosigner.store().sealed() {
            Some(why) => break why,
            None => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    };
    tracing::error!("{why}");
    phase.send_modify(|phase| *phase = (*phase).max(Phase::Draining));
    tokio::time::sleep(FAREWELL).await;
    phase.send_replace(Phase::Forced);
}

async fn tidy(rates: Arc<Rates>) {
    loop {
        tokio::time::sleep(Duration::from_secs(10)).await;
        rates.tidy();
    }
}

#[cfg(test)]
mod tests;
