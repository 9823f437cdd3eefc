//! A real PostgreSQL of one test, on a socket of its own and, over TLS, on a port.

use std::env;
use std::fs;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use crate::daemon::{Daemon, free_port};
use crate::node_process::cache;
use crate::open_folder;

/// What the server logs once it answers.
const READY: &str = "database system is ready to accept connections";
/// Tries to start it: another program may take the port first, and what a killed one left takes a moment to go.
const TRIES: usize = 50;
/// Counts the ways in which a cluster was ever made here.
const TEMPLATE: u32 = 3;
/// Who runs it where the test is root, as whom it refuses to run.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// A server with one database, `twofold`, and in it a schema that the role `twofold` owns, and nothing else. Dropped, it
/// is killed and its folder removed; a test that is killed takes it along.
#[derive(Debug)]
pub struct Postgres {
    // The server goes before its folder.
    process: Mutex<Option<Daemon>>,
    programs: PathBuf,
    runs_as: Option<(u32, u32)>,
    port: u16,
    ca: String,
    settings: Mutex<Vec<String>>,
    folder: TempDir,
}

impl Postgres {
    /// The password of the role `twofold`, for connections over TLS.
    pub const PASSWORD: &str = "correct horse battery staple";

    /// A server of this test's own.
    pub fn start() -> Result<Self> {
        let mut postgres = Self::place()?;
        let made = fs::File::open(postgres.made()?)?;
        let unpacked = postgres.tar("-x").stdin(made).output()?;
        succeeded("tar", &unpacked)?;
        postgres.ca = certificates(&postgres.data(), postgres.runs_as)?;
        postgres.restart()?;
        Ok(postgres)
    }

    fn place() -> Result<Self> {
        let runs_as = geteuid().is_root().then(unprivileged).transpose()?;
        let folder = if runs_as.is_some() {
            open_folder("twofold-pg")?
        } else {
            tempfile::Builder::new().prefix("twofold-pg").tempdir()?
        };
        give(folder.path(), runs_as)?;
        Ok(Self {
            process: Mutex::default(),
            programs: programs()?,
            runs_as,
            port: free_port()?,
            ca: String::new(),
            settings: Mutex::default(),
            folder,
        })
    }

