//! The table of docs/recover.md, a test for each row. The test has in its name what the row says is lost, after the rows
//! of the attack suite that it stands for.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use twofold_e2e::Person;

use super::Owner;
use crate::{
    backups::{back_up, restore},
    recovery::{answered, elsewhere},
};

pub(super) fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path in UTF-8")
}

/// Somebody lost a machine, with all that was on it.
fn lose(person: &Person) -> Result<()> {
    Ok(fs::remove_dir_all(person.home())?)
}

/// The operator's backup is gone, and the key that opens it.
fn lose_the_backup(owner: &Owner) -> Result<()> {
    for name in ["monday.age", "backup.key"] {
        fs::remove_file(owner.deployment.folder().join(name))?;
    }
    Ok(())
}

impl Owner {
    /// Writes the recovery package where the owner keeps it, and says where.
    pub(super) fn export(&self, from: &Person, name: &str) -> Result<String> {
        let out = self.deployment.folder().join(name);
        let out = text(&out)?.to_owned();
        from.run(&["recovery", "export", "--out", &out])?;
        Ok(out)
    }

    /// Words and package fit, and are this wallet's.
    pub(super) fn fits(&self, package: &str) -> Result<()> {
        let words = text(&self.words)?;
        let checked = answered(&elsewhere(&[
            "recovery",
            "check",
            "--package",
            package,
            "--words-file",
            words,
        ])?)?;
        ensure!(
            checked["proved"] == true && checked["wallet"] == self.wallet,
            "{checked}"
        );
        Ok(())
    }

