//! What a person does with single coins and waiting payments: bump, abandon, freeze, choose, label.

use std::{fs, str::FromStr as _};

use anyhow::{Context as _, Result, ensure};
use bitcoin::{Address, Amount, Network, Txid};
use serde_json::{Value, json};
use twofold_e2e::{Deployment, Person};
use twofold_testkit::bitcoincore_rpc::RpcApi as _;

/// A settled person with one confirmed coin for each of these values, in sat.
fn funded(deployment: &Deployment, coins: &[u64]) -> Result<Person> {
    let owner = deployment.person("laptop");
    owner.settle(&deployment.invitation)?;
    for coin in coins {
        let address = owner.run(&["receive", "--new"])?;
        let address = Address::from_str(text(&address["address"])?)?.require_network(Network::Regtest)?;
        deployment.node.fund(&address, Amount::from_sat(*coin))?;
    }
    deployment.node.mine(1)?;
    deployment.settle(&owner)?;
    Ok(owner)
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("{value} is no text"))
}

fn number(value: &Value) -> Result<u64> {
    value.as_u64().with_context(|| format!("{value} is no number"))
}

fn coins(owner: &Person) -> Result<Vec<Value>> {
    let listed = owner.run(&["coins"])?;
    Ok(listed["coins"].as_array().context("a list")?.clone())
}

fn history(owner: &Person) -> Result<Vec<Value>> {
    let listed = owner.run(&["history"])?;
    Ok(listed["transactions"].as_array().context("a list")?.clone())
}

#[test]
fn c08_a_bumped_payment_takes_the_place_of_the_first_and_is_charged_once() -> Result<()> {
    let deployment = Deployment::start()?;
    let owner = funded(&deployment, &[1_000_000])?;
    let payee = deployment.node.miner_address()?.to_string();
    let sent = owner.run(&[
        "send",
        "--to",
        &payee,
        "--amount",
        "300000sat",
        "--fee-rate",
        "1",
        "--yes",
    ])?;
    let first = text(&sent["txid"])?.to_owned();
    ensure!(
        sent["replaceable"] == json!(true),
        "a send must signal that it can be replaced"
    );
    owner.run(&["label", &first, "rent for May"])?;

    let dry = owner.run(&["bump-fee", &first, "--fee-rate", "25", "--dry-run"])?;
    ensure!(dry["sent"] == json!(false) && dry["replaces"] == json!(first), "{dry}");
    let low = owner.refused(&["bump-fee", &first, "--fee-rate", "1.5", "--yes"])?;
    ensure!(low.code == 2 && low.stdout.contains("at least 2"), "{low:?}");

    let bumped = owner.run(&["bump-fee", &first, "--fee-rate", "25", "--yes"])?;
    let second = text(&bumped["txid"])?.to_owned();
    ensure!(bumped["payments"] == sent["payments"], "the same is paid: {bumped}");
    ensure!(bumped["replaced_fee_sat"] == sent["fee_sat"], "{bumped}");
    ensure!(number(&bumped["fee_sat"])? > number(&sent["fee_sat"])? * 20, "{bumped}");
    let mempool = deployment.node.mempool()?;
    ensure!(
        mempool == [Txid::from_str(&second)?],
        "the node has the second alone: {mempool:?}"
    );

    let waiting = &history(&owner)?[0];
    ensure!(
        waiting["txid"] == json!(second) && waiting["replaces"] == json!([first]),
        "{waiting}"
    );
    ensure!(
        waiting["label"] == json!("rent for May"),
        "the label goes along: {waiting}"
    );

    deployment.node.mine(1)?;
    deployment.settle(&owner)?;
    let left = 1_000_000 - 300_000 - number(&bumped["fee_sat"])?;
    ensure!(number(&owner.run(&["balance"])?["confirmed_sat"])? == left);
    let late = owner.refused(&["bump-fee", &second, "--yes"])?;
    ensure!(late.code == 2 && late.stdout.contains("in a block already"), "{late:?}");
    ensure!(owner.run(&["audit", "verify"])?["verified"] == json!(true));
    Ok(())
}

