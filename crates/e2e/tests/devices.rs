//! Two machines with one wallet, on real processes.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdout, Stdio};
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
    ensure!(text(&revoked["offer"])?.starts_with("twofold wallet move"), "{revoked}");
    let refused = phone.refused(&["balance"])?;
    ensure!(refused.stdout.contains("DEVICE_NOT_LISTED"), "{}", refused.stdout);
    let refused = phone.refused(&["freeze"])?;
    ensure!(refused.stdout.contains("DEVICE_NOT_LISTED"), "{}", refused.stdout);
    pays(&laptop, &payee)?;
    laptop.run(&["audit", "verify"])?;
    Ok(())
}

/// A command that asks while it runs.
struct Talk {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Talk {
    fn start(person: &Person, arguments: &[&str]) -> Result<Self> {
        let mut command = person.command(arguments)?;
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let lines = BufReader::new(child.stdout.take().context("a pipe")?).lines();
        Ok(Self { child, lines })
    }

    /// The next object that it answers.
    fn hears(&mut self) -> Result<Value> {
        Ok(serde_json::from_str(&self.lines.next().context("a line")??)?)
    }

    fn says(&mut self, text: &str) -> Result<()> {
        let mut stdin = self.child.stdin.take().context("a pipe")?;
        Ok(writeln!(stdin, "{text}")?)
    }

    fn ends(mut self, code: i32) -> Result<()> {
        let status = self.child.wait()?;
        ensure!(status.code() == Some(code), "it ended with {status}");
        Ok(())
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // It has ended already where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_machine_is_added_by_six_digits_and_not_where_a_person_says_no() -> Result<()> {
    let deployment = Deployment::start()?;
    let (laptop, phone) = (deployment.person("laptop"), deployment.person("phone"));
    laptop.settle(&deployment.invitation)?;
    let words = laptop.home().with_extension("words");
    let words = words.to_str().context("a path in UTF-8")?;
    for (answer, code) in [("no", 3), ("yes", 0)] {
        let mut here = Talk::start(&laptop, &["device", "add", "--code", "--words-file", words])?;
        let shown = here.hears()?;
        let introduction = text(&shown["introduction"])?;
        // A machine that joined before keeps its name and only meets.
        let mut there = Talk::start(&phone, &["join", "--code", introduction, "--name", "phone"])?;
        let (one, other) = (here.hears()?, there.hears()?);
        ensure!(one["compare"] == other["compare"], "{one} {other}");
        ensure!(text(&one["compare"])?.len() == 7, "{one}");
        there.says(answer)?;
        here.says(answer)?;
        if code == 0 {
            ensure!(text(&there.hears()?["card"])?.starts_with("twofoldkey1"));
            ensure!(here.hears()?["done"] == true);
        }
        there.ends(code)?;
        here.ends(code)?;
        if code != 0 {
            let waits = phone.refused(&["join", "--finish"])?;
            ensure!(waits.code == 2, "{}", waits.stdout);
        }
    }
    let arrived = phone.run(&["join", "--finish"])?;
    ensure!(arrived["wallets"][0]["name"] == "savings", "{arrived}");
    let listed = laptop.run(&["device", "list"])?;
    ensure!(listed["devices"].as_array().context("a list")?.len() == 2, "{listed}");
    Ok(())
}

/// What a wallet holds, once the server has read as far as the node.
fn holds(deployment: &Deployment, person: &Person, wallet: &str) -> Result<Value> {
    let wanted = deployment.node.height()?;
    for _ in 0..200 {
        let told = person.run(&["balance", "--wallet", wallet])?;
        if told["height"].as_u64() >= Some(wanted) && told["scanning_height"].is_null() {
            return Ok(told);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    anyhow::bail!("the server did not reach block {wanted}")
}

fn move_to<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let all = ["wallet", "move", "anew", "--wallet", "savings", "--fee-rate", "2"];
    [&all[..], more].concat()
}

#[test]
fn everything_goes_to_a_new_wallet_frozen_coins_too() -> Result<()> {
    let deployment = Deployment::start()?;
    let laptop = deployment.person("laptop");
    let address = laptop.settle(&deployment.invitation)?;
    let address = Address::from_str(&address)?.require_network(Network::Regtest)?;
    for _ in 0..2 {
        deployment.node.fund(&address, Amount::ONE_BTC)?;
    }
    deployment.node.mine(1)?;
    deployment.settle(&laptop)?;
    let coins = laptop.run(&["coins"])?;
    laptop.run(&["coins", "freeze", text(&coins["coins"][0]["outpoint"])?])?;
    let told = laptop.run(&move_to(&["--dry-run"]))?;
    ensure!(
        told["dry_run"] == true && told["sent"] == serde_json::json!([]),
        "{told}"
    );
    ensure!(told["coins"] == 2 && told["amount_sat"] == 200_000_000, "{told}");
    let unsafe_words = laptop.refused(&move_to(&["--yes"]))?;
    ensure!(unsafe_words.stdout.contains("--words-file"), "{}", unsafe_words.stdout);

    let words = laptop.home().with_extension("anew");
    let words = words.to_str().context("a path in UTF-8")?;
    let moved = laptop.run(&move_to(&["--words-file", words, "--yes"]))?;
    deployment.node.mine(1)?;
    let new = holds(&deployment, &laptop, "anew")?;
    let fee = moved["fee_sat"].as_u64().context("a fee")?;
    ensure!(new["confirmed_sat"] == 200_000_000 - fee, "{moved} {new}");
    let old = holds(&deployment, &laptop, "savings")?;
    ensure!(old["confirmed_sat"] == 0, "{old}");
    let labels = laptop.run(&["history", "--wallet", "savings"])?.to_string();
    ensure!(labels.contains("moved to anew"), "{labels}");
    // Once more, with nothing left; and what came late follows to the same wallet.
    let nothing = laptop.refused(&move_to(&["--yes"]))?;
    ensure!(nothing.code == 2, "{}", nothing.stdout);
    deployment.node.fund(&address, Amount::ONE_BTC)?;
    deployment.node.mine(1)?;
    holds(&deployment, &laptop, "savings")?;
    let late = laptop.run(&move_to(&["--yes"]))?;
    ensure!(late["to"] == moved["to"] && late["amount_sat"] == 100_000_000, "{late}");
    Ok(())
}
