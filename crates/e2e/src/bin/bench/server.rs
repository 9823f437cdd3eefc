//! The server under measurement: the real binary as an operator sets it up, beside a real node.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde_json::Value;
use tempfile::TempDir;
use twofold_api::{invitation::Invitation, public_url::PublicUrl};
use twofold_e2e::process::{Leashed, binary};
use twofold_testkit::{Postgres, Regtest};
use twofold_threshold::{id::WalletId, identity::IdentityKey};

use crate::machine::{self, Process};

/// The limits would refuse a load that one person never makes; nothing else differs from the defaults.
const LIMITS: &[(&str, &str)] = &[
    ("TWOFOLD__LIMITS__ADDRESS_PER_SECOND", "1000000"),
    ("TWOFOLD__LIMITS__ADDRESS_BURST", "1000000"),
    ("TWOFOLD__LIMITS__DEVICE_PER_SECOND", "1000000"),
    ("TWOFOLD__LIMITS__DEVICE_BURST", "1000000"),
    ("TWOFOLD__LIMITS__USER_PER_SECOND", "1000000"),
    ("TWOFOLD__LIMITS__USER_BURST", "1000000"),
    ("TWOFOLD__LIMITS__WALLET_PER_SECOND", "1000000"),
    ("TWOFOLD__LIMITS__WALLET_BURST", "1000000"),
    ("TWOFOLD__LIMITS__WALLETS_PER_USER", "1000"),
    ("TWOFOLD__LIMITS__ISSUED_PER_WALLET", "1000000"),
    ("TWOFOLD__LIMITS__REFRESHES_PER_DAY", "1000000"),
    ("TWOFOLD__LIMITS__CONNECTIONS", "10000"),
    ("TWOFOLD__LIMITS__CONNECTIONS_PER_ADDRESS", "10000"),
    ("TWOFOLD__LIMITS__STRANGER_SECONDS", "600"),
];

/// A node, a server and a folder for both.
#[derive(Debug)]
pub(crate) struct Server {
    running: Option<Leashed>,
    process: Process,
    site: Arc<Site>,
    _node: Regtest,
    environment: Vec<(&'static str, String)>,
    folder: TempDir,
}

/// What a device knows of a server.
#[derive(Debug)]
pub(crate) struct Site {
    /// Where it is.
    pub(crate) url: PublicUrl,
    /// Who it is.
    pub(crate) identity: IdentityKey,
    /// How its certificate is known.
    pub(crate) tls: Arc<ClientConfig>,
}

impl Server {
    /// Sets a server up and starts it.
    pub(crate) fn start() -> Result<Self> {
        Self::start_with(Vec::new())
    }

    /// The same with its data in PostgreSQL.
    pub(crate) fn start_on(database: &Postgres) -> Result<Self> {
        Self::start_with(vec![
            ("TWOFOLD__DATABASE__KIND", "postgres".to_owned()),
            ("TWOFOLD__DATABASE__URL", database.url()),
        ])
    }

    fn start_with(environment: Vec<(&'static str, String)>) -> Result<Self> {
        let node = Regtest::start()?;
        let folder = tempfile::tempdir()?;
        let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let output = Command::new(binary("twofold-server")?)
            .args(["init", "--mode", "development"])
            .arg("--dir")
            .arg(folder.path().join("etc"))
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .args(["--public-url", &format!("https://{listen}"), "--listen", &listen])
            .args([
                "--network",
                "regtest",
                "--rpc-url",
                &node.url(),
                "--json",
                "--cookie-file",
            ])
            .arg(node.cookie_file())
            .envs(environment.iter().map(|(name, value)| (*name, value)))
            .output()?;
        let invitation = invitation(&output)?;
        let authority = CertificateDer::pem_file_iter(folder.path().join("etc/chain.pem"))?
            .last()
            .context("a certificate")??;
        let mut roots = RootCertStore::empty();
        roots.add(authority)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let mut server = Self {
            running: None,
            process: Process(0),
            site: Arc::new(Site {
                url: invitation.url,
                identity: invitation.server,
                tls: Arc::new(tls),
            }),
            _node: node,
            environment,
            folder,
        };
        server.resume()?;
        Ok(server)
    }

    /// Starts the server on its folder; how long it took until it answered requests.
    pub(crate) fn resume(&mut self) -> Result<Duration> {
        let log = self.folder.path().join("server.log");
        let told = File::options().create(true).append(true).open(&log)?;
        let mut command = Command::new(binary("twofold-server")?);
        command
            .args(["run", "--json", "--config"])
            .arg(self.config())
            .envs(LIMITS.iter().copied())
            .envs(self.environment.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(told);
        let began = machine::now();
        let mut running = Leashed::spawn(&mut command)?;
        let stdout = running.child().stdout.take().context("a pipe")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let took = began.elapsed();
        let ready: Value = serde_json::from_str(&line).with_context(|| {
            let told = fs::read_to_string(&log).unwrap_or_default();
            let last = told.lines().next_back().unwrap_or("nothing");
            format!("the server said {line:?}; its log ends with: {last}")
        })?;
        let number = ready["pid"].as_u64().context("a process number")?;
        self.process = Process(u32::try_from(number)?);
        self.running = Some(running);
        Ok(took)
    }

    /// Tells the server to stop and waits until it has.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let mut running = self.running.take().context("a running server")?;
        running.terminate()?;
        let status = running.child().wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    /// Another one-time invitation.
    pub(crate) fn invitation(&self) -> Result<Invitation> {
        self.invite(&[])
    }

    /// One that recovers a wallet without a wait.
    pub(crate) fn invitation_to_recover(&self, wallet: WalletId) -> Result<Invitation> {
        self.invite(&["--recover", &wallet.to_string(), "--wait", "0s"])
    }

    fn invite(&self, words: &[&str]) -> Result<Invitation> {
        let output = Command::new(binary("twofold-server")?)
            .args(["invite", "--json", "--config"])
            .arg(self.config())
            .args(words)
            .output()?;
        invitation(&output)
    }

    /// What devices know.
    pub(crate) fn site(&self) -> &Arc<Site> {
        &self.site
    }

    /// Its process.
    pub(crate) const fn process(&self) -> Process {
        self.process
    }

    /// Its database; look into it only while it is stopped.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("data/twofold.db")
    }

    /// The folder of its configuration and its data.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("etc/twofold.toml")
    }
}

fn invitation(output: &std::process::Output) -> Result<Invitation> {
    let answer: Value =
        serde_json::from_slice(&output.stdout).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok(answer["invitation"].as_str().context("an invitation")?.parse()?)
}
