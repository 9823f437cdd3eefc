//! A person whose machine loses power while a wallet is made, again and again.

use std::{str::FromStr as _, thread, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bitcoin::{Address, Amount, Network};
use twofold_e2e::{Deployment, Person, process::Leashed};
use twofold_threshold::words::RecoveryWords;

use crate::line::Dice;

const SEED: u64 = 0xf24;
/// Kills before the command may run to its end.
const KILLS: usize = 8;
/// About as long as the command takes, in milliseconds.
const LONG: u64 = 500;

/// Runs `create`, killed after a while by chance, until it was killed often enough; then to its end.
fn create(owner: &Person, words: &str, dice: &mut Dice) -> Result<usize> {
    let arguments = ["create", "--name", "savings", "--words-file", words, "--yes"];
    let mut killed = 0;
    for run in 0..KILLS {
        let mut child = Leashed::spawn(&mut owner.command(&arguments)?)?;
        // Once for sure: no machine opens a keystore within this time and makes a wallet, too.
        let within = if run == 0 { LONG / 5 } else { LONG };
        thread::sleep(Duration::from_millis(dice.below(within)));
        if let Some(status) = child.child().try_wait()? {
            // It was done, or says that it is: a wallet with this name is there.
            let listed = owner.run(&["wallet", "list"])?;
            ensure!(
                listed["wallets"].as_array().map(Vec::len) == Some(1),
                "{status}: {listed}"
            );
            return Ok(killed);
        }
        child.kill()?;
        killed += 1;
    }
    match owner.try_run(&arguments)? {
        Ok(_) => Ok(killed),
        Err(refused) => {
            ensure!(
                refused.stdout.contains("savings on this machine already"),
                "{}",
                refused.stdout
            );
            Ok(killed)
        }
    }
}

#[test]
fn f24_create_killed_at_any_moment_and_run_again_gives_one_wallet_and_its_words() -> Result<()> {
    let deployment = Deployment::start()?;
    let mut dice = Dice(SEED);
    let mut killed = 0;
    for round in 0..4 {
        let owner = deployment.person(&format!("laptop-{round}"));
        owner.run(&["join", &deployment.invite()?, "--name", "laptop"])?;
        let words = deployment.folder().join(format!("{round}.words"));
        let words = words.to_str().context("a path in UTF-8")?;
        killed += create(&owner, words, &mut dice).with_context(|| format!("seed {SEED}, round {round}"))?;

        let listed = owner.run(&["wallet", "list"])?;
        ensure!(listed["wallets"].as_array().map(Vec::len) == Some(1), "{listed}");
        // The words carry a checksum of their own.
        RecoveryWords::parse(std::fs::read_to_string(words)?.trim()).context("the words in the file")?;
        let address = owner.run(&["receive"])?;
        let address = Address::from_str(address["address"].as_str().context("an address")?)?;
        deployment
            .node
            .fund(&address.require_network(Network::Regtest)?, Amount::ONE_BTC)?;
        deployment.node.mine(1)?;
        deployment.settle(&owner)?;
        let payee = deployment.node.miner_address()?.to_string();
        owner.run(&["send", "--to", &payee, "--amount", "0.1btc", "--fee-rate", "2", "--yes"])?;
        ensure!(owner.run(&["audit", "verify"])?["verified"] == true, "round {round}");
    }
    ensure!(killed >= 4, "only {killed} kills came in time");
    Ok(())
}
