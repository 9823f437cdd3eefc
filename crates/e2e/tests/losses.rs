//! What a person does after a loss, typed as docs/recover.md has it.

mod away;
mod table;
mod words;

use std::{path::PathBuf, process::Command, thread, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bitcoin::Amount;
use serde_json::Value;
use twofold_e2e::{
    Deployment, Person,
    process::{Leashed, binary},
};

use crate::{
    kills::{end_of, failpoints_in, require_failpoints},
    line::Dice,
};

/// A person whose laptop holds a coin, with words and a server, and the wallet's long name.
struct Owner {
    deployment: Deployment,
    laptop: Person,
    words: PathBuf,
    wallet: String,
}

impl Owner {
    fn new() -> Result<Self> {
        let mut owner = Self::bare()?;
        let words = owner.words.to_str().context("a path in UTF-8")?;
        owner
            .laptop
            .run(&["create", "--name", "savings", "--words-file", words, "--yes"])?;
        owner.funded()?;
        Ok(owner)
    }

    /// A laptop that has joined, and no wallet yet.
    fn bare() -> Result<Self> {
        let deployment = Deployment::start()?;
        let laptop = deployment.person("laptop");
        laptop.run(&["join", &deployment.invitation, "--name", "laptop"])?;
        Ok(Self {
            words: laptop.home().with_extension("words"),
            deployment,
            laptop,
            wallet: String::new(),
        })
    }

    /// The wallet was made: a coin comes in.
    fn funded(&mut self) -> Result<()> {
        let first = self.laptop.run(&["receive"])?;
        let first = first["address"].as_str().context("an address")?;
        self.deployment.pay(&self.laptop, first, Amount::ONE_BTC)?;
        let listed = self.laptop.run(&["wallet", "list"])?;
        listed["wallets"][0]["wallet"]
            .as_str()
            .context("a wallet")?
            .clone_into(&mut self.wallet);
        Ok(())
    }

    fn operator(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(binary("twofold-server")?)
            .args(arguments)
            .arg("--socket")
            .arg(self.deployment.data().join("admin.sock"))
            .output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// An invitation for recovery of this wallet.
    fn invitation(&self, wait: Option<&str>) -> Result<String> {
        let mut arguments = vec!["invite", "--json", "--recover", &self.wallet];
        arguments.extend(wait.into_iter().flat_map(|wait| ["--wait", wait]));
        let answer: Value = serde_json::from_str(&self.operator(&arguments)?)?;
        Ok(answer["invitation"].as_str().context("an invitation")?.to_owned())
    }

    fn recover<'a>(&'a self, invitation: Option<&'a str>) -> Result<Vec<&'a str>> {
        let words = self.words.to_str().context("a path in UTF-8")?;
        let mut arguments = vec!["recover"];
        arguments.extend(invitation);
        arguments.extend(["--wallet", &self.wallet, "--words-file", words, "--yes"]);
        Ok(arguments)
    }

    /// The new machine has the wallet: its coin, and a payment that the server signs with it; the lost one has nothing.
    fn lives_on(&self, new: &Person) -> Result<()> {
        self.deployment.settle(new)?;
        let balance = new.run(&["balance"])?;
        ensure!(balance["confirmed_sat"] == 100_000_000, "{balance}");
        let payee = self.deployment.node.miner_address()?.to_string();
        let sent = new.send(&payee, "0.25btc", "3")?;
        ensure!(self.deployment.node.mempool()?.len() == 1, "{sent}");
        ensure!(new.run(&["audit", "verify"])?["verified"] == true);
        let payment = ["send", "--to", &payee, "--amount", "0.1btc", "--fee-rate", "3", "--yes"];
        let refused = self.laptop.refused(&payment)?;
        ensure!(refused.stdout.contains("DEVICE_NOT_LISTED"), "{}", refused.stdout);
        Ok(())
    }
}

#[test]
fn lost_the_device_its_place_is_taken_by_words_and_server_and_it_is_struck_off() -> Result<()> {
    let owner = Owner::new()?;
    let new = owner.deployment.person("new");
    let invitation = owner.invitation(Some("0s"))?;
    let done = new.run(&owner.recover(Some(&invitation))?)?;
    ensure!(done["recovered"] == true, "{done}");
    ensure!(done["revoked"].as_array().map(Vec::len) == Some(1), "{done}");
    owner.lives_on(&new)?;
    // Run again it changes nothing.
    let again = new.run(&owner.recover(None)?)?;
    ensure!(again["revoked"].as_array().map(Vec::len) == Some(0), "{again}");
    Ok(())
}

#[test]
fn a_machine_that_took_a_lost_one_s_place_may_be_lost_too_and_the_next_sweeps_without_the_server() -> Result<()> {
    let mut owner = Owner::new()?;
    let (lost, new) = (owner.deployment.person("lost"), owner.deployment.person("new"));
    for person in [&lost, &new] {
        let invitation = owner.invitation(Some("0s"))?;
        let done = person.run(&owner.recover(Some(&invitation))?)?;
        ensure!(done["recovered"] == true, "{done}");
    }
    owner.lives_on(&new)?;
    let refused = lost.refused(&["balance"])?;
    ensure!(refused.stdout.contains("DEVICE_NOT_LISTED"), "{}", refused.stdout);
    owner.deployment.node.mine(1)?;
    owner.deployment.settle(&new)?;
    owner.deployment.kill()?;
    std::fs::remove_dir_all(owner.deployment.data())?;

    let payee = owner.deployment.node.miner_address()?.to_string();
    let (url, cookie) = (owner.deployment.node.url(), owner.deployment.node.cookie_file());
    let text = |path: &std::path::Path| path.to_str().map(str::to_owned).context("a path in UTF-8");
    let (cookie, words) = (text(&cookie)?, text(&owner.words)?);
    let sweep = [
        "recovery",
        "sweep",
        "--to",
        &payee,
        "--node",
        &url,
        "--node-auth",
        &cookie,
        "--fee-rate",
        "3",
    ];
    let sweep = [&sweep[..], &["--words-file", &words, "--yes"]].concat();
    let moved = new.run(&sweep)?;
    ensure!(moved["transactions"][0]["sent"] == true, "{moved}");
    ensure!(owner.deployment.node.mempool()?.len() == 1, "{moved}");
    Ok(())
}

#[test]
fn a20_a_recovery_waits_with_the_wallet_frozen_and_the_device_that_is_there_is_told_and_objects() -> Result<()> {
    let owner = Owner::new()?;
    let thief = owner.deployment.person("thief");
    let invitation = owner.invitation(None)?;
    let asked = thief.run(&owner.recover(Some(&invitation))?)?;
    ensure!(asked["recovered"] == false && asked["objected"] == false, "{asked}");
    let again = thief.run(&owner.recover(None)?)?;
    ensure!(again["due"] == asked["due"], "asking again: {again}");

    let payee = owner.deployment.node.miner_address()?.to_string();
    let payment = ["send", "--to", &payee, "--amount", "0.1btc", "--fee-rate", "3", "--yes"];
    let frozen = owner.laptop.refused(&payment)?;
    ensure!(frozen.stdout.contains("WALLET_FROZEN"), "{}", frozen.stdout);
    let told = owner.laptop.run(&["pending"])?;
    ensure!(told["waiting"][0]["what"] == "recover", "{told}");
    let change = told["waiting"][0]["change"].to_string();
    owner.laptop.run(&["pending", "cancel", &change])?;
    let objected = thief.run(&owner.recover(None)?)?;
    ensure!(
        objected["recovered"] == false && objected["objected"] == true,
        "{objected}"
    );

    owner.operator(&["refuse", &owner.wallet, &change])?;
    let sent = owner.laptop.run(&payment)?;
    ensure!(owner.deployment.node.mempool()?.len() == 1, "{sent}");
    Ok(())
}

#[test]
fn a28_words_with_an_invitation_that_is_not_for_that_wallet_are_refused_and_so_are_other_words() -> Result<()> {
    let mut owner = Owner::new()?;
    let stranger = owner.deployment.person("stranger");
    let refused = stranger.refused(&owner.recover(Some(&owner.deployment.invite()?))?)?;
    ensure!(
        refused.code == 3 && refused.stdout.contains("WALLET_NOT_FOUND"),
        "{}",
        refused.stdout
    );

    // Another wallet's words with this wallet's invitation.
    let neighbour = owner.deployment.person("neighbour");
    neighbour.settle(&owner.deployment.invite()?)?;
    let new = owner.deployment.person("new");
    let invitation = owner.invitation(Some("0s"))?;
    owner.words = neighbour.home().with_extension("words");
    let refused = new.refused(&owner.recover(Some(&invitation))?)?;
    ensure!(
        refused.code == 3 && refused.stdout.contains("NOT_RECOVERY"),
        "{}",
        refused.stdout
    );
    // The invitation is still good for the right ones.
    owner.words = owner.laptop.home().with_extension("words");
    ensure!(new.run(&owner.recover(Some(&invitation))?)?["recovered"] == true);
    Ok(())
}

#[test]
fn p21_kill_9_of_the_server_at_each_step_of_a_recovery_leaves_one_that_goes_on() -> Result<()> {
    require_failpoints()?;
    let mut places = failpoints_in("crates/cosigner/src/rpc/ask_recovery.rs")?;
    places.extend(failpoints_in("crates/cosigner/src/rpc/recover.rs")?);
    ensure!(places.len() == 5, "{places:?}");
    let mut owner = Owner::new()?;
    let new = owner.deployment.person("new");
    let invitation = owner.invitation(Some("0s"))?;
    for place in &places {
        owner.deployment.kill()?;
        owner.deployment.set_environment(&[("TWOFOLD_KILL_AT", place)]);
        owner.deployment.resume()?;
        let arguments = owner.recover(Some(&invitation))?;
        let mut child = Leashed::spawn(&mut new.command(&arguments)?)?;
        // It dies there if this run comes by; a run that has done it already does not.
        let place_passed = end_of(owner.deployment.server()?).with_context(|| place.clone())?;
        ensure!(place_passed.is_some(), "{place} was not reached");
        child.kill()?;
    }
    owner.deployment.set_environment(&[]);
    owner.deployment.resume()?;
    let done = new.run(&owner.recover(Some(&invitation))?)?;
    ensure!(done["recovered"] == true, "{done}");
    owner.deployment.settle(&new)?;
    owner.lives_on(&new)
}

#[test]
fn p21_kill_9_of_the_new_machine_at_any_moment_of_a_recovery_and_a_run_more_brings_the_wallet() -> Result<()> {
    let owner = Owner::new()?;
    let new = owner.deployment.person("new");
    let invitation = owner.invitation(Some("0s"))?;
    let arguments = owner.recover(Some(&invitation))?;
    let mut dice = Dice(0xa28);
    for run in 0..6 {
        let mut child = Leashed::spawn(&mut new.command(&arguments)?)?;
        thread::sleep(Duration::from_millis(100 * run + dice.below(200)));
        child.kill()?;
    }
    let done = new.run(&arguments)?;
    ensure!(done["recovered"] == true, "{done}");
    owner.lives_on(&new)
}
