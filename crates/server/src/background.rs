//! What goes on beside requests: following the chain, dropping what is past its time, listening to the store's pulse.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet, time::timeout};
use twofold_cosigner::{
    Cosigner,
    follow::Follower,
    port::{Clock, chain::Chain, store::Store},
};

use twofold_store::SqliteStore;

use crate::{health::Health, listen::Phase, metric, rate::Rates};

/// Between two looks at a chain that had nothing new.
const LOOK: Duration = Duration::from_millis(500);
/// Longest wait after the node failed to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why a server whose store is sealed stops.
pub(crate) const SEALED: &str = "a write to the data directory failed, and what reached the disk is unknown until it is \
    read anew; look at the disk, then start the server again";
/// How long the requests of such a server get to fail.
const FAREWELL: Duration = Duration::from_secs(3);

/// Starts all of it; dropping the set ends it.
pub(crate) fn start<S: Store, C: Chain, K: Clock>(
    cosigner: &Arc<Cosigner<S, C, K>>,
    health: &Arc<Health>,
    rates: &Arc<Rates>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(follow(Arc::clone(cosigner), Arc::clone(health)));
    tasks.spawn(purge(Arc::clone(cosigner)));
    tasks.spawn(pulse(Arc::clone(cosigner), Arc::clone(health)));
    tasks.spawn(tidy(Arc::clone(rates)));
    tasks
}

async fn follow<S: Store, C: Chain, K: Clock>(cosigner: Arc<Cosigner<S, C, K>>, health: Arc<Health>) {
    let mut follower = Follower::new(cosigner.config().clone());
    let mut failures = 0_u32;
    loop {
        match timeout(Duration::from_secs(120), cosigner.follow_step(&mut follower)).await {
            Ok(Ok(step)) => {
                if failures > 0 {
                    tracing::info!("the bitcoin node answers again");
                }
                failures = 0;
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
                if failures == 0 {
                    tracing::warn!(why, "can't follow the chain; trying again");
                }
                failures = failures.saturating_add(1);
                tokio::time::sleep(LOOK.saturating_mul(1 << failures.min(5)).min(PATIENCE)).await;
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
    cosigner: Arc<Cosigner<SqliteStore, C, K>>,
    phase: watch::Sender<Phase>,
) {
    while !cosigner.store().is_sealed() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    tracing::error!("{SEALED}");
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
