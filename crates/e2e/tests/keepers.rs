//! The KEK is kept by a command or a token instead of its file, and moves between them while wallets sign.

use std::{env, fs, os::unix::process::ExitStatusExt as _, path::PathBuf, process::Command, thread};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;
use twofold_e2e::process::binary;
use twofold_testkit::SoftToken;

use crate::{
    kills::require_failpoints,
    rotation::{LOOK, LOOKS, Scene},
};

type Environment = Vec<(&'static str, String)>;

fn borrowed(environment: &Environment) -> Vec<(&'static str, &str)> {
    environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

/// A hook that needs no script: age encrypts to a key whose other half it decrypts by.
fn by_age(scene: &Scene) -> Result<Environment> {
    let path = env::var_os("PATH").context("a PATH")?;
    let found = env::split_paths(&path).map(|folder| folder.join("age"));
    let age = found
        .into_iter()
        .find(|age| age.is_file())
        .context("age is not installed")?;
    let key = scene.deployment().folder().join("service.key").display().to_string();
    let made = scene.deployment().operator(&["backup-key", "--json", "--out", &key])?;
    let recipient = made["recipient"].as_str().context("a recipient")?;
    let age = age.display();
    Ok(vec![
        (
            "TWOFOLD__KEK__COMMAND__UNWRAP",
            format!("[\"{age}\", \"-d\", \"-i\", \"{key}\"]"),
        ),
        (
            "TWOFOLD__KEK__COMMAND__WRAP",
            format!("[\"{age}\", \"-r\", \"{recipient}\"]"),
        ),
        ("TWOFOLD__KEK__COMMAND__SECONDS", "60".into()),
    ])
}

/// Moves the KEK to another keeper; the server is killed once before the files follow, and goes on when it starts again.
fn moved(scene: &Scene, kind: &str, keepers: &Environment, begins: &str) -> Result<()> {
    let first = scene.key("kek").context("a KEK")?;
    let mut environment = borrowed(keepers);
    environment.push(("TWOFOLD__KEK__KIND", kind));
    scene.restart(&[environment.as_slice(), &[("TWOFOLD_KILL_AT", "kek::kept")]].concat())?;
    // Nobody is left to answer it.
    let asked = scene.asked(&["kek", "rotate"]);
    let mut end = None;
    for _ in 0..LOOKS {
        end = scene.deployment().server()?.child().try_wait()?;
        if end.is_some() {
            break;
        }
        thread::sleep(LOOK);
    }
    ensure!(
        end.and_then(|end| end.signal()) == Some(9),
        "{kind}: it was not killed: {end:?}, {asked:?}"
    );
    scene.restart(&environment)?;
    scene.signs()?;
    scene.ended(&first)?;
    let key = scene.key("kek").context("a KEK")?;
    ensure!(key.starts_with(begins), "{kind}: {}", &key[..24.min(key.len())]);
    scene.restart(&environment)?;
    scene.signs()
}

#[test]
fn s18_the_kek_moves_from_its_file_to_a_command_to_a_token_and_back_while_wallets_sign() -> Result<()> {
    require_failpoints()?;
    let scene = Scene::new(&[])?;
    let mut keepers = by_age(&scene)?;
    moved(&scene, "command", &keepers, "twofold-kek-1 command ")?;
    let Some(token) = SoftToken::new()? else { return Ok(()) };
    token.make_key("first", false)?;
    token.make_key("second", false)?;
    keepers.extend(token.environment("first"));
    moved(&scene, "pkcs11", &keepers, "twofold-kek-1 pkcs11 6669727374 ")?;
    // Another key of the same token.
    keepers.retain(|(name, _)| !name.starts_with("TWOFOLD__KEK__COMMAND"));
    keepers.push(("TWOFOLD__KEK__PKCS11__KEY", "second".into()));
    moved(&scene, "pkcs11", &keepers, "twofold-kek-1 pkcs11 7365636f6e64 ")?;
    moved(&scene, "file", &keepers, "")?;
    let key = scene.key("kek").context("a KEK")?;
    ensure!(hex::decode(key.trim()).is_ok_and(|key| key.len() == 32), "no plain key");
    scene.restart(&[])?;
    scene.signs()
}

/// A server that was set up with a KEK of the token's, and is not running.
struct Set {
    folder: TempDir,
    environment: Environment,
}

impl Set {
    fn up(mut environment: Environment) -> Result<Self> {
        environment.push(("TWOFOLD__KEK__KIND", "pkcs11".into()));
        let set = Self {
            folder: TempDir::new()?,
            environment,
        };
        let made = set
            .command(&[
                "init",
                "--mode",
                "development",
                "--public-url",
                "https://127.0.0.1:8443",
                "--json",
            ])
            .args([
                "--listen",
                "127.0.0.1:0",
                "--network",
                "regtest",
                "--cookie-file",
                "none",
            ])
            .args(["--dir", "keys", "--data-dir", "data"])
            .output()?;
        let said = String::from_utf8_lossy(&made.stderr);
        if !made.status.success() {
            bail!("{said}");
        }
        Ok(set)
    }

    fn command(&self, words: &[&str]) -> Command {
        let server = binary("twofold-server").unwrap_or_default();
        let mut command = Command::new(server);
        command.args(words).current_dir(self.folder.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn kek(&self) -> PathBuf {
        self.folder.path().join("keys/kek")
    }

    /// What `doctor` says of the KEK: whether all is well, and a few words.
    fn told(&self) -> Result<(String, String)> {
        // On a loaded machine it gives up on what takes its time.
        for _ in 0..LOOKS {
            let told = self.told_once()?;
            if told.1 != "no answer in time" {
                return Ok(told);
            }
        }
        bail!("no answer in time, however often")
    }

    fn told_once(&self) -> Result<(String, String)> {
        let asked = self
            .command(&["doctor", "--json", "--config", "keys/twofold.toml"])
            .output()?;
        let said: Value = serde_json::from_slice(&asked.stdout)
            .with_context(|| String::from_utf8_lossy(&asked.stderr).into_owned())?;
        let findings = said["findings"].as_array().context("findings")?;
        let of_kek = findings.iter().find(|finding| finding["check"] == "KEK");
        let of_kek = of_kek.context("a line of the KEK")?;
        let text = |key: &str| of_kek[key].as_str().unwrap_or_default().to_owned();
        Ok((text("verdict"), text("found")))
    }
}

#[test]
fn s18_what_a_token_sealed_opens_by_that_token_its_key_and_its_pin_alone() -> Result<()> {
    let Some(token) = SoftToken::new()? else { return Ok(()) };
    token.make_key("kek", false)?;
    token.make_key("open", true)?;
    // A key that can be read out is none for this.
    let refused = Set::up(token.environment("open")).err().context("it was taken")?;
    ensure!(refused.to_string().contains("can be read out"), "{refused}");
    let missing = Set::up(token.environment("other")).err().context("it was found")?;
    ensure!(missing.to_string().contains("no AES key named `other`"), "{missing}");

    let mut set = Set::up(token.environment("kek"))?;
    let config = fs::read_to_string(set.folder.path().join("keys/twofold.toml"))?;
    ensure!(config.contains("pin_file") && !config.contains("87654321"), "{config}");
    ensure!(
        set.told()? == ("ok".into(), "the token opens it".into()),
        "{:?}",
        set.told()?
    );
    let fails = |set: &Set, said: &str| -> Result<()> {
        let (verdict, found) = set.told()?;
        ensure!(verdict == "fail" && found.contains(said), "{said}: {found}");
        ensure!(!found.contains("87654321"), "{found}");
        Ok(())
    };
    // One letter of what lies on the disk.
    let sealed = fs::read_to_string(set.kek())?;
    let last = if sealed.trim().ends_with('0') { '1' } else { '0' };
    let mut other = sealed.trim().to_owned();
    other.pop();
    other.push(last);
    fs::write(set.kek(), other)?;
    fails(&set, "does not open the KEK")?;
    fs::write(set.kek(), &sealed)?;
    token.write_pin("11111111")?;
    fails(&set, "is wrong")?;
    fs::set_permissions(token.pin_file(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    fails(&set, "may be read by others")?;
    token.mend_pin()?;
    // The disk, the PIN and another token.
    let stranger = SoftToken::new()?.context("a token")?;
    stranger.make_key("kek", false)?;
    stranger.mend_pin()?;
    let own = std::mem::replace(&mut set.environment, stranger.environment("kek"));
    fails(&set, "does not open the KEK")?;
    set.environment = own;
    // Another key of the same name: nobody knows which is meant.
    token.make_key("kek", false)?;
    fails(&set, "several AES keys named `kek`")
}
