//! Many clients, one server, a bad line: no nonce is ever used twice.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bitcoin::hashes::{Hash as _, sha256};
use twofold_api::Reason;
use twofold_client::{Fault, deadline};
use twofold_e2e::Deployment;
use twofold_testkit::{Chaos, Toxic, ToxicProxy};

use crate::{
    device::{Device, Enrolled},
    line::Mischief,
    oracle::{Oracle, verify},
};

/// Signatures in all, and who fetches them: each wallet is at once in the hands of several clients.
const SIGNS: u64 = 10_000;
const USERS: [&str; 2] = ["anna", "berta"];
const WALLETS: [&str; 2] = ["savings", "daily"];
const CLIENTS_PER_WALLET: u64 = 3;
const SEED: u64 = 0x2f01d;

/// Rates far above what these clients ask for: limits have tests of their own.
pub(crate) const NO_RATE: [(&str, &str); 6] = [
    ("TWOFOLD__LIMITS__ADDRESS_PER_SECOND", "1000000"),
    ("TWOFOLD__LIMITS__ADDRESS_BURST", "1000000"),
    ("TWOFOLD__LIMITS__DEVICE_PER_SECOND", "1000000"),
    ("TWOFOLD__LIMITS__DEVICE_BURST", "1000000"),
    ("TWOFOLD__LIMITS__WALLET_PER_SECOND", "1000000"),
    ("TWOFOLD__LIMITS__WALLET_BURST", "1000000"),
];

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// What the line is to blame for: the client gave up on the request after as many sends as it may make, or others were
/// quicker each time. Everything else fails the test.
fn excused(fault: &Fault) -> bool {
    matches!(fault, Fault::Transport(fault) if fault.is_passing())
        || matches!(fault.reason(), Some(Reason::Conflict | Reason::RequestSpent))
}

/// Signs until `turns` is used up; every fourth transaction is one that the wallet's other clients sign as well.
async fn sign_on(mut device: Device, client: u64, turns: &AtomicU64, given_up: &AtomicU64) -> Result<Device> {
    let wallet = device.wallet.id();
    for number in 0.. {
        if turns
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_err()
        {
            break;
        }
        let whose = if number % 4 == 0 { u64::MAX } else { client };
        let coin = [&wallet.0[..], &whose.to_be_bytes(), &u64::to_be_bytes(number)].concat();
        let psbt = device.spend_of(sha256::Hash::hash(&coin).to_byte_array());
        let signed = loop {
            match device.sign(psbt.clone()).await {
                Ok(signed) => break signed,
                Err(fault) if excused(&fault) => given_up.fetch_add(1, Ordering::SeqCst),
                Err(fault) => return Err(fault).with_context(|| format!("client {client}, transaction {number}")),
            };
        };
        verify(&signed)?;
    }
    Ok(device)
}

#[test]
fn p19_ten_thousand_signs_with_drops_retries_duplicates_and_races_never_show_one_nonce_to_two_challenges() -> Result<()>
{
    // The proxy stands where the public URL leads. Its port is known only once the server's is.
    let mut deployment = Deployment::start_with(&NO_RATE)?;
    let upstream: SocketAddr = deployment.url.trim_start_matches("https://").parse()?;
    let proxy = ToxicProxy::start(upstream)?;
    let public = format!("https://{}", proxy.address());
    let mut environment = NO_RATE.to_vec();
    environment.push(("TWOFOLD__PUBLIC_URL", &public));
    deployment.kill()?;
    deployment.set_environment(&environment);
    deployment.resume()?;

    let oracle = Arc::new(Oracle::default());
    let mut devices = Vec::new();
    for user in USERS {
        let invitation = deployment.invite()?;
        let enrolled = runtime()?
            .block_on(Enrolled::new(&invitation, &WALLETS))
            .context(user)?;
        devices.push(enrolled);
    }
    proxy.set(Toxic::Chaos(Chaos {
        seed: SEED,
        lost_requests: 8,
        cut_replies: 8,
        delayed: 20,
        delay: Duration::from_millis(5),
    }));

    let turns = AtomicU64::new(SIGNS);
    let given_up = AtomicU64::new(0);
    thread::scope(|scope| -> Result<()> {
        let mut clients = Vec::new();
        for (user, enrolled) in (0..).zip(&devices) {
            for (place, wallet) in (0..).zip(WALLETS) {
                for copy in 0..CLIENTS_PER_WALLET {
                    let client = (user * 10 + place) * 10 + copy;
                    let (oracle, turns, given_up) = (&oracle, &turns, &given_up);
                    clients.push(scope.spawn(move || {
                        runtime()?.block_on(async {
                            let mischief = Mischief::by_chance(SEED ^ client);
                            let device = enrolled.open(wallet, oracle, mischief).await?;
                            Box::pin(sign_on(device, client, turns, given_up)).await.map(drop)
                        })
                    }));
                }
            }
        }
        ensure!(clients.len() >= 8, "{} clients", clients.len());
        for client in clients {
            client.join().expect("a client that does not panic")?;
        }
        Ok(())
    })?;

    let count = oracle.verdict()?;
    let traffic = proxy.traffic();
    let given_up = given_up.into_inner();
    eprintln!("{count:?}, {traffic:?}, {given_up} given up");
    // The line was bad indeed, and requests were indeed repeated.
    ensure!(count.nonces >= SIGNS, "{count:?}");
    ensure!(count.sent > SIGNS + SIGNS / 20 && count.again > SIGNS / 50, "{count:?}");
    ensure!(traffic.connections > 100, "{traffic:?}");

    // Nobody is shut out by what went wrong: a well-behaved client signs at once, and the books are whole.
    proxy.set(Toxic::Pass);
    for (enrolled, wallet) in devices.iter().zip(WALLETS) {
        runtime()?.block_on(async {
            let mut device = enrolled.open(wallet, &oracle, Mischief::None).await?;
            let psbt = device.spend();
            let signed = tokio::time::timeout(deadline::COSIGN, device.sign(psbt)).await??;
            verify(&signed)?;
            device.client.audit(&mut device.wallet).await?;
            anyhow::Ok(())
        })?;
    }
    oracle.verdict()?;
    Ok(())
}
