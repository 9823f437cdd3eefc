//! The agent: a process that keeps a keystore's data key in locked memory for a while, so that commands need no passphrase.
//!
//! It listens on a unix socket of mode 0600 in the keystore's own folder (mode 0700) and answers its own user alone. The
//! key reaches it by a pipe and leaves it by the socket; it is on no command line, in no environment and in no file. The
//! process writes no core dump and can't be attached to by others of the same user (`PR_SET_DUMPABLE` 0). It ends when its
//! time is over, when the machine has slept, when the key file is another or gone, and on `twofold lock`.
//!
//! While an agent lives it holds a lock on a file beside the socket. So who ends it knows that it is gone, and nobody takes a
//! living agent's socket away.
//!
//! What it can't keep out: whatever runs as the same user may ask on the socket as a command does. Hibernation writes locked
//! memory to disk like any other.
//!
//! | asked | bytes | answered |
//! |---|---|---|
//! | key | `K`, digest of the key file (32) | `+`, the data key (32); `-` where the digest is another |
//! | lock | `L` | `+` once the key is wiped, and it ends |

mod held;
mod lease;

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::{
        fd::AsFd as _,
        unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::{
    mm::MlockAllFlags,
    process::{DumpableBehavior, Resource, Rlimit},
};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    time::{sleep, timeout},
};
use twofold_client::keystore::{Loan, file::Folder, file_digest};
use zeroize::Zeroizing;

use crate::exit::Wrong;
pub(crate) use held::Held;
pub(crate) use lease::Lease;

/// Longest that a keystore stays open.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Longest for one question and its answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest that an agent is waited for that is to end: longer than somebody else's question may take it.
const ENDING: Duration = Duration::from_secs(5);
/// Between two looks whether it has.
const MOMENT: Duration = Duration::from_millis(20);
/// Between two looks at clock and key file.
const LOOK: Duration = Duration::from_millis(500);
/// What a started agent says.
pub(crate) const READY: &str = "ready\n";
/// Longest path of a socket that every Unix takes.
const PATH: usize = 100;

/// A span such as `90s`, `15m` or `2h`.
pub(crate) fn parse_span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no span: write 90s, 15m or 2h, at most 24h");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    let span = Duration::from_secs(seconds.ok_or_else(wrong)?);
    if span.is_zero() || span > LONGEST {
        return Err(wrong());
    }
    Ok(span)
}

/// The same as text, in the largest unit that tells it exactly.
pub(crate) fn show_span(span: Duration) -> String {
    match span.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

fn socket(home: &Path) -> PathBuf {
    home.join("agent.sock")
}

/// Keeps what this process has in memory now from being written to disk, for a command that waits with secrets for
/// longer than moments; whether the system lets it.
pub(crate) fn stay_in_memory() -> bool {
    rustix::mm::mlockall(MlockAllFlags::CURRENT).is_ok()
}

fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// No core dump, and nobody of the same user attaches or reads this process's memory.
pub(crate) fn harden() -> io::Result<()> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    Ok(rustix::process::setrlimit(Resource::Core, none)?)
}

/// The agent itself: takes the key from standard input, says when it is ready, serves until it must end.
pub(crate) async fn serve(home: &Path, seconds: u64) -> Result<()> {
    harden().context("this system does not let a process keep its memory to itself")?;
    rustix::process::setsid().context("the agent can't leave the terminal")?;
    let lease = Lease::start(Duration::from_secs(seconds).min(LONGEST));
    let _alive = come_alive(home).await?;
    // Unbuffered, so that the key comes into the locked page and nowhere else.
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let held = Held::read(&mut input).context(
        "this system locks no memory for you (see ulimit -l), so the key could reach the disk; nothing was unlocked",
    )?;
    let key_file = home.join("keystore.twofold");
    ensure!(
        digest(&key_file).as_ref() == Some(held.file()),
        "the keystore was changed meanwhile"
    );

    let place = socket(home);
    let listener = listen(&place)?;
    let own = identity(&place).context("the socket is gone")?;
    let mut out = io::stdout();
    out.write_all(READY.as_bytes()).and_then(|()| out.flush())?;
    let nowhere = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nowhere)?;
    rustix::stdio::dup2_stdout(&nowhere)?;
    rustix::stdio::dup2_stderr(&nowhere)?;
    std::env::set_current_dir("/")?;

    let mut look = tokio::time::interval(LOOK);
    let is_over = || lease.is_over() || digest(&key_file).as_ref() != Some(held.file());
    let asked = loop {
        tokio::select! {
            biased;
            _ = look.tick() => if is_over() { break None },
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { break None };
                if let Ok(Ok(Next::End(asked))) = timeout(PATIENCE, answer(stream, &held, &is_over)).await {
                    break asked;
                }
            }
        }
    };
    drop(held);
    if identity(&place) == Some(own) {
        drop(std::fs::remove_file(&place));
    }
    if let Some(mut stream) = asked {
        drop(timeout(PATIENCE, stream.write_all(b"+")).await);
    }
    Ok(())
}

/// What comes after a question.
enum Next {
    /// The next one.
    Wait,
    /// The end; who asked for it is told when the key is wiped.
    End(Option<UnixStream>),
}