#[test]
fn c09_a_payment_that_the_node_refuses_is_abandoned_and_its_coins_come_back() -> Result<()> {
    let deployment = Deployment::start()?;
    let owner = funded(&deployment, &[1_000_000])?;
    let payee = deployment.node.miner_address()?.to_string();
    let sent = owner.run(&[
        "send",
        "--to",
        &payee,
        "--amount",
        "300000sat",
        "--fee-rate",
        "1",
        "--yes",
    ])?;
    let first = text(&sent["txid"])?.to_owned();
    let back = owner.run(&["abandon", &first, "--fee-rate", "10", "--yes"])?;
    ensure!(back["payments"] == json!([]), "nobody is paid: {back}");
    let second = Txid::from_str(text(&back["txid"])?)?;
    ensure!(deployment.node.mempool()? == [second]);

    // The node would take the first no more, and neither would a block that holds the second.
    deployment.node.mine(1)?;
    deployment.settle(&owner)?;
    let left = 1_000_000 - number(&back["fee_sat"])?;
    let balance = owner.run(&["balance"])?;
    ensure!(
        number(&balance["confirmed_sat"])? == left && balance["pending_sat"] == json!(0),
        "{balance}"
    );
    ensure!(history(&owner)?.iter().all(|entry| entry["txid"] != json!(first)));
    let gone = owner.refused(&["abandon", &first, "--yes"])?;
    ensure!(gone.code == 2, "{gone:?}");
    Ok(())
}

#[test]
fn frozen_coins_stay_and_named_coins_are_the_ones_that_are_spent() -> Result<()> {
    let deployment = Deployment::start()?;
    let owner = funded(&deployment, &[100_000, 200_000, 400_000])?;
    let payee = deployment.node.miner_address()?.to_string();
    let listed = coins(&owner)?;
    let values: Vec<_> = listed.iter().map(|coin| coin["amount_sat"].clone()).collect();
    ensure!(values == [json!(400_000), json!(200_000), json!(100_000)], "{values:?}");
    let (large, middle) = (text(&listed[0]["outpoint"])?, text(&listed[1]["outpoint"])?);

    owner.run(&["coins", "freeze", large])?;
    ensure!(number(&owner.run(&["balance"])?["spendable_sat"])? == 300_000);
    let refused = owner.refused(&["send", "--to", &payee, "--amount", "350000sat", "--yes"])?;
    ensure!(refused.code == 7 && refused.stdout.contains("frozen"), "{refused:?}");
    let refused = owner.refused(&["send", "--to", &payee, "--max", "--from", large, "--yes"])?;
    ensure!(refused.code == 2 && refused.stdout.contains("unfreeze"), "{refused:?}");

    let sent = owner.run(&[
        "send",
        "--to",
        &payee,
        "--max",
        "--from",
        middle,
        "--fee-rate",
        "2",
        "--yes",
    ])?;
    ensure!(sent["inputs"] == json!(1), "{sent}");
    deployment.node.mine(1)?;
    deployment.settle(&owner)?;
    let left: Vec<_> = coins(&owner)?.iter().map(|coin| coin["amount_sat"].clone()).collect();
    ensure!(left == [json!(400_000), json!(100_000)], "{left:?}");

    owner.run(&["coins", "unfreeze", large])?;
    owner.run(&[
        "send",
        "--to",
        &payee,
        "--amount",
        "350000sat",
        "--fee-rate",
        "2",
        "--yes",
    ])?;
    Ok(())
}

