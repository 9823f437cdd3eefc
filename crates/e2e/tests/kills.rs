//! kill -9 and SIGTERM of the server: what was acknowledged is there, what was not has left no trace.

use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::ExitStatus,
    str::FromStr as _,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use bitcoin::{Address, Amount, Network, Psbt, hashes::Hash as _};
use serde_json::Value;
use twofold_api::{audit::Event, request::Sign};
use twofold_e2e::{
    Deployment, Person,
    process::{Leashed, binary},
};
use twofold_wire::client::decode;

use crate::{
    device::{Device, Enrolled},
    line::Mischief,
    oracle::{Oracle, verify},
};

const WALLET: &str = "savings";
/// How long a server may take to die or to stop, on a busy machine.
const GONE_WITHIN: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// How the process ended, if it does in time.
pub(crate) fn end_of(server: &mut Leashed) -> Result<Option<ExitStatus>> {
    for _ in 0..GONE_WITHIN.as_millis() / LOOK.as_millis() {
        if let Some(status) = server.child().try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(LOOK);
    }
    Ok(None)
}

/// The failpoints that a source file of the tree names.
pub(crate) fn failpoints_in(path: &str) -> Result<Vec<String>> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let source = fs::read_to_string(root.join(path)).with_context(|| path.to_owned())?;
    let named = source.split("failpoint!(\"").skip(1);
    Ok(named
        .filter_map(|rest| rest.split_once('"').map(|(name, _)| name.to_owned()))
        .collect())
}

/// Where a signature can be interrupted: in the cosigner, and from there on in the store.
fn places_of_signing() -> Result<Vec<String>> {
    let mut places = failpoints_in("crates/cosigner/src/rpc/sign.rs")?;
    ensure!(places.len() >= 4, "failpoints of signing: {places:?}");
    let store = failpoints_in("crates/store/src/sqlite/writer.rs")?;
    ensure!(store.len() >= 7, "failpoints of the store: {store:?}");
    // Moving the log into the database is no part of any request.
    let of_requests = store.into_iter().filter(|place| place != "store-checkpoint");
    places.extend(of_requests.map(|place| format!("sign::before_commit>{place}")));
    Ok(places)
}

/// Fails in a sentence where the server under test has no failpoints.
pub(crate) fn require_failpoints() -> Result<()> {
    let server = binary("twofold-server")?;
    let bytes = fs::read(&server)?;
    ensure!(
        String::from_utf8_lossy(&bytes).contains("sign::before_commit"),
        "{} was built without failpoints, which this test needs: \
         cargo build --workspace --bins --features twofold-server/failpoints",
        server.display()
    );
    Ok(())
}

/// How the wallet's proven log counts one transaction: requests signed, and what they added to what was spent.
pub(crate) async fn charged(device: &mut Device, psbt: &Psbt) -> Result<(usize, u64, u64)> {
    let txid = psbt.unsigned_tx.compute_txid().to_byte_array();
    let audited = device.client.audit(&mut device.wallet).await?;
    let signed: Vec<_> = audited
        .entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Signed(signed) if signed.txid == txid => Some(signed),
            _ => None,
        })
        .collect();
    let whole = signed.first().context("an entry for the transaction")?.charge;
    Ok((signed.len(), signed.iter().map(|entry| entry.added).sum(), whole))
}

/// Takes the server up on the first call, whoever makes it: past the commit the reply may win the race against the kill,
/// and then the client meets the dead line later or never. Every call tells how the server went.
pub(crate) fn taken_up_once(
    deployment: &Arc<Mutex<Deployment>>,
) -> impl Fn() -> Option<ExitStatus> + Clone + Send + 'static {
    let (deployment, end) = (Arc::clone(deployment), Arc::new(OnceLock::new()));
    move || *end.get_or_init(|| take_up(&deployment).expect("the server starts again"))
}

/// Waits until the server is gone, tells how it went, and starts it again without failpoints.
fn take_up(deployment: &Mutex<Deployment>) -> Result<Option<ExitStatus>> {
    let mut deployment = deployment.lock().unwrap_or_else(PoisonError::into_inner);
    let ended = end_of(deployment.server()?)?;
    deployment.without_failpoints();
    if ended.is_none() {
        deployment.kill()?;
    }
    deployment.resume()?;
    Ok(ended)
}

/// Kills the server at one place of a signature; the client, which knows nothing of it, sends the same bytes again.
fn killed_at(
    place: &str,
    deployment: &Arc<Mutex<Deployment>>,
    enrolled: &Enrolled,
    oracle: &Arc<Oracle>,
) -> Result<()> {
    let held = || deployment.lock().unwrap_or_else(PoisonError::into_inner);
    {
        let mut deployment = held();
        deployment.kill()?;
        deployment.set_environment(&[("TWOFOLD_KILL_AT", place)]);
        deployment.resume()?;
    }
    let gone = taken_up_once(deployment);
    let at_fault = gone.clone();
    let hook = move || {
        at_fault();
    };
    runtime()?.block_on(async {
        let mut device = enrolled.open(WALLET, oracle, Mischief::at_fault(hook)).await?;
        let psbt = device.spend();
        let signed = device.sign(psbt.clone()).await;
        let signal = gone().and_then(|end| end.signal());
        ensure!(
            signal == Some(9),
            "the server was not killed: {signal:?}; signed: {}",
            signed.is_ok()
        );
        verify(&signed?)?;
        let (entries, added, whole) = charged(&mut device, &psbt).await?;
        ensure!(
            entries == 1 && added == whole,
            "{entries} entries, {added} of {whole} charged"
        );
        // What was recorded comes back, byte for byte, and changes nothing.
        let call = device
            .client
            .transport()
            .last_signed()
            .context("a request that was answered")?;
        let first = device.client.transport().again(&call).await?;
        let second = device.client.transport().again(&call).await?;
        ensure!(
            first.status == 200 && decode::<Sign>(&first.body)?.cosign == decode::<Sign>(&second.body)?.cosign,
            "recorded bytes"
        );
        ensure!(
            charged(&mut device, &psbt).await? == (entries, added, whole),
            "charged again"
        );
        // And the wallet signs on.
        let other = device.spend();
        verify(&device.sign(other).await?)
    })
}

