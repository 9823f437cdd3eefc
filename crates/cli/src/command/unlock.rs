//! `twofold unlock` and `lock`: the keystore's key, kept in memory for a while.

use std::{
    io::{Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use twofold_client::keystore::Loan;

use super::Context;
use crate::{
    agent::{self, READY},
    args,
};

#[derive(Serialize)]
struct Opened {
    unlocked: bool,
    seconds: u64,
    /// The process that keeps the key.
    pid: u32,
}

#[derive(Serialize)]
struct Closed {
    locked: bool,
    was_unlocked: bool,
}

pub(super) async fn unlock(context: Context<'_>, arguments: &args::Unlock) -> Result<()> {
    let home = std::fs::canonicalize(context.home().path()?).ok();
    let keys = context.home().unlock_by_passphrase().await?;
    let home = home.context("the keystore's folder is gone")?;
    agent::end(&home).await?;
    let seconds = arguments.span.as_secs();
    let answer = Opened {
        unlocked: true,
        seconds,
        pid: start(&home, seconds, &keys.lend().await?)?,
    };
    context.output.answer(&answer, |_| {
        format!(
            "Unlocked for {}: commands here need no passphrase. End it with: twofold lock",
            agent::show_span(arguments.span)
        )
    })
}

/// Starts the agent and hands it the key by a pipe.
fn start(home: &Path, seconds: u64, loan: &Loan) -> Result<u32> {
    let mut child = Command::new("/proc/self/exe")
        .args(["agent", "--seconds", &seconds.to_string(), "--home"])
        .arg(home)
        // What this command was given, a passphrase perhaps, is not for the agent.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("the agent can't be started")?;
    let mut input = child.stdin.take().context("the agent has no input")?;
    // Unbuffered on both sides: the key passes through the kernel alone.
    let given = input
        .write_all(loan.expose())
        .and_then(|()| input.write_all(loan.file()));
    drop(input);
    let mut said = String::new();
    let output = child.stdout.take().context("the agent has no output")?;
    output.take(64).read_to_string(&mut said)?;
    if given.is_err() || said != READY {
        let mut why = String::new();
        if let Some(fault) = child.stderr.take() {
            fault.take(1024).read_to_string(&mut why)?;
        }
        child.wait()?;
        bail!(
            "the agent did not start: {}",
            why.trim().trim_start_matches("twofold: ")
        );
    }
    Ok(child.id())
}

pub(super) async fn lock(context: Context<'_>) -> Result<()> {
    let home = context.home().path()?;
    let home = std::fs::canonicalize(&home).unwrap_or(home);
    let answer = Closed {
        locked: true,
        was_unlocked: agent::end(&home).await?,
    };
    context.output.answer(&answer, |answer| {
        if answer.was_unlocked {
            "Locked: commands ask for the passphrase again.".into()
        } else {
            "Nothing was unlocked.".into()
        }
    })
}
