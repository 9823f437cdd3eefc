//! The bitcoind child: found, started, heard until it is ready, and never outliving the test that started it.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A node of a few hundred blocks is ready in under a second; a loaded machine gets far more.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// What the node logs once its RPC answers.
const READY: &str = "Done loading";

/// Where bitcoind is: `BITCOIND_EXE`, else `PATH`, else the one that `./dev` keeps in its cache.
pub fn node_binary() -> Result<PathBuf> {
    if let Some(named) = env::var_os("BITCOIND_EXE") {
        return Ok(PathBuf::from(named));
    }
    cached("bitcoind", "bitcoind").context("no bitcoind: `./dev demo` fetches one, or set BITCOIND_EXE")
}

/// A program on `PATH`, else in a folder of the cache that `./dev` keeps.
pub(crate) fn cached(program: &str, folder: &str) -> Option<PathBuf> {
    let on_path = env::var_os("PATH")
        .into_iter()
        .flat_map(|path| env::split_paths(&path).collect::<Vec<_>>());
    let in_home = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")))
        .map(|caches| caches.join("twofold"));
    let cache = env::var_os("TWOFOLD_CACHE").map(PathBuf::from).or(in_home);
    on_path
        .chain(cache.map(|cache| cache.join(folder)))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// A port that was free a moment ago. Another program may take it first: then starting fails and is tried anew.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A running bitcoind that has said it is ready.
#[derive(Debug)]
pub(crate) struct NodeProcess {
    child: Child,
    /// Dropping it lets the thread that started the child end.
    _life: mpsc::Sender<()>,
}

impl NodeProcess {
    /// Starts bitcoind and returns once its RPC answers.
    pub(crate) fn start(arguments: &[String]) -> Result<Self> {
        let binary = node_binary()?;
        let (life, over) = mpsc::channel::<()>();
        let (child, spawned) = mpsc::sync_channel(1);
        let mut command = command(&binary, arguments);
        // The kernel's "die with your parent" means the parent *thread*, so that thread lives as long as the child.
        thread::Builder::new().name("bitcoind".into()).spawn(move || {
            if child.send(command.spawn()).is_ok() {
                let _ = over.recv();
            }
        })?;
        let mut child = spawned
            .recv()?
            .with_context(|| format!("cannot run {}", binary.display()))?;
        let out = child.stdout.take().context("bitcoind has no output")?;
        let mut process = Self { child, _life: life };
        if let Err(why) = heard_ready(out) {
            process.kill();
            return Err(why);
        }
        Ok(process)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, as an operator would, and waits until all is written.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.signal(Signal::TERM)?;
        let status = self.child.wait()?;
        if status.success() {
            Ok(())
        } else {
            bail!("bitcoind did not end well: {}", told(status))
        }
    }

    /// `kill -9`: whatever it had not written is lost.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Freezes it (SIGSTOP) or lets it go on (SIGCONT): a node that is there and does not answer.
    pub(crate) fn freeze(&self, frozen: bool) -> Result<()> {
        self.signal(if frozen { Signal::STOP } else { Signal::CONT })
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .context("no such process")?;
        Ok(kill_process(pid, signal)?)
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `setpriv` sets the parent-death signal without unsafe code here: a killed test leaves no node.
fn command(binary: &Path, arguments: &[String]) -> Command {
    let mut command = if Path::new("/usr/bin/setpriv").exists() {
        let mut command = Command::new("/usr/bin/setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(binary);
        command
    } else {
        Command::new(binary)
    };
    command.args(arguments).arg("-printtoconsole=1");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// Reads the log until the node is ready, and goes on reading, so that the node never waits for a full pipe.
fn heard_ready(out: ChildStdout) -> Result<()> {
    let (tell, told) = mpsc::channel();
    thread::Builder::new().name("bitcoind log".into()).spawn(move || {
        let mut last = String::new();
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if line.contains(READY) {
                let _ = tell.send(Ok(()));
            }
            if line.to_lowercase().contains("error") {
                last = line;
            }
        }
        let _ = tell.send(Err(anyhow!("bitcoind ended before it was ready: {last}")));
    })?;
    told.recv_timeout(READY_WITHIN)
        .unwrap_or_else(|_| bail!("bitcoind is not ready after {READY_WITHIN:?}"))
}

fn told(status: ExitStatus) -> String {
    status
        .signal()
        .map_or_else(|| status.to_string(), |signal| format!("signal {signal}"))
}
