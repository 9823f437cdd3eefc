//! Someone who waits: told of what happens as it happens, over a restart of the server too.

use std::{
    io::{BufRead as _, BufReader},
    process::{ChildStdout, Stdio},
    str::FromStr as _,
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bitcoin::{Address, Amount, Network};
use serde_json::Value;
use twofold_e2e::{Deployment, Person, process::Leashed};

/// Longest silence before a line that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `twofold watch` and its lines.
struct Watch {
    process: Leashed,
    lines: Receiver<Value>,
}

fn read(output: ChildStdout) -> Receiver<Value> {
    let (send, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let Ok(line) = serde_json::from_str(&line) else { break };
            if send.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

impl Watch {
    fn start(person: &Person) -> Result<Self> {
        let mut command = person.command(&["watch"])?;
        command.stderr(Stdio::null());
        let mut process = Leashed::spawn(&mut command)?;
        let lines = read(process.child().stdout.take().context("an output")?);
        Ok(Self { process, lines })
    }

    /// Waits for a line.
    fn until(&self, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut heard = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            if wanted(&line) {
                return Ok(line);
            }
            heard.push(line);
        }
        anyhow::bail!("it was never told; what was: {heard:?}")
    }
}

#[test]
fn a_payment_is_told_as_it_arrives_and_as_it_is_mined_over_a_restart_of_the_server() -> Result<()> {
    let mut deployment = Deployment::start()?;
    let owner = deployment.person("laptop");
    let address = owner.settle(&deployment.invitation)?;
    let address = Address::from_str(&address)?.require_network(Network::Regtest)?;
    let mut watch = Watch::start(&owner)?;
    let began = watch.until(|line| line["event"] == "watching")?;
    assert_eq!(began["wallet"].as_str(), Some("savings"));

    let txid = deployment.node.fund(&address, Amount::from_sat(70_000))?.to_string();
    let is_it = |line: &Value| line["event"] == "transaction" && line["txid"].as_str() == Some(txid.as_str());
    let arrived = watch.until(is_it)?;
    assert_eq!(
        (arrived["net_sat"].as_i64(), arrived["height"].as_u64()),
        (Some(70_000), None)
    );

    // Meanwhile the keystore is free, and what another command does is told as well.
    owner.run(&["sign-message", "--index", "0", "I am watching"])?;
    let logged = watch.until(|line| line["event"] == "log")?;
    assert!(logged["entries"].as_u64() >= Some(4), "{logged}");

    // The server goes, in good order and without waiting for who watches; blocks come meanwhile.
    let log = std::fs::read_to_string(deployment.log())?.len();
    deployment.server()?.terminate()?;
    let ended = deployment.server()?.child().wait()?;
    ensure!(ended.success(), "the server stopped in good order");
    let said = std::fs::read_to_string(deployment.log())?.split_off(log);
    ensure!(!said.contains("are dropped"), "it waited for who watches: {said}");
    deployment.node.mine(1)?;
    deployment.resume()?;
    let mined = watch.until(is_it)?;
    assert_eq!(mined["height"].as_u64(), Some(deployment.node.height()?), "{mined}");
    assert_eq!(mined["confirmations"].as_u64(), Some(1));

    // Ctrl-C ends it, in good order.
    let id = i32::try_from(watch.process.child().id())?;
    let id = rustix::process::Pid::from_raw(id).context("a process")?;
    rustix::process::kill_process(id, rustix::process::Signal::INT)?;
    ensure!(watch.process.child().wait()?.success());
    Ok(())
}
