//! The agent: a process that keeps a keystore's data key in locked memory for a while, so that commands need no passphrase.
//!
//! It listens on a unix socket of mode 0600 in the keystore's own folder (mode 0700) and answers its own user alone. The
//! key reaches it by a pipe and leaves it by the socket; it is on no command line, in no environment and in no file. The
//! process writes no core dump and can't be attached to by others of the same user (`PR_SET_DUMPABLE` 0). It ends when its
//! time is over, when the machine has slept, when the key file is another or gone, and on `twofold lock`.
//!
//! What it can't keep out: whatever runs as the same user may ask on the socket as a command does. Hibernation writes locked
//! memory to disk like any other.
//!
//! | asked | bytes | answered |
//! |---|---|---|
//! | key | `K`, digest of the key file (32) | `+`, the data key (32); `-` where the digest is another |
//! | lock | `L` | `+`, and it ends |

mod held;
mod lease;

use std::{
    fs::File,
    io::{self, Write as _},
    os::{fd::AsFd as _, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    time::timeout,
};
use twofold_client::keystore::{Loan, file::Folder, file_digest};
use zeroize::Zeroizing;

use crate::exit::Wrong;
use held::Held;
use lease::Lease;

/// Longest that a keystore stays open.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Longest for one question and its answer.
const PATIENCE: Duration = Duration::from_secs(2);
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

fn socket(home: &Path) -> PathBuf {
    home.join("agent.sock")
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
    let mut out = io::stdout();
    out.write_all(READY.as_bytes()).and_then(|()| out.flush())?;
    let nowhere = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nowhere)?;
    rustix::stdio::dup2_stdout(&nowhere)?;
    rustix::stdio::dup2_stderr(&nowhere)?;
    std::env::set_current_dir("/")?;

    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            biased;
            _ = look.tick() => {
                if lease.is_over() || digest(&key_file).as_ref() != Some(held.file()) {
                    break;
                }
            }
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { break };
                // Looked at again: what the tick would find must not be answered before it.
                if lease.is_over() || digest(&key_file).as_ref() != Some(held.file()) {
                    break;
                }
                if let Ok(Ok(true)) = timeout(PATIENCE, answer(stream, &held)).await {
                    break;
                }
            }
        }
    }
    drop(held);
    drop(std::fs::remove_file(&place));
    Ok(())
}

/// Answers one question; true where it was to end.
async fn answer(mut stream: UnixStream, held: &Held) -> io::Result<bool> {
    if stream.peer_cred()?.uid() != me() {
        return Ok(false);
    }
    match stream.read_u8().await? {
        b'K' => {
            let mut file = [0; 32];
            stream.read_exact(&mut file).await?;
            if file == *held.file() {
                stream.write_all(b"+").await?;
                stream.write_all(held.key()).await?;
            } else {
                stream.write_all(b"-").await?;
            }
            stream.shutdown().await?;
            Ok(false)
        }
        b'L' => {
            stream.write_all(b"+").await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

fn digest(key_file: &Path) -> Option<[u8; 32]> {
    std::fs::read(key_file).ok().map(|bytes| Sha256::digest(bytes).into())
}

/// Listens with mode 0600. What a dead agent left is removed; a living one was told to end before.
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

/// Tells the agent to end, and waits until it has; whether there was one.
pub(crate) async fn end(home: &Path) -> bool {
    let ask = async {
        let mut stream = connect(home).await?;
        stream.write_all(b"L").await.ok()?;
        stream.read_u8().await.ok()?;
        // It ends with its connection.
        let _ = stream.read_u8().await;
        Some(())
    };
    matches!(timeout(PATIENCE, ask).await, Ok(Some(())))
}

#[cfg(test)]
mod tests;
