//! A backup, and a restore, that are killed: what is half there is never taken for whole, and doing it again works.

use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use twofold_e2e::{
    Deployment,
    process::{Leashed, binary},
};

use crate::{
    device::Enrolled,
    kills::{end_of, failpoints_in, require_failpoints, runtime},
    line::Mischief,
    oracle::{Oracle, verify},
    races::NO_RATE,
};

const WALLET: &str = "savings";
/// Looks until something is there, on a busy machine.
const LOOKS: u32 = 600;
const LOOK: Duration = Duration::from_millis(50);

/// A server with one wallet, and the operator's key for its backups.
struct Scene {
    deployment: Deployment,
    device: Enrolled,
    recipient: String,
}

impl Scene {
    fn new() -> Result<Self> {
        require_failpoints()?;
        let deployment = Deployment::start_with(&NO_RATE)?;
        let device = runtime()?.block_on(Box::pin(Enrolled::new(&deployment.invitation, &[WALLET])))?;
        let key = deployment.folder().join("backup.key").to_string_lossy().into_owned();
        let made = deployment.operator(&["backup-key", "--json", "--out", &key])?;
        let recipient = made["recipient"].as_str().context("a recipient")?.to_owned();
        Ok(Self {
            deployment,
            device,
            recipient,
        })
    }

    fn place(&self, name: &str) -> PathBuf {
        self.deployment.folder().join(name)
    }

    /// Where the server keeps its database.
    fn data(&self) -> PathBuf {
        self.deployment.data().join("data")
    }

    fn backup(&self, out: &Path) -> Result<Command> {
        let mut command = Command::new(binary("twofold-server")?);
        command
            .args(["backup", "--json", "--recipient", &self.recipient, "--out"])
            .arg(out);
        command.arg("--socket").arg(self.deployment.data().join("admin.sock"));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    }

    fn restore(&self, from: &Path, to: &Path) -> Result<Command> {
        let mut command = Command::new(binary("twofold-server")?);
        command.args(["restore", "--json", "--from"]).arg(from);
        command
            .arg("--identity")
            .arg(self.place("backup.key"))
            .arg("--data")
            .arg(to);
        Ok(command)
    }

    /// Whether a backup is whole: it restores, to somewhere else.
    fn is_whole(&self, backup: &Path) -> Result<()> {
        let aside = tempfile::tempdir()?;
        let told = json(&mut self.restore(backup, &aside.path().join("server"))?)?;
        ensure!(told["wallets"] == 1, "{told}");
        Ok(())
    }

    fn restart(&mut self, environment: &[(&str, &str)]) -> Result<()> {
        self.deployment
            .set_environment(&[NO_RATE.as_slice(), environment].concat());
        self.deployment.resume()
    }

    fn signs(&self) -> Result<()> {
        runtime()?.block_on(async {
            let oracle = std::sync::Arc::<Oracle>::default();
            let mut device = self.device.open(WALLET, &oracle, Mischief::None).await?;
            device.client.sync(&mut device.wallet).await?;
            let psbt = device.spend();
            verify(&Box::pin(device.sign(psbt)).await?)
        })
    }
}

/// What a command answers that succeeds.
fn json(command: &mut Command) -> Result<Value> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {said}");
    serde_json::from_slice(&output.stdout).with_context(|| format!("{command:?}: {said}"))
}

fn comes(file: &Path) -> Result<()> {
    for _ in 0..LOOKS {
        if file.exists() {
            return Ok(());
        }
        thread::sleep(LOOK);
    }
    anyhow::bail!("{} does not come", file.display())
}

#[test]
fn s14_kill_9_of_the_server_anywhere_in_a_backup_leaves_no_half_one_under_its_name() -> Result<()> {
    let mut scene = Scene::new()?;
    let mut places = failpoints_in("crates/server/src/copies.rs")?;
    places.extend(failpoints_in("crates/server/src/backup.rs")?);
    ensure!(places.len() >= 4, "{places:?}");
    let copy = scene.data().join("backup.db");
    for place in places {
        scene.deployment.kill()?;
        scene.restart(&[("TWOFOLD_KILL_AT", &place)])?;
        let out = scene.place(&format!("{}.age", place.replace(':', "-")));
        let asked = scene.backup(&out)?.output()?;
        let end = end_of(scene.deployment.server()?)?;
        ensure!(
            end.and_then(|end| end.signal()) == Some(9),
            "{place}: not killed, {end:?}"
        );
        ensure!(!asked.status.success(), "{place}: told that a backup was made");
        // Under its name it is whole, or not there.
        let published = place.ends_with("published");
        ensure!(out.exists() == published, "{place}: {}", out.exists());
        ensure!(copy.exists(), "{place}: the copy went without anybody to remove it");
        scene.restart(&[])?;
        ensure!(
            !copy.exists(),
            "{place}: a server that starts leaves the copy of its database there"
        );
        if !published {
            json(&mut scene.backup(&out)?).with_context(|| place.clone())?;
        }
        scene.is_whole(&out).with_context(|| place.clone())?;
    }
    scene.signs()
}

#[test]
fn s14_kill_9_of_the_command_that_asks_for_a_backup_leaves_a_whole_one_or_none() -> Result<()> {
    let mut scene = Scene::new()?;
    scene.deployment.kill()?;
    scene.restart(&[("FAILPOINTS", "backup::sealed=1*sleep(500)")])?;
    let out = scene.place("monday.age");
    let mut asking = Leashed::spawn(&mut scene.backup(&out)?)?;
    comes(&scene.place("monday.age.part"))?;
    ensure!(!out.exists(), "it has its name before it was read back");
    asking.kill()?;
    // The server goes on by itself.
    comes(&out)?;
    scene.is_whole(&out)?;
    let again = scene.backup(&out)?.output()?;
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    ensure!(!again.status.success() && said.contains("overwrites nothing"), "{said}");
    Ok(())
}

#[test]
fn s14_kill_9_anywhere_in_a_restore_leaves_no_server_that_starts_and_it_works_again() -> Result<()> {
    let mut scene = Scene::new()?;
    let backup = scene.place("monday.age");
    json(&mut scene.backup(&backup)?)?;
    scene.deployment.kill()?;
    fs::remove_dir_all(scene.data())?;
    let mut places = failpoints_in("crates/store/src/sqlite/copy.rs")?;
    ensure!(places.len() >= 5, "{places:?}");
    // There it is whole.
    places.sort_by_key(|place| place == "restore-renamed");
    for place in places {
        let mut restore = scene.restore(&backup, &scene.deployment.data())?;
        let killed = restore.env("TWOFOLD_KILL_AT", &place).output()?;
        ensure!(killed.status.signal() == Some(9), "{place}: {killed:?}");
        let mut again = scene.restore(&backup, &scene.deployment.data())?;
        if place == "restore-renamed" {
            let said = String::from_utf8_lossy(&again.output()?.stderr).into_owned();
            ensure!(said.contains("not empty"), "{said}");
            break;
        }
        // Nobody begins another database there, and with it another server.
        let started = scene
            .restart(&[])
            .err()
            .with_context(|| format!("{place}: it started"))?;
        ensure!(
            started.to_string().contains("run the restore again"),
            "{place}: {started}"
        );
        json(&mut again).with_context(|| place.clone())?;
        fs::remove_dir_all(scene.data())?;
    }
    // The last was killed when it was whole.
    scene.restart(&[])?;
    scene.signs()
}