#[test]
fn p20_kill_9_at_every_failpoint_of_signing_and_a_retry_give_one_signature_and_one_charge() -> Result<()> {
    require_failpoints()?;
    let deployment = Deployment::start()?;
    let enrolled = runtime()?.block_on(Enrolled::new(&deployment.invitation, &[WALLET]))?;
    let deployment = Arc::new(Mutex::new(deployment));
    let oracle = Arc::new(Oracle::default());
    for place in places_of_signing()? {
        killed_at(&place, &deployment, &enrolled, &oracle).with_context(|| place.clone())?;
        oracle.verdict().context(place)?;
    }
    Ok(())
}

#[test]
fn f11_sigterm_lets_an_open_request_finish_and_then_the_server_ends_in_order() -> Result<()> {
    require_failpoints()?;
    let mut deployment = Deployment::start_with(&[("FAILPOINTS", "sign::before_commit=sleep(3000)")])?;
    let enrolled = runtime()?.block_on(Enrolled::new(&deployment.invitation, &[WALLET]))?;
    let oracle = Arc::new(Oracle::default());
    thread::scope(|scope| {
        let signing = scope.spawn(|| {
            runtime()?.block_on(async {
                let mut device = enrolled.open(WALLET, &oracle, Mischief::None).await?;
                let psbt = device.spend();
                verify(&device.sign(psbt).await?)
            })
        });
        while oracle.verdict()?.sent == 0 {
            ensure!(!signing.is_finished(), "it ended before it asked for a signature");
            thread::sleep(LOOK);
        }
        thread::sleep(Duration::from_secs(1));
        ensure!(oracle.verdict()?.nonces == 0, "the request is still open");
        let server = deployment.server()?;
        server.terminate()?;
        signing.join().expect("a thread that does not panic")?;
        let end = end_of(server)?;
        ensure!(end.is_some_and(|status| status.success()), "it ended with {end:?}");
        Ok(())
    })
}

/// How many wallets once were lost with one process.
const WALLETS: usize = 15;

fn run(person: &Person, wallet: &str, arguments: &[&str]) -> Result<Value> {
    person.run(&[arguments, &["--wallet", wallet]].concat())
}

/// Waits until the server, which has just started, has read the blocks again and tells this wallet of its coin.
fn settle(person: &Person, wallet: &str, wanted: u64) -> Result<()> {
    let mut said = Value::Null;
    for _ in 0..60 {
        said = run(person, wallet, &["balance"])?;
        if said["confirmed_sat"] == wanted {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(250));
    }
    bail!("{wallet}: {said}")
}

#[test]
fn f11_kill_9_after_each_of_fifteen_creates_and_sends_loses_no_wallet_and_no_payment() -> Result<()> {
    let mut deployment = Deployment::start()?;
    let owner = deployment.person("laptop");
    owner.run(&["join", &deployment.invitation, "--name", "laptop"])?;
    let names: Vec<_> = (0..WALLETS).map(|number| format!("wallet-{number}")).collect();
    let mut addresses = Vec::new();
    for name in &names {
        let words = deployment.folder().join(format!("{name}.words"));
        let words = words.to_str().context("a path in UTF-8")?;
        let made = owner.run(&["create", "--name", name, "--words-file", words, "--yes"])?;
        deployment.kill()?;
        deployment.resume()?;
        addresses.push(made["address"].as_str().context("an address")?.to_owned());
    }
    for address in &addresses {
        let address = Address::from_str(address)?.require_network(Network::Regtest)?;
        deployment.node.fund(&address, Amount::from_sat(1_000_000))?;
    }
    deployment.node.mine(1)?;

    let payee = deployment.node.miner_address()?.to_string();
    let mut sent = Vec::new();
    for name in &names {
        settle(&owner, name, 1_000_000)?;
        let order = [
            "send",
            "--to",
            &payee,
            "--amount",
            "400000sat",
            "--fee-rate",
            "2",
            "--yes",
        ];
        let answer = run(&owner, name, &order)?;
        deployment.kill()?;
        deployment.resume()?;
        sent.push(answer["txid"].as_str().context("a txid")?.to_owned());
    }

    let listed = owner.run(&["wallet", "list"])?;
    ensure!(listed["wallets"].as_array().map(Vec::len) == Some(WALLETS), "{listed}");
    let mempool: Vec<_> = deployment.node.mempool()?.iter().map(ToString::to_string).collect();
    for (name, txid) in names.iter().zip(&sent) {
        ensure!(mempool.contains(txid), "{name}: the node does not have {txid}");
        let log = run(&owner, name, &["audit", "verify"])?;
        ensure!(log["verified"] == true, "{name}: {log}");
        let entries = log["entries"].as_array().context("a list")?;
        for event in ["signed", "broadcast"] {
            let there = |entry: &&Value| entry["event"] == event && entry["txid"] == txid.as_str();
            ensure!(
                entries.iter().filter(there).count() == 1,
                "{name}: {event} of {txid}: {log}"
            );
        }
    }
    Ok(())
}