/// Answers one question.
async fn answer(mut stream: UnixStream, held: &Held, is_over: &impl Fn() -> bool) -> io::Result<Next> {
    if stream.peer_cred()?.uid() != me() {
        return Ok(Next::Wait);
    }
    match stream.read_u8().await? {
        b'K' => {
            let mut file = [0; 32];
            stream.read_exact(&mut file).await?;
            // Looked at last of all, for who asks may take its time: the machine may have slept since it began.
            if is_over() {
                return Ok(Next::End(None));
            }
            if file == *held.file() {
                stream.write_all(b"+").await?;
                stream.write_all(held.key()).await?;
            } else {
                stream.write_all(b"-").await?;
            }
            stream.shutdown().await?;
            Ok(Next::Wait)
        }
        b'L' => Ok(Next::End(Some(stream))),
        _ => Ok(Next::Wait),
    }
}

/// The file that an agent holds a lock on while it lives.
fn life(home: &Path) -> PathBuf {
    home.join("agent.lock")
}

/// The lock of the one agent that a keystore has; who looks whether one lives has it for a moment.
async fn come_alive(home: &Path) -> Result<File> {
    let place = life(home);
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.mode(0o600).custom_flags(no_follow).open(&place);
    let file = file.with_context(|| format!("{} can't be opened", place.display()))?;
    let taken = async {
        loop {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => sleep(MOMENT).await,
                Err(TryLockError::Error(fault)) => return Err(fault),
                Ok(()) => return Ok(()),
            }
        }
    };
    let taken = timeout(PATIENCE, taken).await;
    taken.context("another agent still holds this keystore's key; end it with: twofold lock")??;
    Ok(file)
}

/// Whether an agent holds its lock. Where that can't be known, it may.
fn is_alive(home: &Path) -> bool {
    match File::open(life(home)) {
        Ok(file) => file.try_lock_shared().is_err(),
        Err(fault) => fault.kind() != io::ErrorKind::NotFound,
    }
}

/// Which file lies at a place.
fn identity(place: &Path) -> Option<(u64, u64)> {
    let found = std::fs::symlink_metadata(place).ok()?;
    Some((found.dev(), found.ino()))
}

fn digest(key_file: &Path) -> Option<[u8; 32]> {
    std::fs::read(key_file).ok().map(|bytes| Sha256::digest(bytes).into())
}

/// Listens with mode 0600. What a dead agent left is removed; that none lives, its lock has shown.
fn listen(place: &Path) -> Result<UnixListener> {
    if place.as_os_str().len() > PATH {
        bail!(Wrong(format!(
            "{} is too long for a socket; keep the keystore in a folder with a shorter path",
            place.display()
        )));
    }
    match std::fs::remove_file(place) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault.into()),
        _ => {}
    }
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(place);
    rustix::process::umask(before);
    let listener = listener.with_context(|| format!("{} can't be listened on", place.display()))?;
    let mode = std::fs::symlink_metadata(place)?.mode();
    ensure!(mode & 0o777 == 0o600, "{} has mode {:o}", place.display(), mode & 0o777);
    Ok(listener)
}

/// A connection to the agent of a keystore, if there is one and it is ours.
async fn connect(home: &Path) -> Option<UnixStream> {
    let place = socket(home);
    let found = std::fs::symlink_metadata(&place).ok()?;
    if found.uid() != me() || found.mode() & 0o077 != 0 {
        return None;
    }
    let stream = UnixStream::connect(&place).await.ok()?;
    (stream.peer_cred().ok()?.uid() == me()).then_some(stream)
}

/// The data key, if an agent holds it for this very keystore.
pub(crate) async fn borrow(folder: &Folder) -> Option<Loan> {
    let file = file_digest(folder).await.ok()??;
    let ask = async {
        let mut stream = connect(folder.path()).await?;
        stream.write_all(b"K").await.ok()?;
        stream.write_all(&file).await.ok()?;
        if stream.read_u8().await.ok()? != b'+' {
            return None;
        }
        let mut key = Zeroizing::new([0; 32]);
        stream.read_exact(key.as_mut_slice()).await.ok()?;
        Some(Loan::new(key, file))
    };
    timeout(PATIENCE, ask).await.ok()?
}

/// Tells the agent to end, and waits until it has; whether there was one. One that does not end is an error: it still holds
/// the key.
pub(crate) async fn end(home: &Path) -> Result<bool> {
    let asked = async {
        let mut stream = connect(home).await?;
        stream.write_all(b"L").await.ok()?;
        (stream.read_u8().await.ok()? == b'+').then_some(())
    };
    if !is_alive(home) && connect(home).await.is_none() {
        return Ok(false);
    }
    let pid = connect(home).await.and_then(|stream| stream.peer_cred().ok()?.pid());
    let ended = async {
        // Whether it was by our word or by its time: it is gone once its lock is.
        let _ = asked.await;
        while is_alive(home) || connect(home).await.is_some() {
            sleep(MOMENT).await;
        }
    };
    if timeout(ENDING, ended).await.is_err() {
        bail!(Alive(pid.map_or_else(String::new, |pid| format!(", process {pid},"))));
    }
    Ok(true)
}

/// It was told to end, and did not.
#[derive(Debug, thiserror::Error)]
#[error("the agent{0} does not end and STILL HOLDS THE KEY: end it with kill -9, then run twofold lock again")]
struct Alive(String);

#[cfg(test)]
mod tests;
