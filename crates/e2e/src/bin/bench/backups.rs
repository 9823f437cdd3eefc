//! A backup of a server with many wallets while a device signs, and its way back to the disk.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use twofold_e2e::process::binary;

use crate::{Bench, figure::Figure, figure::Goal, machine, millis, quantile, seed};

/// Signatures one after the other, when nothing else is done.
const QUIET: u32 = 2_000;
/// Most signatures that are made beside a command.
const MOST: u32 = 60_000;

impl Bench {
    /// How long a device waits while a backup is made, against how long it waits otherwise; how long the backup takes, and
    /// putting it where there is none.
    pub(crate) fn backups(&mut self) -> Result<()> {
        self.provide()?;
        let place = self.server.folder().to_path_buf();
        let path = |name: &str| place.join(name).to_string_lossy().into_owned();
        let (key, out, config) = (path("backup.key"), path("monday.age"), path("etc/twofold.toml"));
        let made = operator(&["backup-key", "--json", "--out", &key])?;
        let recipient = made["recipient"].as_str().context("a recipient")?.to_owned();

        let quiet = self.quiet()?;
        let began = machine::now();
        let backup = Command::new(binary("twofold-server")?)
            .args(["backup", "--out", &out, "--recipient", &recipient, "--config", &config])
            .stdout(Stdio::null())
            .spawn()?;
        let ratio = self.beside(backup)?.as_secs_f64() / quiet.as_secs_f64();
        self.tell(Figure::plain("backup", began.elapsed().as_secs_f64(), "s"));
        self.tell(Figure::plain("sign_p99_without_backup", millis(quiet), "ms"));
        self.tell(Figure::with_goal("sign_p99_in_backup", ratio, "x", Goal::AtMost(2.0)));
        self.note("a backup was made while a device signed");

        self.server.stop()?;
        fs::rename(place.join("data"), place.join("data-before"))?;
        let began = machine::now();
        operator(&[
            "restore",
            "--json",
            "--from",
            &out,
            "--identity",
            &key,
            "--config",
            &config,
        ])?;
        let restored = began.elapsed();
        // The copies' records are not theirs: the fences that this start writes are those of the few real wallets.
        let ready = self.server.resume()?;
        self.tell(Figure::plain("restore", restored.as_secs_f64(), "s"));
        self.tell(Figure::plain("restored_to_ready", ready.as_secs_f64(), "s"));
        let goal = Goal::AtMost(900.0);
        let whole = (restored + ready).as_secs_f64();
        self.tell(Figure::with_goal("restore_and_ready", whole, "s", goal));
        self.note("it was restored");
        Ok(())
    }

    /// Many wallets, and one that has the money to sign beside what is done to them.
    pub(crate) fn provide(&mut self) -> Result<()> {
        self.server.stop()?;
        self.fill()?;
        self.fund(QUIET + MOST)
    }

    /// Gives the first device the money for so many signatures; the stopped server is started.
    pub(crate) fn fund(&mut self, signatures: u32) -> Result<()> {
        let seat = self.seats.first_mut().context("a seat")?;
        seed::fund(&self.server.database(), &mut seat.purse, signatures)?;
        self.restart()?;
        Ok(())
    }

    /// What 99 of 100 signatures take less than when nothing else is done.
    pub(crate) fn quiet(&mut self) -> Result<Duration> {
        self.p99(QUIET)
    }

    /// What 99 of 100 of so many signatures take less than.
    pub(crate) fn p99(&mut self, signatures: u32) -> Result<Duration> {
        let mut times = (0..signatures).map(|_| self.sign()).collect::<Result<Vec<_>>>()?;
        quantile(&mut times, 99)
    }

    /// The same while a command runs, which must end well.
    pub(crate) fn beside(&mut self, mut command: Child) -> Result<Duration> {
        let mut times = Vec::new();
        while running(&mut command)? && times.len() < MOST as usize {
            times.push(self.sign()?);
        }
        ensure!(command.wait()?.success(), "the command failed");
        quantile(&mut times, 99)
    }

    fn sign(&mut self) -> Result<Duration> {
        let seat = self.seats.first_mut().context("a seat")?;
        let psbt = seat.purse.fresh_psbt()?;
        let began = machine::now();
        seat.purse.sign(&seat.device, &mut seat.line, &psbt)?;
        Ok(began.elapsed())
    }
}

fn running(child: &mut Child) -> Result<bool> {
    Ok(child.try_wait()?.is_none())
}

fn operator(words: &[&str]) -> Result<Value> {
    let output = Command::new(binary("twofold-server")?).args(words).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{words:?}: {said}");
    Ok(serde_json::from_slice(&output.stdout)?)
}
