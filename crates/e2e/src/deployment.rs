//! A server beside a bitcoind, both real, both on ports of the system's choosing.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    str::FromStr as _,
};

use anyhow::{Context as _, Result};
use bitcoin::{Address, Amount, Network};
use serde_json::Value;
use tempfile::TempDir;
use twofold_testkit::Regtest;

use crate::{
    person::Person,
    process::{Leashed, binary},
};

/// What in a server's environment has it fail on purpose.
const FAILING: [&str; 3] = ["FAILPOINTS", "TWOFOLD_KILL_AT", "TWOFOLD_FAIL_AT"];

/// A node, a server and a folder for both.
#[derive(Debug)]
pub struct Deployment {
    server: Option<Leashed>,
    /// The node.
    pub node: Regtest,
    /// The invitation that the server printed when it first started.
    pub invitation: String,
    /// `https://127.0.0.1:port`.
    pub url: String,
    /// Where its metrics are.
    pub metrics: String,
    listen: String,
    environment: Vec<(String, String)>,
    electrum: Option<SocketAddr>,
    folder: TempDir,
}

impl Deployment {
    /// Starts a node and a server.
    pub fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// Waits until the server has told this person of the node's best block.
    pub fn settle(&self, person: &Person) -> Result<()> {
        let wanted = self.node.height()?;
        // The server polls its node; each `balance` asks it anew. Bounded, so that a server that hangs fails the test.
        for _ in 0..200 {
            let told = person.run(&["balance"])?;
            if told["height"].as_u64() >= Some(wanted) && told["scanning_height"].is_null() {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        anyhow::bail!("the server did not reach block {wanted}: {}", self.last_words())
    }

    /// The same, with environment variables for the server, such as failpoints.
    pub fn start_with(environment: &[(&str, &str)]) -> Result<Self> {
        Self::start_on(Regtest::start()?, None, environment)
    }

    /// Starts a server over a node, or over an Electrum server on that node.
    pub fn start_on(node: Regtest, electrum: Option<SocketAddr>, environment: &[(&str, &str)]) -> Result<Self> {
        let mut deployment = Self {
            server: None,
            node,
            invitation: String::new(),
            url: String::new(),
            metrics: String::new(),
            listen: "127.0.0.1:0".into(),
            environment: environment
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            electrum,
            folder: tempfile::tempdir()?,
        };
        deployment.resume()?;
        Ok(deployment)
    }

    /// Starts the server again on the same folder and port.
    pub fn resume(&mut self) -> Result<()> {
        self.resume_with(&[])
    }

    /// The same, with more words on its command line.
    pub fn resume_with(&mut self, words: &[&str]) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new(binary("twofold-server")?);
        command
            .args([
                "run",
                "--dev",
                "--json",
                "--network",
                "regtest",
                "--listen",
                &self.listen,
                "--data",
            ])
            .arg(self.data());
        match self.electrum {
            Some(address) => command.args(["--electrum-url", &format!("tcp://{address}")]),
            None => command
                .args(["--bitcoind-url", &self.node.url(), "--cookie"])
                .arg(self.node.cookie_file()),
        };
        command
            .args(words)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut server = Leashed::spawn(&mut command)?;
        let stdout = server.child().stdout.take().context("a pipe")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let ready: Value =
            serde_json::from_str(&line).with_context(|| format!("the server said {line:?}; {}", self.last_words()))?;
        self.url = ready["url"].as_str().context("a url")?.into();
        self.metrics = ready["metrics"].as_str().context("metrics")?.into();
        self.listen = self.url.trim_start_matches("https://").to_owned();
        if self.invitation.is_empty() {
            self.invitation = ready["invitation"].as_str().context("an invitation")?.into();
        }
        self.server = Some(server);
        Ok(())
    }

    /// Environment for the next start.
    pub fn set_environment(&mut self, environment: &[(&str, &str)]) {
        self.environment = environment
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
    }

    /// The next start fails nowhere on purpose.
    pub fn without_failpoints(&mut self) {
        self.environment.retain(|(name, _)| !FAILING.contains(&name.as_str()));
    }

    /// The server's process.
    pub fn server(&mut self) -> Result<&mut Leashed> {
        self.server.as_mut().context("the server is not running")
    }

    /// kill -9 of the server.
    pub fn kill(&mut self) -> Result<()> {
        self.server()?.kill()?;
        self.server = None;
        Ok(())
    }

    /// Runs `twofold-server` with these words, as the operator on the server's machine; what it answers.
    pub fn operator(&self, words: &[&str]) -> Result<Value> {
        // Where its database is, they are told as the server is.
        let settings = self
            .environment
            .iter()
            .filter(|(name, _)| name.starts_with("TWOFOLD__"));
        let output = Command::new(binary("twofold-server")?)
            .args(words)
            .envs(settings.map(|(name, value)| (name, value)))
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        anyhow::ensure!(output.status.success(), "{words:?}: {said}");
        serde_json::from_slice(&output.stdout).with_context(|| format!("{words:?} answered something else; {said}"))
    }

    /// Mints another invitation through the running server's admin socket.
    pub fn invite(&self) -> Result<String> {
        let output = Command::new(binary("twofold-server")?)
            .args(["invite", "--json", "--socket"])
            .arg(self.data().join("admin.sock"))
            .output()?;
        let answer: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok(answer["invitation"].as_str().context("an invitation")?.to_owned())
    }

    /// Changes the running server's log level.
    pub fn log_level(&self, level: &str) -> Result<()> {
        let output = Command::new(binary("twofold-server")?)
            .args(["log-level", level, "--socket"])
            .arg(self.data().join("admin.sock"))
            .output()?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// A person with a fresh home of that name.
    #[must_use]
    pub fn person(&self, name: &str) -> Person {
        Person::new(&self.folder.path().join(name))
    }

    /// A person who has joined and has a wallet with one confirmed bitcoin.
    pub fn funded(&self) -> Result<Person> {
        let owner = self.person("laptop");
        let first = owner.settle(&self.invitation)?;
        self.pay(&owner, &first, Amount::ONE_BTC)?;
        Ok(owner)
    }

    /// Somebody pays this person at an address of theirs, and a block confirms it.
    pub fn pay(&self, person: &Person, address: &str, amount: Amount) -> Result<Address> {
        let address = Address::from_str(address)?.require_network(Network::Regtest)?;
        self.node.fund(&address, amount)?;
        self.node.mine(1)?;
        self.settle(person)?;
        Ok(address)
    }

    /// The server's data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("server")
    }

    /// The folder that holds everything of this deployment but the node.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's log so far.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(10).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}
