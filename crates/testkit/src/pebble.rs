//! An authority that gives certificates out by ACME: Let's Encrypt's own for tests.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use tempfile::TempDir;

use crate::Authority;
use crate::daemon::{Daemon, free_port};

/// What it logs before it listens.
const READY: &str = "ACME directory available at";
/// Looks whether it listens, and the pause between two.
const LOOKS: u32 = 1_500;
const PAUSE: Duration = Duration::from_millis(20);
/// Tries to start it: another program may take a port first.
const TRIES: usize = 5;

/// A Pebble that asks for proofs at one port. Dropped, it is killed; started anew it knows nobody any more.
#[derive(Debug)]
pub struct Pebble {
    process: Option<Daemon>,
    port: u16,
    folder: TempDir,
}

impl Pebble {
    /// One that asks for proofs at this port and gives certificates for so many seconds; none where it is not installed,
    /// which the build machine must have.
    pub fn start(tls_port: u16, seconds: u32) -> Result<Option<Self>> {
        let path = env::var_os("PATH").unwrap_or_default();
        if !env::split_paths(&path).any(|folder| folder.join("pebble").is_file()) {
            ensure!(env::var_os("CI").is_none(), "CI must have pebble");
            eprintln!("not run: pebble is not installed");
            return Ok(None);
        }
        let mut last = None;
        for _ in 0..TRIES {
            match Self::try_start(tls_port, seconds) {
                Ok(pebble) => return Ok(Some(pebble)),
                Err(why) => last = Some(why),
            }
        }
        Err(last.context("no try")?)
    }

    fn try_start(tls_port: u16, seconds: u32) -> Result<Self> {
        let mut pebble = Self {
            process: None,
            port: free_port()?,
            folder: tempfile::Builder::new().prefix("twofold-pebble").tempdir()?,
        };
        let folder = pebble.folder.path();
        let authority = Authority::new();
        let (chain, key) = authority.for_server();
        fs::write(folder.join("site.pem"), chain)?;
        fs::write(folder.join("site-key.pem"), key)?;
        fs::write(folder.join("site-ca.pem"), authority.pem())?;
        let settings = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{}", pebble.port),
            "managementListenAddress": format!("127.0.0.1:{}", free_port()?),
            "certificate": folder.join("site.pem"),
            "privateKey": folder.join("site-key.pem"),
            "httpPort": 1,
            "tlsPort": tls_port,
            "certificateValidityPeriod": seconds,
        }});
        fs::write(folder.join("pebble.json"), settings.to_string())?;
        let mut command = Command::new("pebble");
        command
            .arg("-config")
            .arg(folder.join("pebble.json"))
            .env("PEBBLE_VA_NOSLEEP", "1");
        pebble.process = Some(Daemon::start("pebble", &command, READY)?);
        for _ in 0..LOOKS {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, pebble.port)).is_ok() {
                return Ok(pebble);
            }
            thread::sleep(PAUSE);
        }
        bail!("pebble does not listen")
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> String {
        format!("https://localhost:{}/dir", self.port)
    }

    /// PEM: who vouches for its own site.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("site-ca.pem")
    }

    /// It is gone for good.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }
}
