//! How soon an Electrum server that was away is followed again.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::time::sleep;
use twofold_chain::{
    Electrum,
    electrum::{Circuit, Config, Trust},
};
use twofold_cosigner::port::chain::Scripts as _;
use twofold_testkit::{FalseElectrum, Toxic, ToxicProxy};

use crate::{Bench, figure::Figure, figure::Goal, machine};

/// Scripts watched.
const SCRIPTS: u16 = 1_000;
/// How long the server is away: long enough for the longest pause between two tries.
const AWAY: Duration = Duration::from_secs(15);
/// Nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

impl Bench {
    /// From the server's return until all scripts are watched again.
    pub(crate) fn electrum(&mut self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let back = runtime.block_on(back())?;
        let goal = Goal::AtMost(5.0);
        self.tell(Figure::with_goal("electrum_back", back.as_secs_f64(), "s", goal));
        self.note("an Electrum server was away and came back");
        Ok(())
    }
}

async fn back() -> Result<Duration> {
    let server = FalseElectrum::start(|_| None)?;
    let proxy = ToxicProxy::start(server.address())?;
    let address = format!("tcp://{}", proxy.address()).parse()?;
    let chain = Electrum::new(Config::new(address, Trust::Web))?;
    let keys: Vec<_> = (0..SCRIPTS)
        .map(|n| {
            let mut key = [7; 32];
            key[..2].copy_from_slice(&n.to_be_bytes());
            key
        })
        .collect();
    ensure!(chain.watch(&keys), "too many scripts");
    restored(&chain).await?;
    proxy.set(Toxic::Refuse);
    proxy.cut_all();
    sleep(AWAY).await;
    proxy.set(Toxic::Pass);
    restored(&chain).await
}

/// Waits until all is watched.
async fn restored(chain: &Electrum) -> Result<Duration> {
    let began: Instant = machine::now();
    loop {
        let state = chain.state();
        if state.circuit == Circuit::Closed && state.restored == usize::from(SCRIPTS) {
            return Ok(began.elapsed());
        }
        ensure!(began.elapsed() < PATIENCE, "it does not come back: {state:?}");
        sleep(Duration::from_millis(2)).await;
    }
}