    /// This machine makes another wallet and sends everything there.
    fn moves_out(&self, from: &Person) -> Result<()> {
        let words = self.deployment.folder().join("new.words");
        from.run(&["create", "--name", "new", "--words-file", text(&words)?, "--yes"])?;
        let to = from.run(&["receive", "--wallet", "new"])?;
        let to = to["address"].as_str().context("an address")?;
        let send = [
            "send",
            "--wallet",
            "savings",
            "--max",
            "--to",
            to,
            "--fee-rate",
            "2",
            "--yes",
        ];
        from.run(&send)?;
        self.deployment.node.mine(1)?;
        let height = self.deployment.node.height()?;
        for _ in 0..200 {
            let here = from.run(&["balance", "--wallet", "new"])?;
            if here["height"].as_u64() >= Some(height) && here["scanning_height"].is_null() {
                let moved = here["confirmed_sat"].as_u64().context("a sum")?;
                ensure!((99_990_000..100_000_000).contains(&moved), "{here}");
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        anyhow::bail!("the server did not reach block {height}")
    }

    /// A new machine takes the lost one's place with this invitation and has the coin.
    pub(super) fn comes_back(&self, invitation: &str) -> Result<Person> {
        let new = self.deployment.person("new");
        let done = new.run(&self.recover(Some(invitation))?)?;
        ensure!(done["recovered"] == true, "{done}");
        self.deployment.settle(&new)?;
        let balance = new.run(&["balance"])?;
        ensure!(balance["confirmed_sat"] == 100_000_000, "{balance}");
        Ok(new)
    }

    /// The server's machine burned down with everything on it.
    fn lose_the_server(&mut self) -> Result<()> {
        self.deployment.kill()?;
        Ok(fs::remove_dir_all(self.deployment.data().join("data"))?)
    }

    /// Words and this machine send everything away without a server.
    fn sweeps(&self, from: &Person) -> Result<()> {
        let to = self.deployment.node.miner_address()?.to_string();
        let out = self.deployment.folder().join("sweep.hex");
        let (out, words) = (text(&out)?, text(&self.words)?);
        let sweep = ["recovery", "sweep", "--to", &to, "--fee-rate", "2", "--out", out];
        from.run(&[&sweep[..], &["--words-file", words, "--yes"]].concat())?;
        for line in fs::read_to_string(out)?.lines() {
            let signed = bitcoin::consensus::encode::deserialize_hex(line)?;
            self.deployment.node.broadcast(&signed)?;
        }
        ensure!(self.deployment.node.mempool()?.len() == 1);
        Ok(())
    }
}

#[test]
fn lost_the_words_device_and_server_send_everything_to_a_new_wallet() -> Result<()> {
    let owner = Owner::new()?;
    fs::remove_file(&owner.words)?;
    owner.moves_out(&owner.laptop)
}

#[test]
fn lost_the_package_the_device_and_a_machine_that_took_its_place_write_it_again() -> Result<()> {
    let owner = Owner::new()?;
    let package = owner.export(&owner.laptop, "package")?;
    let first = fs::read(&package)?;
    fs::remove_file(&package)?;
    owner.export(&owner.laptop, "package")?;
    ensure!(fs::read(&package)? == first, "it is the same");
    owner.fits(&package)
}

#[test]
fn lost_the_invitation_the_operator_mints_another_and_the_lost_one_is_nothing_without_the_words() -> Result<()> {
    let mut owner = Owner::new()?;
    let (lost, found) = (owner.invitation(Some("0s"))?, owner.invitation(Some("0s"))?);
    owner.comes_back(&found)?;
    // Whoever finds the lost one has words of their own at most.
    let stranger = owner.deployment.person("stranger");
    owner.words = owner.deployment.folder().join("strange.words");
    let neighbour = owner.deployment.person("strange");
    neighbour.settle(&owner.deployment.invite()?)?;
    let refused = stranger.refused(&owner.recover(Some(&lost))?)?;
    ensure!(refused.stdout.contains("NOT_RECOVERY"), "{}", refused.stdout);
    Ok(())
}

#[test]
fn lost_device_and_invitation_words_and_server_bring_the_wallet_with_another() -> Result<()> {
    let owner = Owner::new()?;
    drop(owner.invitation(Some("0s"))?);
    lose(&owner.laptop)?;
    owner.comes_back(&owner.invitation(Some("0s"))?)?;
    Ok(())
}

#[test]
fn lost_device_and_package_the_server_has_a_copy_that_the_new_machine_writes() -> Result<()> {
    let owner = Owner::new()?;
    fs::remove_file(owner.export(&owner.laptop, "package")?)?;
    lose(&owner.laptop)?;
    let new = owner.comes_back(&owner.invitation(Some("0s"))?)?;
    owner.fits(&owner.export(&new, "package")?)
}

#[test]
fn lost_server_and_package_the_device_has_a_copy_and_sweeps_with_the_words() -> Result<()> {
    let mut owner = Owner::new()?;
    fs::remove_file(owner.export(&owner.laptop, "package")?)?;
    owner.lose_the_server()?;
    owner.fits(&owner.export(&owner.laptop, "package")?)?;
    owner.sweeps(&owner.laptop)
}

#[test]
fn lost_words_and_package_or_words_and_invitation_device_and_server_send_everything_to_a_new_wallet() -> Result<()> {
    let owner = Owner::new()?;
    fs::remove_file(owner.export(&owner.laptop, "package")?)?;
    drop(owner.invitation(None)?);
    fs::remove_file(&owner.words)?;
    owner.moves_out(&owner.laptop)
}

#[test]
fn lost_the_backup_or_server_and_backup_or_server_and_invitation_the_device_goes_on_or_sweeps_with_the_words()
-> Result<()> {
    let mut owner = Owner::new()?;
    drop(owner.invitation(None)?);
    back_up(&owner.deployment)?;
    lose_the_backup(&owner)?;
    // Nobody who pays needs it, and the operator makes another.
    let payee = owner.deployment.node.miner_address()?.to_string();
    owner.laptop.run(&[
        "send",
        "--to",
        &payee,
        "--amount",
        "0.1btc",
        "--fee-rate",
        "2",
        "--dry-run",
    ])?;
    back_up(&owner.deployment)?;
    lose_the_backup(&owner)?;
    owner.lose_the_server()?;
    owner.sweeps(&owner.laptop)
}

#[test]
fn lost_device_and_backup_or_words_and_backup_the_server_and_who_is_left_have_everything() -> Result<()> {
    let owner = Owner::new()?;
    back_up(&owner.deployment)?;
    lose_the_backup(&owner)?;
    lose(&owner.laptop)?;
    let new = owner.comes_back(&owner.invitation(Some("0s"))?)?;
    fs::remove_file(&owner.words)?;
    owner.moves_out(&new)
}

#[test]
fn lost_device_and_server_the_words_move_nothing_until_the_operator_restores_a_backup() -> Result<()> {
    let mut owner = Owner::new()?;
    let package = owner.export(&owner.laptop, "package")?;
    back_up(&owner.deployment)?;
    lose(&owner.laptop)?;
    owner.lose_the_server()?;
    // The words still open their share, and that is all there is.
    owner.fits(&package)?;
    let alone = owner.deployment.person("alone");
    let words = text(&owner.words)?;
    let to = owner.deployment.node.miner_address()?.to_string();
    let sweep = ["recovery", "sweep", "--to", &to, "--fee-rate", "2", "--yes"];
    alone.refused(&[&sweep[..], &["--words-file", words]].concat())?;

    restore(&owner.deployment)?;
    owner.deployment.resume()?;
    owner.comes_back(&owner.invitation(Some("0s"))?)?;
    Ok(())
}

#[test]
fn lost_device_and_words_nothing_moves_whoever_asks_and_whatever_the_operator_says() -> Result<()> {
    let mut owner = Owner::new()?;
    lose(&owner.laptop)?;
    fs::remove_file(&owner.words)?;
    let another = owner.deployment.person("another");
    another.settle(&owner.deployment.invite()?)?;
    owner.words = another.home().with_extension("words");
    let new = owner.deployment.person("new");
    let invitation = owner.invitation(Some("0s"))?;
    let refused = new.refused(&owner.recover(Some(&invitation))?)?;
    ensure!(refused.stdout.contains("NOT_RECOVERY"), "{}", refused.stdout);
    ensure!(
        new.run(&["wallet", "list"])?["wallets"]
            .as_array()
            .is_some_and(Vec::is_empty)
    );
    Ok(())
}

#[test]
fn lost_server_and_words_the_device_moves_nothing_until_the_operator_restores_a_backup() -> Result<()> {
    let mut owner = Owner::new()?;
    back_up(&owner.deployment)?;
    owner.lose_the_server()?;
    fs::remove_file(&owner.words)?;
    let to = owner.deployment.node.miner_address()?.to_string();
    owner
        .laptop
        .refused(&["send", "--to", &to, "--amount", "0.1btc", "--fee-rate", "2", "--yes"])?;
    owner
        .laptop
        .refused(&["recovery", "sweep", "--to", &to, "--fee-rate", "2", "--yes"])?;

    restore(&owner.deployment)?;
    owner.deployment.resume()?;
    owner.deployment.settle(&owner.laptop)?;
    owner.moves_out(&owner.laptop)
}

/// `device and invitation` is lost in the test whose name has `lost_device_and_invitation_` in it.
fn name_of(row: &str) -> String {
    let words = row
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.fold("lost_".to_owned(), |name, word| {
        format!("{name}{}_", word.to_lowercase())
    })
}

#[test]
fn every_row_of_the_table_of_losses_has_a_test_and_every_test_a_row() -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(here.join("../../docs/recover.md"))?;
    let table = page.lines().skip_while(|line| !line.starts_with("| lost |"));
    let rows: Vec<_> = table
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.split('|').nth(1))
        .map(name_of)
        .collect();
    ensure!(rows.len() >= 16, "{rows:?}");

    let mut tests = BTreeSet::new();
    for file in [
        "backups.rs",
        "recovery.rs",
        "sign_in.rs",
        "losses.rs",
        "losses/table.rs",
    ] {
        for line in fs::read_to_string(here.join("tests").join(file))?.lines() {
            if let Some((name, _)) = line.strip_prefix("fn ").and_then(|line| line.split_once("()")) {
                tests.insert(name.to_owned());
            }
        }
    }
    for row in &rows {
        ensure!(
            tests.iter().any(|test| test.contains(row.as_str())),
            "no test has {row} in its name"
        );
    }
    for test in tests
        .iter()
        .filter(|test| test.contains("lost_the_") || test.starts_with("lost_"))
    {
        ensure!(
            rows.iter().any(|row| test.contains(row.as_str())),
            "{test} is of no row"
        );
    }
    Ok(())
}
