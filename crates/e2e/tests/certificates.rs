//! Certificates by ACME, from a real authority for tests.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde_json::Value;
use tempfile::TempDir;
use twofold_e2e::process::{Leashed, binary};
use twofold_testkit::Pebble;

/// How long a certificate is good for, in seconds. A new one is ordered after two thirds of it.
const LIFE: u32 = 15;
const LOOK: Duration = Duration::from_millis(50);
/// A minute.
const LOOKS: u32 = 1_200;

/// A server with a name, and an authority that proves it by the server's port.
struct Named {
    folder: TempDir,
    port: u16,
    directory: String,
    ca_file: PathBuf,
}

impl Named {
    fn new() -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        Ok(Self {
            folder: TempDir::new()?,
            port,
            // Nobody listens there.
            directory: "https://localhost:1/dir".into(),
            ca_file: PathBuf::new(),
        })
    }

    fn by(&mut self, authority: &Pebble) {
        self.directory = authority.directory();
        self.ca_file = authority.ca_file();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(binary("twofold-server")?);
        command
            .args(["run", "--dev", "--json", "--network", "regtest"])
            .args(["--listen", &format!("127.0.0.1:{}", self.port), "--data"])
            .arg(self.file("server"))
            .env("TWOFOLD__PUBLIC_URL", format!("https://localhost:{}", self.port))
            .env("TWOFOLD__TLS__TRUST", "web")
            .env("TWOFOLD__TLS__CERTIFICATE", self.file("got.pem"))
            .env("TWOFOLD__TLS__KEY", self.file("got-key.pem"))
            .env("TWOFOLD__ACME__DIRECTORY", &self.directory)
            .env("TWOFOLD__ACME__TERMS_AGREED", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.ca_file.exists() {
            command.env("TWOFOLD__ACME__CA_FILE", &self.ca_file);
        }
        Ok(command)
    }

    /// Starts it and waits until it answers.
    fn start(&self) -> Result<Leashed> {
        let mut server = Leashed::spawn(self.command()?.stderr(fs::File::create(self.file("log"))?))?;
        let stdout = server.child().stdout.take().context("a pipe")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        ensure!(
            line.contains("localhost"),
            "it does not start: {}",
            fs::read_to_string(self.file("log"))?
        );
        Ok(server)
    }

    fn refused(&self) -> Result<Output> {
        Leashed::spawn(&mut self.command()?)?.output()
    }

    /// The certificate that is shown to a device which believes this authority.
    fn shown(&self) -> Result<CertificateDer<'static>> {
        let chain: Vec<_> = CertificateDer::pem_file_iter(self.file("got.pem"))?.collect::<Result<_, _>>()?;
        let mut roots = RootCertStore::empty();
        roots.add(chain.last().context("a chain")?.clone())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let session = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost")?)?;
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        let mut stream = StreamOwned::new(session, stream);
        stream.flush()?;
        let shown = stream.conn.peer_certificates().and_then(|shown| shown.first());
        Ok(shown.context("a certificate")?.clone().into_owned())
    }

    fn troubles(&self) -> Result<String> {
        let asked = Command::new(binary("twofold-server")?)
            .args(["status", "--json", "--socket"])
            .arg(self.file("server/admin.sock"))
            .output()?;
        let told: Value = serde_json::from_slice(&asked.stdout)?;
        Ok(told["troubles"].to_string())
    }
}

#[test]
fn a19_a_certificate_is_got_by_acme_and_renewed_in_time() -> Result<()> {
    let mut named = Named::new()?;
    let Some(authority) = Pebble::start(named.port, LIFE)? else {
        return Ok(());
    };
    named.by(&authority);
    let _server = named.start()?;
    let first = named.shown()?;
    for name in ["got.pem", "got-key.pem", "acme-account"] {
        ensure!(
            fs::metadata(named.file(name))?.mode() & 0o777 == 0o600,
            "{name} is open to others"
        );
    }
    let account = fs::read(named.file("acme-account"))?;
    ensure!(
        !account.windows(4).any(|part| part == b"key_"),
        "the account lies there unsealed"
    );
    for _ in 0..LOOKS {
        if named.shown().is_ok_and(|shown| shown != first) {
            ensure!(
                fs::read(named.file("acme-account"))? == account,
                "another account was made"
            );
            // There is no node, which is trouble of another kind.
            ensure!(!named.troubles()?.contains("renewed"), "{}", named.troubles()?);
            return Ok(());
        }
        thread::sleep(LOOK);
    }
    anyhow::bail!("it was not renewed: {}", fs::read_to_string(named.file("log"))?)
}

#[test]
fn a19_without_the_authority_the_old_certificate_serves_and_no_server_starts_without_one() -> Result<()> {
    let mut named = Named::new()?;
    let refused = named.refused()?;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        refused.status.code() == Some(4) && said.contains("there is no certificate"),
        "{said}"
    );

    let Some(mut authority) = Pebble::start(named.port, LIFE)? else {
        return Ok(());
    };
    named.by(&authority);
    let _server = named.start()?;
    let first = named.shown()?;
    authority.kill();
    for _ in 0..LOOKS {
        if named.troubles()?.contains("not renewed") {
            // Its time may be over by now on a busy machine: then no device takes it, but it is there.
            let chain = fs::read(named.file("got.pem"))?;
            ensure!(CertificateDer::from_pem_slice(&chain)? == first, "the old one is gone");
            ensure!(
                named.shown().map_or(true, |shown| shown == first),
                "another one is shown"
            );
            return Ok(());
        }
        thread::sleep(LOOK);
    }
    anyhow::bail!("nobody is told: {}", fs::read_to_string(named.file("log"))?)
}
