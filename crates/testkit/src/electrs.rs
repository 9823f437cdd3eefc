//! A real Electrum server over a node of the test's own.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Regtest;
use crate::daemon::free_port;
use crate::node_process::cached;

/// For whatever is waited for, on a loaded machine.
const WITHIN: Duration = Duration::from_secs(60);
/// Between two looks, of which there are so many.
const PAUSE: Duration = Duration::from_millis(20);
const LOOKS: u32 = 3_000;
const START_TRIES: usize = 5;

/// An electrs that indexes a [`Regtest`] which takes peers ([`crate::Options::peers`]). Dropped, it is killed.
#[derive(Debug)]
pub struct Electrs {
    process: Mutex<Option<Process>>,
    address: SocketAddr,
    arguments: Vec<String>,
    _folder: TempDir,
}

#[derive(Debug)]
struct Process {
    child: Child,
    /// Dropping it lets the thread that started the child end.
    _life: mpsc::Sender<()>,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where electrs is: `ELECTRS_EXE`, else `PATH`, else the one that `./dev` keeps in its cache.
fn binary() -> Option<PathBuf> {
    env::var_os("ELECTRS_EXE")
        .map(PathBuf::from)
        .or_else(|| cached("electrs", "electrs-0.10.10"))
}

impl Electrs {
    /// Whether there is one on this machine. The build machine must have one; elsewhere a test does without and says so.
    #[must_use]
    pub fn is_here() -> bool {
        let here = binary().is_some() || env::var_os("CI").is_some();
        if !here {
            eprintln!("not run: no electrs here; ./dev test builds one, or set ELECTRS_EXE");
        }
        here
    }

    /// Starts one, which has indexed the node's chain.
    pub fn start(node: &Regtest) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("twofold-electrs").tempdir()?;
        let peers = node.peers().context("start the node with Options::peers")?;
        let mut tries = 0;
        loop {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
            let arguments = arguments(folder.path(), node, peers, address);
            match spawn(&arguments, address) {
                Ok(process) => {
                    let server = Self {
                        process: Mutex::new(Some(process)),
                        address,
                        arguments,
                        _folder: folder,
                    };
                    server.catch_up(node)?;
                    return Ok(server);
                }
                Err(why) if tries == START_TRIES => return Err(why),
                Err(_) => tries += 1,
            }
        }
    }

    /// Where it listens, in plaintext.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it with `kill -9`.
    pub fn kill(&self) {
        *self.process() = None;
    }

    /// Starts it again at the same place.
    pub fn resume(&self) -> Result<()> {
        let mut process = self.process();
        ensure!(process.is_none(), "electrs is running");
        *process = Some(spawn(&self.arguments, self.address)?);
        Ok(())
    }

    /// Has it look at the node, and waits until it knows the same chain and mempool.
    pub fn catch_up(&self, node: &Regtest) -> Result<()> {
        for _ in 0..LOOKS {
            self.look()?;
            if self.knows_all(node).unwrap_or(false) {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        bail!("electrs does not catch up with its node")
    }

    /// It looks at its node every second, or when it is told to.
    fn look(&self) -> Result<()> {
        let process = self.process();
        let id = process.as_ref().context("electrs is not running")?.child.id();
        let id = i32::try_from(id)
            .ok()
            .and_then(Pid::from_raw)
            .context("no such process")?;
        Ok(kill_process(id, Signal::USR1)?)
    }

    fn knows_all(&self, node: &Regtest) -> Result<bool> {
        let mut asking = Asking::connect(self.address)?;
        let tip = asking.ask("blockchain.headers.subscribe", &json!([]))?;
        let header = asking.ask("blockchain.block.header", &json!([node.height()?]));
        let best: Value = {
            use bitcoincore_rpc::RpcApi;
            node.rpc()?
                .call("getblockheader", &[json!(node.tip()?), json!(false)])?
        };
        if tip["height"] != json!(node.height()?) || header.ok() != Some(best) {
            return Ok(false);
        }
        // It counts fees once it has taken note of the whole mempool.
        let counted = asking.ask("mempool.get_fee_histogram", &json!([]))?;
        Ok(counted.as_array().is_some_and(Vec::is_empty) == node.mempool()?.is_empty())
    }
}

struct Asking(BufReader<TcpStream>);

impl Asking {
    fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(WITHIN))?;
        Ok(Self(BufReader::new(stream)))
    }

    fn ask(&mut self, method: &str, params: &Value) -> Result<Value> {
        let line = format!(
            "{}\n",
            json!({ "jsonrpc": "2.0", "id": 0, "method": method, "params": params })
        );
        self.0.get_mut().write_all(line.as_bytes())?;
        loop {
            let mut line = String::new();
            ensure!(self.0.read_line(&mut line)? > 0, "electrs hung up");
            let mut said: Value = serde_json::from_str(&line)?;
            if said.get("method").is_some() {
                continue;
            }
            if let Some(error) = said.get("error").filter(|error| !error.is_null()) {
                bail!("{method}: {error}");
            }
            return Ok(said["result"].take());
        }
    }
}

fn arguments(folder: &Path, node: &Regtest, peers: SocketAddr, address: SocketAddr) -> Vec<String> {
    let pairs = [
        ("--network", "regtest".to_owned()),
        ("--db-dir", folder.display().to_string()),
        ("--cookie-file", node.cookie_file().display().to_string()),
        ("--daemon-rpc-addr", format!("127.0.0.1:{}", node.port())),
        ("--daemon-p2p-addr", peers.to_string()),
        ("--electrum-rpc-addr", address.to_string()),
        ("--wait-duration-secs", "1".to_owned()),
        ("--log-filters", "ERROR".to_owned()),
    ];
    let pairs = pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
    pairs
        .chain([
            "--skip-default-conf-files".to_owned(),
            "--skip-block-download-wait".to_owned(),
        ])
        .collect()
}

fn spawn(arguments: &[String], address: SocketAddr) -> Result<Process> {
    let binary = binary().context("no electrs: `./dev test` builds one, or set ELECTRS_EXE")?;
    let mut command = Command::new("/usr/bin/setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(&binary).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let (life, over) = mpsc::channel::<()>();
    let (child, spawned) = mpsc::sync_channel(1);
    // The kernel's "die with your parent" means the parent *thread*, so that thread lives as long as the child.
    thread::Builder::new().name("electrs".into()).spawn(move || {
        if child.send(command.spawn()).is_ok() {
            let _ = over.recv();
        }
    })?;
    let child = spawned
        .recv()?
        .with_context(|| format!("cannot run {}", binary.display()))?;
    let mut process = Process { child, _life: life };
    for _ in 0..LOOKS {
        if Asking::connect(address).is_ok_and(|mut asking| asking.ask("server.ping", &json!([])).is_ok()) {
            return Ok(process);
        }
        if let Some(status) = process.child.try_wait()? {
            bail!("electrs ended: {status}");
        }
        thread::sleep(PAUSE);
    }
    bail!("electrs is not ready after {WITHIN:?}")
}
