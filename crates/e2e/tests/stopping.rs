//! SIGTERM while signatures are being made.

use std::{
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bitcoin::{Psbt, hashes::Hash as _};
use twofold_api::{Reason, audit::Event};
use twofold_client::Fault;
use twofold_e2e::Deployment;

use crate::{
    device::{Device, Enrolled},
    kills::{end_of, require_failpoints, runtime},
    line::Mischief,
    oracle::{Oracle, verify},
    races::NO_RATE,
};

const WALLETS: [&str; 4] = ["savings", "daily", "holiday", "house"];
const CLIENTS_PER_WALLET: usize = 2;
/// Signatures that go through before they become slow, so that some are surely in flight.
const QUICK: u64 = 40;

/// What a client meets whose server stops, and nothing else.
fn stopped(fault: &Fault) -> bool {
    matches!(fault, Fault::Transport(_)) || fault.reason() == Some(Reason::ShuttingDown)
}

/// Signs until the server stops; what it was given.
async fn sign_on(mut device: Device) -> Result<Vec<Psbt>> {
    let mut given = Vec::new();
    loop {
        let psbt = device.spend();
        match device.sign(psbt).await {
            Ok(signed) => given.push(signed),
            Err(fault) if stopped(&fault) => return Ok(given),
            Err(fault) => return Err(fault.into()),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's rim: time enters here")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn o01_sigterm_under_load_stops_serving_drains_in_time_and_loses_nothing_that_was_given_out() -> Result<()> {
    require_failpoints()?;
    let slow = format!("sign::before_commit={QUICK}*off->sleep(1000)");
    let mut environment = NO_RATE.to_vec();
    environment.push(("FAILPOINTS", &slow));
    let mut deployment = Deployment::start_with(&environment)?;
    let enrolled = runtime()?.block_on(Enrolled::new(&deployment.invitation, &WALLETS))?;
    let oracle = Arc::new(Oracle::default());
    let address: SocketAddr = deployment.url.trim_start_matches("https://").parse()?;

    let given = thread::scope(|scope| -> Result<Vec<(&str, Vec<Psbt>)>> {
        let mut clients = Vec::new();
        for wallet in WALLETS {
            for _ in 0..CLIENTS_PER_WALLET {
                let (enrolled, oracle) = (&enrolled, &oracle);
                clients.push((
                    wallet,
                    scope.spawn(move || {
                        runtime()?.block_on(async {
                            let device = enrolled.open(wallet, oracle, Mischief::None).await?;
                            Box::pin(sign_on(device)).await
                        })
                    }),
                ));
            }
        }
        // All that may be quick was given out, and each wallet has one in the making.
        let deadline = now() + Duration::from_secs(60);
        while oracle.verdict()?.nonces < QUICK || oracle.verdict()?.sent < QUICK + WALLETS.len() as u64 {
            ensure!(now() < deadline, "no load: {:?}", oracle.verdict()?);
            thread::sleep(Duration::from_millis(5));
        }
        let (told, given_before) = (now(), oracle.verdict()?.nonces);
        let server = deployment.server()?;
        server.terminate()?;
        while TcpStream::connect(address).is_ok() {
            ensure!(told.elapsed() < Duration::from_secs(30), "it still takes connections");
            thread::sleep(Duration::from_millis(20));
        }
        let end = end_of(server)?;
        ensure!(end.is_some_and(|status| status.success()), "it ended with {end:?}");
        ensure!(
            told.elapsed() < Duration::from_secs(30),
            "drained in {:?}",
            told.elapsed()
        );
        let given = clients
            .into_iter()
            .map(|(wallet, client)| Ok((wallet, client.join().expect("a client that does not panic")?)))
            .collect::<Result<Vec<_>>>()?;
        let count = oracle.verdict()?;
        ensure!(count.nonces > given_before, "nothing was in flight: {count:?}");
        Ok(given)
    })?;

    let count = oracle.verdict()?;
    deployment.set_environment(&NO_RATE);
    deployment.resume()?;
    let mut acknowledged = 0;
    for wallet in WALLETS {
        runtime()?.block_on(async {
            let mut device = enrolled.open(wallet, &oracle, Mischief::None).await?;
            let audited = device.client.audit(&mut device.wallet).await?;
            let signed = |psbt: &Psbt| {
                let txid = psbt.unsigned_tx.compute_txid().to_byte_array();
                let there = |event: &Event| matches!(event, Event::Signed(signed) if signed.txid == txid);
                audited.entries.iter().filter(|entry| there(&entry.event)).count()
            };
            for psbt in given
                .iter()
                .filter(|(of, _)| *of == wallet)
                .flat_map(|(_, given)| given)
            {
                verify(psbt)?;
                ensure!(signed(psbt) == 1, "{wallet}: {} entries", signed(psbt));
                acknowledged += 1;
            }
            let psbt = device.spend();
            verify(&device.sign(psbt).await?)
        })?;
    }
    ensure!(acknowledged == count.nonces, "{acknowledged} of {count:?}");
    oracle.verdict().map(drop).context("after the restart")
}
