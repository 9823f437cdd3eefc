//! A child that serves a test: started, heard until it is ready, and never outliving the test that started it.

use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};

/// What a test starts is small and ready in under a second; a loaded machine gets far more.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// A port that was free a moment ago. Another program may take it first: then starting fails and is tried anew.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A running program that has said it is ready.
#[derive(Debug)]
pub(crate) struct Daemon {
    name: &'static str,
    child: Child,
    /// Dropping it lets the thread that started the child end.
    _life: mpsc::Sender<()>,
}

impl Daemon {
    /// Starts it and returns once it has logged what says that it is ready.
    pub(crate) fn start(name: &'static str, command: &Command, ready: &'static str) -> Result<Self> {
        let (life, over) = mpsc::channel::<()>();
        let (child, spawned) = mpsc::sync_channel(1);
        let (out, log) = pipe()?;
        let mut command = dying_along(command);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // The kernel's "die with your parent" means the parent *thread*, so that thread lives as long as the child.
        thread::Builder::new().name(name.into()).spawn(move || {
            let started = command.spawn();
            // Its copies of the log's end go with it.
            drop(command);
            if child.send(started).is_ok() {
                let _ = over.recv();
            }
        })?;
        let child = spawned.recv()?.with_context(|| format!("cannot run {name}"))?;
        let mut process = Self {
            name,
            child,
            _life: life,
        };
        if let Err(why) = heard_ready(name, out, ready) {
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
            bail!("{} did not end well: {}", self.name, told(status))
        }
    }

    /// `kill -9`: whatever it had not written is lost.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Freezes it (SIGSTOP) or lets it go on (SIGCONT): a program that is there and does not answer.
    pub(crate) fn freeze(&self, frozen: bool) -> Result<()> {
        self.signal(if frozen { Signal::STOP } else { Signal::CONT })
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .context("no such process")?;
        Ok(kill_process(pid, signal)?)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `setpriv` sets the parent-death signal without unsafe code here: a killed test leaves nothing behind.
fn dying_along(command: &Command) -> Command {
    let mut along = if Path::new("/usr/bin/setpriv").exists() {
        let mut along = Command::new("/usr/bin/setpriv");
        along.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program());
        along
    } else {
        Command::new(command.get_program())
    };
    along.args(command.get_args());
    along
}

/// Reads the log until the program is ready, and goes on reading, so that it never waits for a full pipe.
fn heard_ready(name: &'static str, out: PipeReader, ready: &'static str) -> Result<()> {
    let (tell, told) = mpsc::channel();
    thread::Builder::new().name(format!("{name} log")).spawn(move || {
        let (mut last, mut wrong) = (String::new(), None);
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if line.contains(ready) {
                let _ = tell.send(Ok(()));
            }
            if line.to_lowercase().contains("error") || line.contains("FATAL") {
                wrong = Some(line.clone());
            }
            last = line;
        }
        let why = wrong.unwrap_or(last);
        let _ = tell.send(Err(anyhow!("{name} ended before it was ready: {why}")));
    })?;
    told.recv_timeout(READY_WITHIN)
        .unwrap_or_else(|_| bail!("{name} is not ready after {READY_WITHIN:?}"))
}

fn told(status: ExitStatus) -> String {
    status
        .signal()
        .map_or_else(|| status.to_string(), |signal| format!("signal {signal}"))
}
