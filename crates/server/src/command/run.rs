//! `run`.

use std::{net::SocketAddr, path::PathBuf, process, time::Duration};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use twofold_cosigner::port::Clock as _;

use super::{Node, invite, say};
use crate::{
    clock::SystemClock,
    config::{Config, LogFormat},
    development,
    fault::Fault,
    log, node, production, serve,
};

/// What to run.
#[derive(Debug, Clone)]
pub enum Run {
    /// A configured server.
    Config {
        /// Its configuration file.
        file: PathBuf,
        /// The machine's clock is right, however far it has moved since the last run.
        trust_clock: bool,
        /// The anchor is lost: begin another.
        new_anchor: bool,
        /// Print one line of JSON when requests are answered.
        json: bool,
    },
    /// A server for trying, on loopback.
    Development {
        /// Where to keep everything; none: in a temporary folder that goes with the process.
        data: Option<PathBuf>,
        /// Where to listen.
        listen: SocketAddr,
        /// The node; without a cookie file, none answers.
        node: Node,
        /// The anchor is lost: begin another.
        new_anchor: bool,
        /// Print one line of JSON when requests are answered, and log in JSON.
        json: bool,
    },
}

/// How long the invitation of a development server can be used, in seconds.
const DEVELOPMENT_INVITATION: u64 = 24 * 3600;

/// How long threads get to end that are busy with files when the server has stopped.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Runs a server until it is told to stop.
pub fn run(what: Run) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::System(format!("can't start: {error}")))?;
    let ended: Result<(), Fault> = runtime.block_on(async {
        match what {
            Run::Config {
                file,
                trust_clock,
                new_anchor,
                json,
            } => {
                if cfg!(feature = "failpoints") {
                    let told = "this binary was built with failpoints, for tests: it runs with --dev only";
                    return Err(Fault::Config(told.into()));
                }
                let config = Config {
                    trust_clock,
                    new_anchor,
                    ..Config::load(&file)?
                };
                let (level, traces) = log::start(&config.log, &config.traces)?;
                production::start(&config)?;
                let listener = serve::bind(config.listen).await?;
                let ended = Box::pin(run_until_told(&config, level, listener, json, false)).await;
                traces.end().await;
                ended
            }
            Run::Development {
                data,
                listen,
                node,
                new_anchor,
                json,
            } => {
                if !listen.ip().is_loopback() {
                    return Err(Fault::Config(
                        "run --dev listens on loopback only; for others use init and run --config".into(),
                    ));
                }
                let listener = serve::bind(listen).await?;
                let bound = listener
                    .local_addr()
                    .map_err(|error| Fault::listening(listen, &error))?;
                let gone_with_us = if data.is_none() { Some(temporary()?) } else { None };
                let folder = data
                    .or_else(|| gone_with_us.as_ref().map(|folder| folder.path().to_owned()))
                    .unwrap_or_default();
                let folder = std::path::absolute(&folder).map_err(Fault::writing(&folder))?;
                let mut config =
                    development::prepare(&folder, SystemClock.now(), bound, node.bitcoin())?.overridden()?;
                if json {
                    config.log.format = LogFormat::Json;
                }
                config.new_anchor = new_anchor;
                let (level, traces) = log::start(&config.log, &config.traces)?;
                config.check()?;
                let ended = Box::pin(run_until_told(&config, level, listener, json, true)).await;
                traces.end().await;
                ended
            }
        }
    });
    // What still reads or writes a file, such as a backup, is not waited for: it leaves nothing half done under its name.
    runtime.shutdown_timeout(LAST_WORDS);
    ended
}

/// What SIGUSR1 turns the log to. It is no more than production mode lets the configuration say.
const LOUDER: &str = "debug";

async fn run_until_told(
    config: &Config,
    level: log::LevelHandle,
    listener: TcpListener,
    json: bool,
    invited: bool,
) -> Result<(), Fault> {
    open_many_files();
    report_panics();
    #[cfg(feature = "failpoints")]
    let _failpoints = crate::failpoint::scenario();
    let mut terminate = signals(SignalKind::terminate())?;
    let mut interrupt = signals(SignalKind::interrupt())?;
    let (mut louder, mut as_usual) = (
        signals(SignalKind::user_defined1())?,
        signals(SignalKind::user_defined2())?,
    );
    // Where the system bounds a file's size, a write past that is to fail like one on a full disk, not to end the process.
    let _past_the_bound = signals(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;

    let chain = node::connect(&config.bitcoin)?;
    if let Some(why) = config.bitcoin.obstacle() {
        tracing::warn!(why, "the bitcoin node can't be asked yet; trying until it can");
    }
    let links = chain.links();
    let running = Box::pin(serve::start(
        config,
        listener,
        chain,
        links,
        SystemClock,
        Some(level.clone()),
    ))
    .await?;
    let invitation = if invited {
        Some(running.invite(DEVELOPMENT_INVITATION).await?)
    } else {
        None
    };
    if json {
        say(serde_json::json!({
            "url": running.url().as_str(),
            "invitation": invitation.as_ref().map(ToString::to_string),
            "admin_socket": running.admin_socket(),
            "metrics": running.metrics(),
            "pid": process::id(),
        }));
    } else if let Some(invitation) = &invitation {
        invite::print(invitation);
        say(format_args!(
            "More:           twofold-server invite --socket {}",
            running.admin_socket().display()
        ));
    }

    let mut told = 0;
    let stopped = running.stopper();
    let mut whole = std::pin::pin!(running.stopped());
    loop {
        tokio::select! {
            ended = &mut whole => return ended,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = louder.recv() => {
                turn(&level, LOUDER);
                continue;
            }
            _ = as_usual.recv() => {
                turn(&level, &config.log.level);
                continue;
            }
        }
        told += 1;
        tracing::info!(told, "told to stop");
        stopped.stop();
    }
}

/// Has the log say so much from now on.
fn turn(level: &log::LevelHandle, to: &str) {
    match level.set(to) {
        Ok(()) => tracing::info!(level = to, "the log level was changed, by a signal"),
        Err(fault) => tracing::error!(%fault, "the log level was not changed"),
    }
}

fn temporary() -> Result<tempfile::TempDir, Fault> {
    let made = tempfile::Builder::new().prefix("twofold-server-").tempdir();
    made.map_err(|error| Fault::System(format!("can't make a temporary folder: {error}")))
}

fn signals(kind: SignalKind) -> Result<tokio::signal::unix::Signal, Fault> {
    signal(kind).map_err(|error| Fault::System(format!("can't listen for signals: {error}")))
}

/// As many open files as the system allows: a connection is one, and a shell gives 1,024.
fn open_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: most,
            maximum: most,
        },
    ) {
        tracing::warn!(%error, "can't open more files: connections may be refused before their limit");
    }
}

/// A panic is logged by its place alone: its message may hold what a log must not.
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic");
    }));
}
