//! Two machines with one wallet, on real processes.

use std::str::FromStr as _;

use anyhow::{Context as _, Result, ensure};
use bitcoin::{Address, Amount, Network};
use serde_json::Value;
use twofold_e2e::{Deployment, Person};

fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("{value} is no text"))
}

fn pays(person: &Person, to: &str) -> Result<Value> {
    person.run(&["send", "--to", to, "--amount", "0.01btc", "--fee-rate", "2", "--yes"])
}

#[test]
fn a_second_machine_is_added_both_sign_and_a_revoked_one_is_refused() -> Result<()> {
    let deployment = Deployment::start()?;
    let (laptop, phone) = (deployment.person("laptop"), deployment.person("phone"));
    let address = laptop.settle(&deployment.invitation)?;
    let address = Address::from_str(&address)?.require_network(Network::Regtest)?;
    deployment.node.fund(&address, Amount::ONE_BTC)?;
    deployment.node.mine(1)?;
    deployment.settle(&laptop)?;
    let words = laptop.home().with_extension("words");
    let words = words.to_str().context("a path in UTF-8")?;

    let shown = laptop.run(&["device", "add"])?;
    let joined = phone.run(&["join", text(&shown["introduction"])?, "--name", "phone"])?;
    let card = text(&joined["card"])?;
    let early = phone.run(&["join", "--finish"])?;
    ensure!(early["waiting"][0]["card"] == card, "{early}");
    let added = laptop.run(&["device", "add", card, "--words-file", words])?;
    ensure!(added["done"] == true, "{added}");
    let arrived = phone.run(&["join", "--finish"])?;
    ensure!(arrived["wallets"][0]["name"] == "savings", "{arrived}");
    deployment.settle(&phone)?;
    let payee = deployment.node.miner_address()?.to_string();
    for person in [&phone, &laptop] {
        pays(person, &payee)?;
        deployment.node.mine(1)?;
        deployment.settle(&phone)?;
        deployment.settle(&laptop)?;
    }

    // Alone, a machine only asks; the other hears of it and says no.
    let asked = phone.run(&["device", "revoke", "laptop", "--yes"])?;
    ensure!(
        asked["done"] == false && asked["waiting"]["what"] == "revoke",
        "{asked}"
    );
    let waiting = laptop.run(&["pending"])?;
    let change = waiting["waiting"][0]["change"]
        .as_u64()
        .context("a number")?
        .to_string();
    laptop.run(&["pending", "cancel", &change])?;

    phone.run(&["freeze"])?;
    let frozen = laptop.refused(&[
        "send",
        "--to",
        &payee,
        "--amount",
        "0.01btc",
        "--fee-rate",
        "2",
        "--yes",
    ])?;
    ensure!(frozen.stdout.contains("WALLET_FROZEN"), "{}", frozen.stdout);
    laptop.run(&["unfreeze", "--words-file", words])?;

    let revoked = laptop.run(&["device", "revoke", "phone", "--words-file", words, "--yes"])?;
    ensure!(revoked["done"] == true && revoked["refresh_due"] == false, "{revoked}");
    let refused = phone.refused(&["balance"])?;
    ensure!(refused.stdout.contains("DEVICE_NOT_LISTED"), "{}", refused.stdout);
    let refused = phone.refused(&["freeze"])?;
    ensure!(refused.stdout.contains("DEVICE_NOT_LISTED"), "{}", refused.stdout);
    pays(&laptop, &payee)?;
    laptop.run(&["audit", "verify"])?;
    Ok(())
}
