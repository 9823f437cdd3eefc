//! The main job, as a person does it: make a wallet, be paid, pay, and see it in the log.

use std::str::FromStr as _;

use anyhow::{Context as _, Result};
use bitcoin::{Address, Amount, Network, Txid};
use serde_json::Value;
use twofold_e2e::Deployment;

fn sats(value: &Value) -> u64 {
    value.as_u64().expect("an integer of satoshi")
}

fn address(text: &str) -> Result<Address> {
    Ok(Address::from_str(text)?.require_network(Network::Regtest)?)
}

#[test]
fn a_wallet_is_made_funded_and_spent_from() -> Result<()> {
    let deployment = Deployment::start()?;
    let owner = deployment.funded()?;
    assert_eq!(sats(&owner.run(&["balance"])?["confirmed_sat"]), 100_000_000);

    let payee = deployment.node.miner_address()?.to_string();
    let sent = owner.send(&payee, "0.25btc", "5")?;
    let txid = Txid::from_str(sent["txid"].as_str().context("a txid")?)?;
    assert!(deployment.node.mempool()?.contains(&txid), "the node has it");
    deployment.node.mine(1)?;
    deployment.settle(&owner)?;

    let fee = sats(&sent["fee_sat"]);
    assert!(fee > 0 && fee < 5_000, "{fee}");
    assert_eq!(sats(&owner.run(&["balance"])?["confirmed_sat"]), 75_000_000 - fee);
    let history = owner.run(&["history"])?;
    assert_eq!(history["transactions"].as_array().context("a list")?.len(), 2);
    assert_eq!(owner.run(&["audit", "verify"])?["verified"], Value::Bool(true));
    Ok(())
}

#[test]
fn the_node_given_the_descriptor_sees_the_same_coins_and_addresses() -> Result<()> {
    let deployment = Deployment::start()?;
    let owner = deployment.funded()?;
    let descriptor = owner.run(&["descriptor"])?;
    let watcher = deployment
        .node
        .core_wallet(descriptor["descriptor"].as_str().context("a descriptor")?)?;
    assert_eq!(watcher.balance()?, Amount::ONE_BTC);
    let second = owner.run(&["receive"])?;
    let second = address(second["address"].as_str().context("an address")?)?;
    assert!(
        watcher.receive_addresses(3)?.contains(&second),
        "{second} is among the node's"
    );
    Ok(())
}

#[test]
fn f26_history_is_the_same_after_the_server_restarts() -> Result<()> {
    let mut deployment = Deployment::start()?;
    let owner = deployment.funded()?;
    let payee = deployment.node.miner_address()?.to_string();
    owner.run(&["send", "--to", &payee, "--amount", "0.1btc", "--fee-rate", "2", "--yes"])?;
    deployment.node.mine(1)?;
    deployment.settle(&owner)?;
    let before = owner.run(&["history"])?;
    deployment.kill()?;
    deployment.resume()?;
    assert_eq!(owner.run(&["history"])?, before);
    Ok(())
}

#[test]
fn create_run_again_after_it_finished_changes_nothing() -> Result<()> {
    let deployment = Deployment::start()?;
    let owner = deployment.person("laptop");
    let first = owner.settle(&deployment.invitation)?;
    let elsewhere = owner.home().with_extension("other-words");
    let elsewhere = elsewhere.to_str().context("a path in UTF-8")?;
    let again = owner.refused(&["create", "--name", "savings", "--words-file", elsewhere, "--yes"])?;
    assert!(again.stdout.contains("savings"), "{}", again.stdout);
    assert_eq!(
        owner.run(&["wallet", "list"])?["wallets"]
            .as_array()
            .context("a list")?
            .len(),
        1
    );
    assert_eq!(owner.run(&["receive"])?["address"].as_str(), Some(first.as_str()));
    Ok(())
}
