//! The server's KEK is changed while it signs.

use std::{
    fs,
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use twofold_e2e::{
    Deployment,
    process::{Leashed, binary},
};
use twofold_testkit::Postgres;

use crate::{
    device::Enrolled,
    kills::{failpoints_in, require_failpoints, runtime, taken_up_once},
    line::Mischief,
    oracle::{Oracle, verify},
    races::NO_RATE,
};

const WALLETS: [&str; 3] = ["savings", "daily", "holiday"];
/// How long a change of three wallets may take on a busy machine, in looks.
pub(crate) const LOOKS: u32 = 600;
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// A server and a device with some wallets.
pub(crate) struct Scene {
    deployment: Arc<Mutex<Deployment>>,
    device: Enrolled,
    oracle: Arc<Oracle>,
    /// What stays in the server's environment.
    always: Vec<(&'static str, String)>,
}

impl Scene {
    pub(crate) fn new(environment: &[(&str, &str)]) -> Result<Self> {
        Self::on(Vec::new(), environment)
    }

    /// One where this is always in the server's environment.
    fn on(always: Vec<(&'static str, String)>, environment: &[(&str, &str)]) -> Result<Self> {
        let deployment = Deployment::start_with(&whole(&always, environment))?;
        let device = runtime()?.block_on(Box::pin(Enrolled::new(&deployment.invitation, &WALLETS)))?;
        Ok(Self {
            deployment: Arc::new(Mutex::new(deployment)),
            device,
            oracle: Arc::default(),
            always,
        })
    }

    pub(crate) fn deployment(&self) -> MutexGuard<'_, Deployment> {
        self.deployment.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the server anew, with more in its environment.
    pub(crate) fn restart(&self, environment: &[(&str, &str)]) -> Result<()> {
        let mut deployment = self.deployment();
        deployment.kill()?;
        deployment.set_environment(&whole(&self.always, environment));
        deployment.resume()
    }

    pub(crate) fn asked(&self, words: &[&str]) -> Result<Value> {
        let deployment = self.deployment();
        let socket = deployment.data().join("admin.sock").to_string_lossy().into_owned();
        deployment.operator(&[words, &["--json", "--socket", &socket]].concat())
    }

    pub(crate) fn key(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.deployment().data().join(name)).ok()
    }

    /// Every wallet signs.
    pub(crate) fn signs(&self) -> Result<()> {
        runtime()?.block_on(async {
            for wallet in WALLETS {
                let mut device = self.device.open(wallet, &self.oracle, Mischief::None).await?;
                let psbt = device.spend();
                let signed = Box::pin(device.sign(psbt)).await.context(wallet)?;
                verify(&signed)?;
            }
            self.oracle.verdict().map(drop)
        })
    }

    fn moving(&self) -> Result<bool> {
        Ok(!self.asked(&["status"])?["kek_rotation"].is_null())
    }

    /// Waits until the change is over, and has the old key destroyed.
    pub(crate) fn ended(&self, first: &str) -> Result<()> {
        for _ in 0..LOOKS {
            if !self.moving()? {
                break;
            }
            thread::sleep(LOOK);
        }
        ensure!(!self.moving()?, "it does not end");
        ensure!(
            self.key("kek.old").as_deref() == Some(first),
            "the old key was not kept"
        );
        ensure!(self.key("kek").as_deref() != Some(first), "the key is the old one");
        ensure!(self.key("kek.next").is_none(), "the next key lies there still");
        ensure!(self.asked(&["drill"])?["wallets"] == 3);
        fs::remove_file(self.deployment().data().join("kek.old"))?;
        Ok(())
    }

    /// A change in the middle of which the server is killed.
    fn killed_at(&self, place: &str) -> Result<()> {
        let first = self.key("kek").context("a KEK")?;
        self.restart(&[("TWOFOLD_KILL_AT", place)])?;
        // The answer may win the race against the kill at the last places.
        drop(self.asked(&["kek", "rotate"]));
        let end = taken_up_once(&self.deployment)();
        let signal = end.and_then(|end| std::os::unix::process::ExitStatusExt::signal(&end));
        ensure!(signal == Some(9), "the server was not killed: {end:?}");
        // Whether or not it goes on meanwhile.
        self.signs()?;
        // Where it was begun it ends by itself, and otherwise begins with the key that was drawn.
        let drawn = self.key("kek.next");
        if let Err(refused) = self.asked(&["kek", "rotate"]) {
            ensure!(refused.to_string().contains("destroy it first"), "{refused}");
        }
        self.ended(&first)?;
        ensure!(drawn.is_none() || self.key("kek") == drawn, "another key was drawn");
        self.signs()
    }
}

/// An environment with what it always has.
fn whole<'a>(always: &'a [(&'static str, String)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let always = always.iter().map(|(name, value)| (*name, value.as_str()));
    NO_RATE
        .iter()
        .copied()
        .chain(always)
        .chain(more.iter().copied())
        .collect()
}

#[test]
fn s18_kill_9_at_every_failpoint_of_a_change_of_the_kek_loses_nothing_and_it_goes_on() -> Result<()> {
    require_failpoints()?;
    let mut places = failpoints_in("crates/cosigner/src/rotate.rs")?;
    ensure!(places.len() >= 6, "{places:?}");
    places.extend(failpoints_in("crates/server/src/kek.rs")?);
    ensure!(places.len() >= 9, "{places:?}");
    let scene = Scene::new(&[])?;
    for place in places {
        scene.killed_at(&place).with_context(|| place.clone())?;
    }
    Ok(())
}

#[test]
fn s22_signing_goes_on_while_the_kek_is_changed_and_a_backup_from_the_middle_needs_both_keys() -> Result<()> {
    require_failpoints()?;
    // The first wallet is moved, and then it is held up for as long as this server runs.
    let scene = Scene::new(&[("FAILPOINTS", "rotate::next_wallet=1*off->return")])?;
    let first = scene.key("kek").context("a KEK")?;
    let place = |name: &str| scene.deployment().folder().join(name).to_string_lossy().into_owned();
    let (key, backup) = (place("backup.key"), place("middle.age"));
    let made = scene.deployment().operator(&["backup-key", "--json", "--out", &key])?;
    let recipient = made["recipient"].as_str().context("a recipient")?.to_owned();
    let socket = place("server/admin.sock");
    let mut command = Command::new(binary("twofold-server")?);
    let watching = Leashed::spawn(command.args(["kek", "rotate", "--json", "--socket", &socket]))?;
    let held = |status: &Value| status["kek_rotation"]["wallets"] == 1 && status["kek_rotation"]["trouble"].is_string();
    for _ in 0..LOOKS {
        if held(&scene.asked(&["status"])?) {
            break;
        }
        thread::sleep(LOOK);
    }
    scene.signs()?;
    scene.asked(&["backup", "--out", &backup, "--recipient", &recipient])?;
    let status = scene.asked(&["status"])?;
    ensure!(held(&status), "{status}");
    drop(watching);
    scene.restart(&[])?;
    scene.ended(&first)?;
    scene.signs()?;
    let second = scene.key("kek").context("a KEK")?;

    // The machine is lost, and the newest backup is from the middle.
    let data = scene.deployment().data();
    scene.deployment().kill()?;
    fs::remove_dir_all(data.join("data"))?;
    let folder = data.to_string_lossy().into_owned();
    let restore = [
        "restore",
        "--json",
        "--from",
        &backup,
        "--identity",
        &key,
        "--data",
        &folder,
    ];
    scene.deployment().operator(&restore)?;
    ensure!(scene.deployment().resume().is_err(), "it started with one key of two");
    fs::rename(data.join("kek"), data.join("kek.next"))?;
    fs::write(data.join("kek"), &first)?;
    fs::set_permissions(data.join("kek"), std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    scene.deployment().resume()?;
    scene.ended(&first)?;
    ensure!(scene.key("kek") == Some(second));
    scene.signs()
}

#[test]
fn s18_a_wrong_kek_and_a_kill_in_a_change_of_it_lose_nothing_on_postgresql() -> Result<()> {
    require_failpoints()?;
    let database = Postgres::start()?;
    let always = vec![
        ("TWOFOLD__DATABASE__KIND", "postgres".to_owned()),
        ("TWOFOLD__DATABASE__URL", database.url()),
    ];
    let scene = Scene::on(always, &[])?;
    let sealed = || {
        database.sql(
            "SELECT (SELECT string_agg(sealed::text, ',' ORDER BY wallet, epoch) FROM twofold.shares),
                    (SELECT string_agg(sealed::text, ',' ORDER BY name) FROM twofold.server_secrets),
                    (SELECT string_agg(state::text, ',' ORDER BY id) FROM twofold.wallets)",
        )
    };
    let (before, right) = (sealed()?, scene.key("kek").context("a KEK")?);
    let kek = scene.deployment().data().join("kek");
    let wrong: String = right.chars().rev().collect();
    scene.deployment().kill()?;
    fs::write(&kek, wrong.trim())?;
    let refused = scene
        .deployment()
        .resume()
        .err()
        .context("it starts with another key")?;
    ensure!(refused.to_string().contains("kek"), "{refused}");
    fs::write(&kek, &right)?;
    ensure!(sealed()? == before, "a key that opens nothing changed something");
    scene.deployment().resume()?;
    scene.signs()?;

    for place in ["rotate::after_wallet", "rotate::before_end"] {
        scene.killed_at(place).with_context(|| place.to_owned())?;
    }
    ensure!(sealed()? != before, "nothing was sealed anew");
    Ok(())
}
