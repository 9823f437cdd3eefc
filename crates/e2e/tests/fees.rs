//! Fees where nobody names one: what the server's node says, within bounds, or a fallback that is named.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use twofold_e2e::{Deployment, Person};
use twofold_testkit::bitcoincore_rpc::RpcApi as _;

/// The most that an estimate is followed to, in sat/vB.
const MOST: f64 = 500.0;
/// What the server says where its node knows nothing, in sat/vB.
const FALLBACK: f64 = 2.0;

/// Blocks full enough of payments at this rate that the node draws its conclusion.
fn teach(deployment: &Deployment, rate: u64) -> Result<()> {
    let rpc = deployment.node.rpc()?;
    for _ in 0..25 {
        for _ in 0..4 {
            let payee = deployment.node.miner_address()?.to_string();
            let null = Value::Null;
            rpc.call::<Value>(
                "sendtoaddress",
                &[
                    json!(payee),
                    json!(0.1),
                    json!(""),
                    json!(""),
                    json!(false),
                    json!(true),
                    null.clone(),
                    json!("unset"),
                    null,
                    json!(rate),
                ],
            )?;
        }
        deployment.node.mine(1)?;
    }
    Ok(())
}

/// The node's own figure for six blocks, in sat/vB.
fn estimate(deployment: &Deployment) -> Result<f64> {
    let said: Value = deployment.node.rpc()?.call("estimatesmartfee", &[json!(6)])?;
    let rate = said["feerate"]
        .as_f64()
        .with_context(|| format!("the node says {said}"))?;
    Ok(rate * 100_000.0)
}

fn paid(deployment: &Deployment, owner: &Person) -> Result<f64> {
    let payee = deployment.node.miner_address()?.to_string();
    let sent = owner.run(&["send", "--to", &payee, "--amount", "0.1btc", "--yes"])?;
    sent["fee_rate_sat_vb"].as_f64().context("a fee rate")
}

#[test]
fn f20_a_send_without_a_fee_rate_pays_what_the_node_estimates() -> Result<()> {
    let deployment = Deployment::start()?;
    teach(&deployment, 20)?;
    let owner = deployment.funded()?;
    let (said, paid) = (estimate(&deployment)?, paid(&deployment, &owner)?);
    ensure!(said > 10.0, "the node has learnt {said}");
    ensure!((paid - said).abs() < said / 20.0, "{paid} paid, {said} estimated");
    Ok(())
}

#[test]
fn f20_an_estimate_past_all_reason_is_not_followed_to_the_end() -> Result<()> {
    let deployment = Deployment::start()?;
    teach(&deployment, 900)?;
    let owner = deployment.funded()?;
    let (said, paid) = (estimate(&deployment)?, paid(&deployment, &owner)?);
    ensure!(said > MOST * 1.2, "the node has learnt {said}");
    ensure!((paid - MOST).abs() < MOST / 50.0, "{paid} paid, {said} estimated");
    Ok(())
}

#[test]
fn f20_without_an_estimate_the_fallback_is_used_and_named() -> Result<()> {
    let deployment = Deployment::start()?;
    let owner = deployment.funded()?;
    ensure!(estimate(&deployment).is_err(), "the node knows nothing yet");
    let payee = deployment.node.miner_address()?.to_string();
    let shown = owner
        .plain_command(&["send", "--to", &payee, "--amount", "0.1btc", "--dry-run"])?
        .output()?;
    let said = String::from_utf8_lossy(&shown.stderr).into_owned();
    ensure!(said.contains("no fee estimate yet; this is a fallback"), "{said}");
    let paid = paid(&deployment, &owner)?;
    ensure!((paid - FALLBACK).abs() < 0.1, "{paid} sat/vB");
    Ok(())
}
