//! A PKCS#11 token in software, of one test.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

/// `SoftHSM`, as Debian installs it.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const SO_PIN: &str = "12345678";
const PIN: &str = "87654321";

/// A token with the label `twofold`. Dropped, its folder goes.
#[derive(Debug)]
pub struct SoftToken {
    folder: TempDir,
}

impl SoftToken {
    /// A token without a key; none where `SoftHSM` or `OpenSC` is not installed, which the build machine must have.
    pub fn new() -> Result<Option<Self>> {
        let there = Path::new(MODULE).exists() && Path::new("/usr/bin/pkcs11-tool").exists();
        if !there {
            ensure!(env::var_os("CI").is_none(), "CI must have softhsm2 and opensc");
            eprintln!("not run: softhsm2 and opensc are not installed");
            return Ok(None);
        }
        let token = Self {
            folder: tempfile::Builder::new().prefix("twofold-token").tempdir()?,
        };
        let tokens = token.folder.path().join("tokens");
        fs::create_dir(&tokens)?;
        let settings = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        fs::write(token.settings(), settings)?;
        token.write_pin(PIN)?;
        let words = [
            "--init-token",
            "--free",
            "--label",
            "twofold",
            "--so-pin",
            SO_PIN,
            "--pin",
            PIN,
        ];
        token.run(Command::new("softhsm2-util").args(words))?;
        Ok(Some(token))
    }

    /// Has the token draw an AES key: one that stays in it, or one that may be read out.
    pub fn make_key(&self, name: &str, extractable: bool) -> Result<()> {
        let mut command = Command::new("pkcs11-tool");
        command
            .args([
                "--module",
                MODULE,
                "--token-label",
                "twofold",
                "--login",
                "--pin",
                "env:PIN",
            ])
            .args(["--keygen", "--key-type", "AES:32", "--label", name])
            .arg(if extractable { "--extractable" } else { "--sensitive" })
            .env("PIN", PIN);
        self.run(&mut command)
    }

    /// What tells a server to keep its KEK by the key of this name; in its environment.
    #[must_use]
    pub fn environment(&self, key: &str) -> Vec<(&'static str, String)> {
        let shown = |path: PathBuf| path.display().to_string();
        vec![
            ("SOFTHSM2_CONF", shown(self.settings())),
            ("TWOFOLD__KEK__PKCS11__MODULE", MODULE.into()),
            ("TWOFOLD__KEK__PKCS11__TOKEN", "twofold".into()),
            ("TWOFOLD__KEK__PKCS11__KEY", key.into()),
            ("TWOFOLD__KEK__PKCS11__PIN_FILE", shown(self.pin_file())),
            // A loaded machine's.
            ("TWOFOLD__KEK__PKCS11__SECONDS", "60".into()),
        ]
    }

    /// Where the PIN is.
    #[must_use]
    pub fn pin_file(&self) -> PathBuf {
        self.folder.path().join("pin")
    }

    /// Has that file hold this PIN, for its owner alone.
    pub fn write_pin(&self, pin: &str) -> Result<()> {
        fs::write(self.pin_file(), format!("{pin}\n"))?;
        fs::set_permissions(self.pin_file(), fs::Permissions::from_mode(0o600))?;
        Ok(())
    }

    /// The right one again.
    pub fn mend_pin(&self) -> Result<()> {
        self.write_pin(PIN)
    }

    fn settings(&self) -> PathBuf {
        self.folder.path().join("softhsm2.conf")
    }

    fn run(&self, command: &mut Command) -> Result<()> {
        let output = command.env("SOFTHSM2_CONF", self.settings()).output();
        let program = Path::new(command.get_program()).display().to_string();
        let output = output.with_context(|| program.clone())?;
        if !output.status.success() {
            bail!("{program}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }
}