    /// A cluster to unpack, made once: making one costs more than most tests. It is one file, so that whoever moves the
    /// cache elsewhere can't lose its owners and empty folders.
    fn made(&self) -> Result<PathBuf> {
        let cache = cache().context("no cache: set TWOFOLD_CACHE or HOME")?;
        fs::create_dir_all(&cache)?;
        let version = self.program("postgres").arg("--version").output()?;
        succeeded("postgres --version", &version)?;
        let version: String = String::from_utf8_lossy(&version.stdout)
            .chars()
            .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '.')
            .collect();
        let made = cache.join(format!("{version}-{TEMPLATE}.tar"));
        let lock = fs::File::create(cache.join("postgres.lock"))?;
        flock(&lock, FlockOperation::LockExclusive)?;
        if !made.exists() {
            let other = Self::place()?;
            other.make()?;
            // Under another name until it is whole.
            let part = made.with_extension("part");
            let packed = other.tar("-c").arg("data").stdout(fs::File::create(&part)?).output()?;
            succeeded("tar", &packed)?;
            fs::rename(part, &made)?;
        }
        Ok(made)
    }

    fn make(&self) -> Result<()> {
        let data = self.data();
        let initdb = self
            .program("initdb")
            .args([
                "--username=postgres",
                "--auth=trust",
                "--no-locale",
                "--encoding=UTF8",
                "--no-sync",
            ])
            .args(["--wal-segsize=1", "-D"])
            .arg(&data)
            .output()?;
        succeeded("initdb", &initdb)?;
        certificates(&data, self.runs_as)?;
        let access = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), access)?;
        self.restart()?;
        let role = format!(
            "CREATE ROLE twofold LOGIN PASSWORD '{}'; ALTER ROLE twofold SET search_path = twofold",
            Self::PASSWORD
        );
        self.sql_in("postgres", &role)?;
        self.sql_in("postgres", "CREATE DATABASE twofold")?;
        self.sql(
            "REVOKE ALL ON DATABASE twofold FROM PUBLIC;
             GRANT CONNECT ON DATABASE twofold TO twofold;
             REVOKE ALL ON SCHEMA public FROM PUBLIC;
             CREATE SCHEMA twofold AUTHORIZATION twofold",
        )?;
        // Three quarters of the files to copy are databases that nobody asks.
        self.sql(
            "UPDATE pg_database SET datistemplate = FALSE;
             DROP DATABASE postgres;
             DROP DATABASE template1;
             DROP DATABASE template0;",
        )?;
        self.stop()
    }

    /// The database by its socket, as the role `twofold`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_as("twofold")
    }

    /// The same as another role.
    #[must_use]
    pub fn url_as(&self, role: &str) -> String {
        format!(
            "host={} port={} user={role} dbname=twofold",
            self.folder.path().display(),
            self.port
        )
    }

    /// The database over TLS; it wants [`Self::PASSWORD`]. The certificate is for `localhost`.
    #[must_use]
    pub fn tls_url(&self) -> String {
        self.tls_url_at(self.port)
    }

    /// The same by way of another port of this machine.
    #[must_use]
    pub fn tls_url_at(&self, port: u16) -> String {
        format!("host=localhost hostaddr=127.0.0.1 port={port} user=twofold dbname=twofold")
    }

    /// The port that it serves TLS on; the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The authority that vouches for its certificate, in PEM.
    #[must_use]
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// Runs statements in the database as the superuser, one transaction; what they answer, values alone, a row a line.
    pub fn sql(&self, statements: &str) -> Result<String> {
        self.sql_in("twofold", statements)
    }

    fn sql_in(&self, database: &str, statements: &str) -> Result<String> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"])
            .args(["--set=ON_ERROR_STOP=1", "--username=postgres", "--dbname", database])
            .arg("--host")
            .arg(self.folder.path())
            .args(["--port", &self.port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = psql.spawn()?;
        child
            .stdin
            .take()
            .context("psql listens")?
            .write_all(statements.as_bytes())?;
        let output = child.wait_with_output()?;
        succeeded("psql", &output)?;
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// The schema of the role `twofold` as statements that make it, as an operator keeps it.
    pub fn dump(&self) -> Result<String> {
        let dumped = Command::new(self.programs.join("pg_dump"))
            .args([
                "--schema=twofold",
                "--username=postgres",
                "--port",
                &self.port.to_string(),
            ])
            .arg("--host")
            .arg(self.folder.path())
            .arg("twofold")
            .output()?;
        succeeded("pg_dump", &dumped)?;
        Ok(String::from_utf8(dumped.stdout)?)
    }

    /// A setting, such as `synchronous_commit=off`, from the next start on.
    pub fn set(&self, setting: &str) {
        self.settings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(setting.to_owned());
    }

    /// Starts it again: stopped in good order, if it runs.
    pub fn restart(&self) -> Result<()> {
        self.stop()?;
        let mut process = self.process();
        let mut tries = 0;
        *process = Some(loop {
            match Daemon::start("postgres", &self.server(), READY) {
                Ok(process) => break process,
                Err(why) if tries == TRIES => return Err(why),
                Err(_) => {
                    tries += 1;
                    std::thread::sleep(std::time::Duration::from_millis(100));
                }
            }
        });
        Ok(())
    }

    fn stop(&self) -> Result<()> {
        let Some(running) = self.process().take() else {
            return Ok(());
        };
        // A fast shutdown: it asks nobody to be done.
        running.signal(Signal::INT)?;
        running.stop()
    }

    /// `kill -9`: what it had not written is lost, and who is connected is cut off. [`Self::restart`] has it recover.
    pub fn kill(&self) {
        if let Some(mut running) = self.process().take() {
            running.kill();
            // Its sessions notice sooner or later; no later than this.
            while self.kill_sessions() > 0 {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
    }

    /// Kills what is left of a server: its processes stand in its data folder. How many there were.
    fn kill_sessions(&self) -> usize {
        let data = self.data();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ours = processes.filter(|process| fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == data));
        let ids = ours.filter_map(|process| process.file_name().to_str()?.parse().ok().and_then(Pid::from_raw));
        ids.filter(|id| kill_process(*id, Signal::KILL).is_ok()).count()
    }

    fn process(&self) -> MutexGuard<'_, Option<Daemon>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn server(&self) -> Command {
        let data = self.data();
        let mut server = self.program("postgres");
        server.arg("-D").arg(&data).args(["-p", &self.port.to_string()]);
        let folder = self.folder.path().display();
        let mut settings = vec![
            format!("unix_socket_directories={folder}"),
            format!("listen_addresses={}", Ipv4Addr::LOCALHOST),
            "ssl=on".to_owned(),
            "shared_buffers=32MB".to_owned(),
            "max_connections=60".to_owned(),
        ];
        settings.extend(
            self.settings
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
                .cloned(),
        );
        for setting in settings {
            server.arg("-c").arg(setting);
        }
        server
    }

    /// One of its programs, as who may run it.
    fn program(&self, name: &str) -> Command {
        self.unprivileged(&self.programs.join(name))
    }

    /// Packs or unpacks its folder, by a pipe: who runs it may not be let in where the file is.
    fn tar(&self, what: &str) -> Command {
        let mut tar = self.unprivileged(Path::new("tar"));
        tar.arg(what).arg("-f-").arg("-C").arg(self.folder.path());
        tar
    }

    fn unprivileged(&self, program: &Path) -> Command {
        let Some((user, group)) = self.runs_as else {
            return Command::new(program);
        };
        let mut command = Command::new("/usr/bin/setpriv");
        command
            .args([format!("--reuid={user}"), format!("--regid={group}")])
            .args(["--clear-groups", "--pdeathsig", "KILL", "--"])
            .arg(program);
        command
    }
}

/// Where the server's programs are: Debian keeps them apart, by version.
fn programs() -> Result<PathBuf> {
    let kept = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut folders: Vec<PathBuf> = kept.flatten().map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    let on_path = env::var_os("PATH")
        .into_iter()
        .flat_map(|path| env::split_paths(&path).collect::<Vec<_>>());
    folders
        .into_iter()
        .rev()
        .chain(on_path)
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .context("no PostgreSQL server: install the package postgresql")
}

/// A user that is not root.
fn unprivileged() -> Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    for name in UNPRIVILEGED {
        let line = users.lines().find(|line| line.split(':').next() == Some(name));
        let mut ids = line.into_iter().flat_map(|line| line.split(':').skip(2));
        if let (Some(user), Some(group)) = (ids.next(), ids.next()) {
            return Ok((user.parse()?, group.parse()?));
        }
    }
    bail!("PostgreSQL does not run as root, and there is no user {UNPRIVILEGED:?}")
}

fn give(path: &Path, to: Option<(u32, u32)>) -> Result<()> {
    if let Some((user, group)) = to {
        chown(path, Some(user), Some(group))?;
    }
    Ok(())
}

/// Puts a certificate for `localhost` into the data folder; the authority that vouches for it.
fn certificates(data: &Path, owner: Option<(u32, u32)>) -> Result<String> {
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate()?;
    let certificate = ca.self_signed(&ca_key)?;
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate()?;
    let server = CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &issuer)?;
    for (name, text) in [("server.crt", server.pem()), ("server.key", key.serialize_pem())] {
        let path = data.join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        give(&path, owner)?;
    }
    Ok(certificate.pem())
}

fn succeeded(what: &str, output: &Output) -> Result<()> {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{what} failed: {said}");
    Ok(())
}
