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

/// Signatures one after the other, before the backup and at least during it.
const QUIET: u32 = 600;
/// Most signatures that are made during a backup.
const MOST: u32 = 60_000;

impl Bench {
    /// How long a device waits while a backup is made, against how long it waits otherwise; how long the backup takes, and
    /// putting it where there is none.
    pub(crate) fn backups(&mut self) -> Result<()> {
        self.server.stop()?;
        let seat = self.seats.first_mut().context("a seat")?;
        seed::fund(&self.server.database(), &mut seat.purse, QUIET + MOST)?;
        self.restart()?;
        let place = self.server.folder().to_path_buf();
        let path = |name: &str| place.join(name).to_string_lossy().into_owned();
        let (key, out, config) = (path("backup.key"), path("monday.age"), path("etc/twofold.toml"));
        let made = operator(&["backup-key", "--json", "--out", &key])?;
        let recipient = made["recipient"].as_str().context("a recipient")?.to_owned();

        let (mut quiet, mut busy) = (Vec::new(), Vec::new());
        for _ in 0..QUIET {
            quiet.push(self.sign()?);
        }
        let began = machine::now();
        let mut backup = Command::new(binary("twofold-server")?)
            .args(["backup", "--out", &out, "--recipient", &recipient, "--config", &config])
            .stdout(Stdio::null())
            .spawn()?;
        while running(&mut backup)? {
            ensure!(busy.len() < MOST as usize, "the backup takes for ever");
            busy.push(self.sign()?);
        }
        let took = began.elapsed();
        ensure!(backup.wait()?.success(), "no backup was made");
        let ratio = quantile(&mut busy, 99)?.as_secs_f64() / quantile(&mut quiet, 99)?.as_secs_f64();
        self.tell(Figure::plain("backup", took.as_secs_f64(), "s"));
        self.tell(Figure::plain(
            "sign_p99_without_backup",
            millis(quantile(&mut quiet, 99)?),
            "ms",
        ));
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
