//! Someone at a terminal with `twofold`: a home folder, a passphrase, and commands that answer JSON.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process::binary;

/// A user of the command line, with a folder of their own.
#[derive(Debug)]
pub struct Person {
    home: PathBuf,
    passphrase: String,
}

/// A command that ended with another code than 0.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The exit code; -1 where a signal ended it.
    pub code: i32,
    /// What it printed to standard output: the error as JSON.
    pub stdout: String,
    /// What it printed to standard error.
    pub stderr: String,
}

impl Person {
    /// A person whose keystore lives in `home`.
    #[must_use]
    pub fn new(home: &Path) -> Self {
        Self {
            home: home.to_owned(),
            passphrase: "correct horse battery staple".into(),
        }
    }

    /// The same home with another passphrase: a thief who guesses.
    #[must_use]
    pub fn guessing(&self, passphrase: &str) -> Self {
        Self {
            home: self.home.clone(),
            passphrase: passphrase.into(),
        }
    }

    /// The keystore's folder.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The passphrase of this person's keystore.
    #[must_use]
    pub fn passphrase(&self) -> &str {
        &self.passphrase
    }

    /// The command, ready to start, answering JSON.
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = self.plain_command(arguments)?;
        command.arg("--json");
        Ok(command)
    }

    /// The command, ready to start, answering a person.
    pub fn plain_command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(binary("twofold")?);
        command
            .args(arguments)
            .env("TWOFOLD_HOME", &self.home)
            .env("TWOFOLD_PASSPHRASE", &self.passphrase)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    }

    /// Runs a command to its end.
    pub fn try_run(&self, arguments: &[&str]) -> Result<Result<Value, Failure>> {
        let output = self.command(arguments)?.output()?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            let answer = serde_json::from_str(&stdout).with_context(|| format!("{arguments:?} answered {stdout:?}"))?;
            return Ok(Ok(answer));
        }
        Ok(Err(Failure {
            code: output.status.code().unwrap_or(-1),
            stdout,
            stderr,
        }))
    }

    /// Runs a command that must succeed.
    pub fn run(&self, arguments: &[&str]) -> Result<Value> {
        self.try_run(arguments)?.map_err(|failure| {
            anyhow::anyhow!(
                "{arguments:?} failed with {}: {}{}",
                failure.code,
                failure.stdout,
                failure.stderr
            )
        })
    }

    /// Runs a command that must fail.
    pub fn refused(&self, arguments: &[&str]) -> Result<Failure> {
        match self.try_run(arguments)? {
            Ok(answer) => anyhow::bail!("{arguments:?} should have failed and answered {answer}"),
            Err(failure) => Ok(failure),
        }
    }

    /// Pays.
    pub fn send(&self, payee: &str, amount: &str, rate: &str) -> Result<Value> {
        self.run(&payment(payee, amount, rate))
    }

    /// Joins a server, makes a wallet, and leaves the words in a file; the wallet's first address.
    pub fn settle(&self, invitation: &str) -> Result<String> {
        self.run(&["join", invitation, "--name", "laptop"])?;
        let words = self.home.with_extension("words");
        let words = words.to_str().context("a path in UTF-8")?;
        self.run(&["create", "--name", "savings", "--words-file", words, "--yes"])?;
        let received = self.run(&["receive"])?;
        Ok(received["address"].as_str().context("an address")?.to_owned())
    }
}

/// The words by which a person pays, at so many satoshi per virtual byte.
#[must_use]
pub const fn payment<'a>(payee: &'a str, amount: &'a str, rate: &'a str) -> [&'a str; 8] {
    ["send", "--to", payee, "--amount", amount, "--fee-rate", rate, "--yes"]
}
