//! The server is lost and comes back from its backup.

use std::{fs, str::FromStr as _};

use anyhow::{Context as _, Result, ensure};
use bitcoin::{Address, Amount, Network};
use serde_json::Value;
use twofold_e2e::{Deployment, Person};

fn pay(deployment: &Deployment, owner: &Person, amount: &str) -> Result<Value> {
    let payee = deployment.node.miner_address()?.to_string();
    let sent = owner.run(&["send", "--to", &payee, "--amount", amount, "--fee-rate", "2", "--yes"])?;
    deployment.node.mine(1)?;
    deployment.settle(owner)?;
    Ok(sent)
}

/// The operator's key for backups, and a backup of the running server.
pub(crate) fn back_up(deployment: &Deployment) -> Result<()> {
    back_up_of(deployment, 1)
}

/// The same of a server with so many wallets.
pub(crate) fn back_up_of(deployment: &Deployment, wallets: usize) -> Result<()> {
    let place = |name: &str| deployment.folder().join(name).to_string_lossy().into_owned();
    let made = deployment.operator(&["backup-key", "--json", "--out", &place("backup.key")])?;
    let recipient = made["recipient"].as_str().context("a recipient")?.to_owned();
    let socket = deployment.data().join("admin.sock").to_string_lossy().into_owned();
    let backup = [
        "backup",
        "--json",
        "--out",
        &place("monday.age"),
        "--recipient",
        &recipient,
    ];
    let made = deployment.operator(&[&backup[..], &["--socket", &socket]].concat())?;
    ensure!(made["wallets"] == wallets, "{made}");
    Ok(())
}

/// Restores that backup into the server's folder.
pub(crate) fn restore(deployment: &Deployment) -> Result<Value> {
    let place = |name: &str| deployment.folder().join(name).to_string_lossy().into_owned();
    let data = deployment.data().to_string_lossy().into_owned();
    let (from, key) = (place("monday.age"), place("backup.key"));
    deployment.operator(&[
        "restore",
        "--json",
        "--from",
        &from,
        "--identity",
        &key,
        "--data",
        &data,
    ])
}

#[test]
fn f07_s14_lost_the_server_with_a_backup_it_signs_again_once_that_was_restored() -> Result<()> {
    let mut deployment = Deployment::start()?;
    let owner = deployment.funded()?;
    back_up(&deployment)?;
    // The backup does not know of this one.
    pay(&deployment, &owner, "0.1btc")?;

    let refused = restore(&deployment).err().context("restored over a running server")?;
    ensure!(refused.to_string().contains("empty place"), "{refused}");
    deployment.kill()?;
    let refused = restore(&deployment).err().context("restored over a database")?;
    ensure!(refused.to_string().contains("not empty"), "{refused}");
    fs::remove_dir_all(deployment.data().join("data"))?;
    ensure!(restore(&deployment)?["anchor"] == true);
    deployment.resume()?;

    // The anchor knows of no refresh since: the wallet goes on by itself, with its chain read anew.
    deployment.settle(&owner)?;
    pay(&deployment, &owner, "0.2btc")?;
    let balance = owner.run(&["balance"])?;
    let left = balance["confirmed_sat"].as_u64().context("a balance")?;
    ensure!((69_990_000..70_000_000).contains(&left), "{balance}");
    let log = owner.run(&["audit", "verify"])?;
    ensure!(
        log["verified"] == true && log.to_string().contains("\"lifted\""),
        "{log}"
    );
    // And once more from the same backup: the generation that was lifted before is lost, too, and not begun again.
    deployment.kill()?;
    fs::remove_dir_all(deployment.data().join("data"))?;
    restore(&deployment)?;
    deployment.resume()?;
    deployment.settle(&owner)?;
    pay(&deployment, &owner, "0.1btc")?;
    ensure!(owner.run(&["audit", "verify"])?["verified"] == true);
    Ok(())
}