#[test]
fn labels_go_out_and_come_in_to_another_machine() -> Result<()> {
    let deployment = Deployment::start()?;
    let owner = funded(&deployment, &[100_000])?;
    let coin = text(&coins(&owner)?[0]["outpoint"])?.to_owned();
    owner.run(&["label", &coin, "keep for tax"])?;
    owner.run(&["coins", "freeze", &coin])?;
    let received = owner.run(&["receive", "--new", "--label", "from Ana"])?;
    let address = text(&received["address"])?.to_owned();
    ensure!(received["label"] == json!("from Ana"));
    let other = owner.run(&["receive", "--label", "from Ben"])?;
    ensure!(
        other["address"] != json!(address),
        "one address is not handed to two people"
    );

    let file = deployment.folder().join("labels.jsonl");
    let file = file.to_str().context("a path in UTF-8")?;
    let out = owner.run(&["labels", "export", file])?;
    ensure!(out["labels"] == json!(3), "{out}");
    let lines = fs::read_to_string(file)?;
    ensure!(lines.contains(&format!(
        r#"{{"type":"output","ref":"{coin}","label":"keep for tax","spendable":false}}"#
    )));
    ensure!(
        owner.refused(&["labels", "export", file])?.code == 2,
        "nothing is overwritten"
    );

    owner.run(&["label", &coin, ""])?;
    owner.run(&["coins", "unfreeze", &coin])?;
    let taken = owner.run(&["labels", "import", file])?;
    ensure!(
        taken == json!({ "taken": 3, "skipped": 0, "frozen": 1, "unfrozen": 0 }),
        "{taken}"
    );
    let listed = &coins(&owner)?[0];
    ensure!(
        listed["label"] == json!("keep for tax") && listed["frozen"] == json!(true),
        "{listed}"
    );

    // What is paid at a labelled address shows its label.
    let address = Address::from_str(&address)?.require_network(Network::Regtest)?;
    let paid = deployment
        .node
        .rpc()?
        .call::<String>("sendtoaddress", &[json!(address.to_string()), json!(0.001)])?;
    deployment.node.mine(1)?;
    deployment.settle(&owner)?;
    let entries = history(&owner)?;
    let entry = entries
        .iter()
        .find(|entry| entry["txid"] == json!(paid))
        .context("is listed")?;
    ensure!(entry["label"] == json!("from Ana"), "{entry}");

    fs::write(file, "not a label\n")?;
    let refused = owner.refused(&["labels", "import", file])?;
    ensure!(refused.code == 2 && refused.stdout.contains("line 1"), "{refused:?}");
    Ok(())
}

#[test]
fn an_address_is_derived_by_the_server_too() -> Result<()> {
    let deployment = Deployment::start()?;
    let owner = deployment.person("laptop");
    let first = owner.settle(&deployment.invitation)?;
    let received = owner.run(&["receive", "--verify"])?;
    ensure!(received["address"] == json!(first));
    ensure!(
        received["verified"] == json!({ "by": "server", "index": 0, "watched": true }),
        "{received}"
    );
    Ok(())
}

#[test]
fn the_passphrase_is_changed_and_only_the_new_one_opens() -> Result<()> {
    let deployment = Deployment::start()?;
    let owner = deployment.person("laptop");
    owner.run(&["join", &deployment.invitation, "--name", "laptop"])?;
    let mut change = owner.command(&["passphrase", "change"])?;
    let changed = change
        .env("TWOFOLD_NEW_PASSPHRASE", "four other random words")
        .output()?;
    ensure!(changed.status.success(), "{}", String::from_utf8_lossy(&changed.stdout));
    let old = owner.refused(&["wallet", "list"])?;
    ensure!(old.code == 6 && old.stdout.contains("wrong passphrase"), "{old:?}");
    owner.guessing("four other random words").run(&["wallet", "list"])?;
    Ok(())
}

#[test]
fn a_wallet_whose_words_were_never_confirmed_says_so() -> Result<()> {
    let deployment = Deployment::start()?;
    let owner = deployment.person("laptop");
    owner.run(&["join", &deployment.invitation, "--name", "laptop"])?;
    let words = deployment.folder().join("words.txt");
    let words = words.to_str().context("a path in UTF-8")?;
    // Without --yes and without a terminal nobody says that the words are safe.
    owner.refused(&["create", "--name", "savings", "--words-file", words])?;
    ensure!(owner.run(&["wallet", "list"])?["wallets"][0]["words_unconfirmed"] == json!(true));
    owner.run(&["create", "--name", "savings", "--words-file", words, "--yes"])?;
    ensure!(owner.run(&["wallet", "list"])?["wallets"][0]["words_unconfirmed"] == json!(false));
    Ok(())
}

#[test]
fn a_completion_script_for_every_shell_names_the_commands() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let person = Person::new(&folder.path().join("laptop"));
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = person.plain_command(&["completions", shell])?.output()?;
        let text = String::from_utf8(script.stdout)?;
        for command in ["bump-fee", "abandon", "coins", "labels", "receive", "passphrase"] {
            ensure!(script.status.success() && text.contains(command), "{shell}: {command}");
        }
    }
    ensure!(
        !folder.path().join("laptop").exists(),
        "it needs no keystore and makes none"
    );
    let refused = person.plain_command(&["completions", "klingon"])?.output()?;
    ensure!(refused.status.code() == Some(2));
    Ok(())
}