#[test]
fn f07_s14_after_a_restore_a_device_hears_of_every_payment_though_it_heard_of_more_before() -> Result<()> {
    let mut deployment = Deployment::start()?;
    let owner = deployment.person("laptop");
    let address = owner.settle(&deployment.invitation)?;
    let address = Address::from_str(&address)?.require_network(Network::Regtest)?;
    back_up(&deployment)?;
    // Each is a change of its own as it waits and as it is mined: so the restored server, which reads the blocks alone, is
    // behind this device's count.
    let balance = |wanted: &str, of: u64| -> Result<()> {
        for _ in 0..200 {
            if owner.run(&["balance"])?[wanted] == of {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        anyhow::bail!("{wanted} never came to {of}: {}", owner.run(&["balance"])?)
    };
    for number in 1..=3_u64 {
        deployment.node.fund(&address, Amount::from_sat(1_000_000))?;
        balance("pending_sat", 1_000_000)?;
        deployment.node.mine(1)?;
        balance("confirmed_sat", number * 1_000_000)?;
    }
    deployment.kill()?;
    fs::remove_dir_all(deployment.data().join("data"))?;
    restore(&deployment)?;
    deployment.resume()?;
    deployment.settle(&owner)?;
    for number in 4..=6_u64 {
        deployment.node.fund(&address, Amount::from_sat(1_000_000))?;
        deployment.node.mine(1)?;
        balance("confirmed_sat", number * 1_000_000)?;
    }
    Ok(())
}

#[test]
fn s09_s14_without_its_anchor_a_restored_server_signs_once_operator_and_owner_say_so() -> Result<()> {
    let mut deployment = Deployment::start()?;
    let owner = deployment.funded()?;
    back_up(&deployment)?;
    pay(&deployment, &owner, "0.1btc")?;
    deployment.kill()?;
    fs::remove_dir_all(deployment.data().join("data"))?;
    fs::remove_file(deployment.data().join("anchor"))?;
    ensure!(restore(&deployment)?["anchor"] == false);
    ensure!(deployment.resume().is_err(), "it started without its anchor");
    deployment.resume_with(&["--new-anchor"])?;

    // Reading works; signing does not, for the operator alone neither.
    deployment.settle(&owner)?;
    let payee = deployment.node.miner_address()?.to_string();
    let send = ["send", "--to", &payee, "--amount", "0.1btc", "--fee-rate", "2", "--yes"];
    owner.refused(&send)?;
    let socket = deployment.data().join("admin.sock").to_string_lossy().into_owned();
    let fence = deployment.operator(&["fence", "list", "--json", "--socket", &socket])?;
    ensure!(
        fence["why"].as_str().is_some_and(|why| why.contains("operator")),
        "{fence}"
    );
    let why = "the disk died";
    let decided = deployment.operator(&["fence", "lift", "--all", "--json", "--reason", why, "--socket", &socket])?;
    ensure!(decided["lifted"] == false, "{decided}");
    owner.refused(&send)?;
    ensure!(owner.run(&["wallet", "lift-fence", "--yes"])?["lifted"] == true);
    pay(&deployment, &owner, "0.2btc")?;
    let log = owner.run(&["audit", "verify"])?;
    ensure!(
        log["verified"] == true && log.to_string().contains("\"lifted\""),
        "{log}"
    );
    Ok(())
}

#[test]
fn s14_the_recovery_words_lift_a_fence_without_the_operator() -> Result<()> {
    let mut deployment = Deployment::start()?;
    let owner = deployment.funded()?;
    back_up(&deployment)?;
    deployment.kill()?;
    fs::remove_dir_all(deployment.data().join("data"))?;
    fs::remove_file(deployment.data().join("anchor"))?;
    restore(&deployment)?;
    deployment.resume_with(&["--new-anchor"])?;
    let words = owner.home().with_extension("words");
    let words = words.to_str().context("a path in UTF-8")?;
    let lifted = owner.run(&["wallet", "lift-fence", "--words-file", words, "--yes"])?;
    ensure!(lifted["lifted"] == true, "{lifted}");
    pay(&deployment, &owner, "0.2btc")?;
    Ok(())
}

#[test]
fn s21_s23_restored_from_before_a_refresh_the_device_brings_the_server_back_to_it() -> Result<()> {
    let mut deployment = Deployment::start()?;
    let owner = deployment.funded()?;
    back_up(&deployment)?;
    let (socket, key) = (
        deployment.data().join("admin.sock"),
        deployment.folder().join("backup.key"),
    );
    let (socket, key) = (socket.to_string_lossy(), key.to_string_lossy());
    // The server learns the key's public half: from here on a refresh has the device keep what that opens.
    let public = fs::read_to_string(&*key)?;
    let public = public.lines().find_map(|line| line.strip_prefix("# public key: "));
    deployment.kill()?;
    deployment.set_environment(&[("TWOFOLD__BACKUP__RECIPIENT", public.context("a recipient")?)]);
    deployment.resume()?;
    ensure!(owner.run(&["refresh"])?["epoch"] == 2);
    pay(&deployment, &owner, "0.1btc")?;
    deployment.kill()?;
    fs::remove_dir_all(deployment.data().join("data"))?;
    ensure!(restore(&deployment)?["anchor"] == true);
    deployment.resume()?;

    let payee = deployment.node.miner_address()?.to_string();
    let send = ["send", "--to", &payee, "--amount", "0.1btc", "--fee-rate", "2", "--yes"];
    let fences = ["fence", "list", "--json", "--socket", &socket];
    let fence = deployment.operator(&fences)?;
    ensure!(
        fence["why"].to_string().contains("the anchor heard of epoch 2"),
        "{fence}"
    );
    let wallet = fence["wallet"].as_str().context("a wallet")?.to_owned();
    // One contact, and the server has its log and its epoch again. Its share nothing on that machine opens.
    deployment.settle(&owner)?;
    owner.refused(&send)?;
    let fence = deployment.operator(&fences)?;
    ensure!(fence["why"].to_string().contains("fence adopt"), "{fence}");
    let why = "the disk died";
    let lift = [
        "fence", "lift", "--wallet", &wallet, "--reason", why, "--json", "--socket", &socket,
    ];
    ensure!(
        deployment.operator(&lift).is_err(),
        "lifted without a share to sign with"
    );

    let adopted = deployment.operator(&["fence", "adopt", "--json", "--identity", &key, "--socket", &socket])?;
    ensure!(adopted["adopted"] == true, "{adopted}");
    owner.refused(&send)?;
    deployment.operator(&lift)?;
    ensure!(owner.run(&["wallet", "lift-fence", "--yes"])?["lifted"] == true);
    pay(&deployment, &owner, "0.2btc")?;
    let drilled = deployment.operator(&["drill", "--json", "--socket", &socket])?;
    ensure!(drilled["proved"] == 1, "{drilled}");
    let log = owner.run(&["audit", "verify"])?;
    ensure!(
        log["verified"] == true && log.to_string().contains("\"refreshed\""),
        "{log}"
    );
    Ok(())
}

#[test]
fn s21_words_and_device_repair_a_server_from_before_a_refresh_that_kept_its_share_nowhere() -> Result<()> {
    let mut deployment = Deployment::start()?;
    let owner = deployment.funded()?;
    // This server has no offline key in its configuration: nobody keeps its shares for it.
    back_up(&deployment)?;
    owner.run(&["refresh"])?;
    deployment.kill()?;
    fs::remove_dir_all(deployment.data().join("data"))?;
    restore(&deployment)?;
    deployment.resume()?;
    let words = owner.home().with_extension("words");
    let words = words.to_str().context("a path in UTF-8")?;
    let lift = ["wallet", "lift-fence", "--words-file", words, "--yes"];
    owner.refused(&lift)?;
    let repaired = owner.run(&["recovery", "repair-server", "--words-file", words, "--yes"])?;
    ensure!(repaired["repaired"] == true && repaired["epoch"] == 2, "{repaired}");
    ensure!(owner.run(&lift)?["lifted"] == true);
    deployment.settle(&owner)?;
    pay(&deployment, &owner, "0.2btc")?;
    let refreshed = owner.run(&["refresh"])?;
    ensure!(refreshed["epoch"] == 3, "{refreshed}");
    Ok(())
}
