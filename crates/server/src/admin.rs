//! The admin socket: a unix socket with mode 0600 whose peer must run as the server's own user (or root). One line of
//! JSON asks, one line answers.

mod ask;
pub(crate) mod seen;
#[cfg(test)]
mod tests;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    time::timeout,
};

pub(crate) use ask::{answers, ask};

use crate::{backup::Manifest, fault::Fault};

/// What an operator can ask of a running server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Wish {
    /// A new one-time invitation.
    Invite {
        /// How long it can be used, in seconds.
        expires_seconds: u64,
        /// With it, recovery may ask for a lost device's place in this wallet, in hex.
        #[serde(default)]
        recover: Option<String>,
        /// How long a recovery of that wallet waits until one is done, in seconds.
        #[serde(default)]
        wait_seconds: Option<u64>,
    },
    /// Another log level.
    LogLevel {
        /// As in the configuration.
        level: String,
    },
    /// The operator's yes to a change that waits for it.
    Approve {
        /// The wallet, in hex.
        wallet: String,
        /// The change's number, as the device tells it.
        change: u64,
    },
    /// The operator's no to a change that waits.
    Refuse {
        /// The wallet, in hex.
        wallet: String,
        /// The change's number, as the device tells it.
        change: u64,
    },
    /// A device that has no part in any wallet goes.
    RemoveDevice {
        /// The device, in hex.
        device: String,
    },
    /// Some of the users.
    Users {
        /// The user to go on after, in hex.
        after: Option<String>,
        /// How many at most.
        limit: u32,
    },
    /// Some of the wallets.
    Wallets {
        /// Of this user alone, in hex.
        user: Option<String>,
        /// The wallet to go on after, in hex.
        after: Option<String>,
        /// How many at most.
        limit: u32,
    },
    /// Some of the devices.
    Devices {
        /// Of this user alone, in hex.
        user: Option<String>,
        /// The device to go on after, in hex.
        after: Option<String>,
        /// How many at most.
        limit: u32,
    },
    /// How much there is of everything.
    Stats,
    /// A piece of a wallet's log, verified.
    Audit {
        /// The wallet, in hex.
        wallet: String,
        /// Where the piece before it ended: a number and a hash in hex.
        from: Option<(u64, String)>,
    },
    /// To take no more requests, and say when none is under way; or to take them again.
    Drain {
        /// Again.
        resume: bool,
    },
    /// Where the server stands.
    Status,
    /// The server's link, for those who sign in.
    Link,
    /// A backup, written by the server.
    Backup {
        /// A new file, by its absolute path.
        out: PathBuf,
        /// An age recipient; none: the configuration's.
        recipient: Option<String>,
    },
    /// Another KEK, or word of how far the change is that is under way.
    RotateKek,
    /// How far the change of the KEK is.
    KekStanding,
    /// Some of the fences.
    Fences {
        /// The wallet to go on after, in hex.
        after: Option<String>,
    },
    /// A drill, of some of the wallets.
    Drill {
        /// The wallet to go on after, in hex.
        after: Option<String>,
    },
    /// Shares that devices brought back and that the operator's offline key has to open.
    KeptShares {
        /// The wallet to go on after, in hex.
        after: Option<String>,
    },
    /// What the offline key opened of one of them.
    AdoptShare {
        /// The wallet, in hex.
        wallet: String,
        /// In hex. It is sealed under the user's unlock key.
        opened: String,
    },
    /// The operator's decision on a fence.
    LiftFence {
        /// The wallet, in hex.
        wallet: String,
        /// For its log.
        reason: String,
        /// It was not named: all that are fenced are meant.
        many: bool,
    },
}

impl Wish {
    /// How long granting it may take.
    pub(crate) const fn patience(&self) -> Duration {
        match self {
            // It reads and writes all there is, twice.
            Self::Backup { .. } => Duration::from_secs(12 * 3600),
            Self::Drill { .. } => Duration::from_secs(120),
            // Limits bound what it waits for.
            Self::Drain { .. } => Duration::from_secs(320),
            Self::Stats => Duration::from_secs(30),
            _ => PATIENCE,
        }
    }
}

/// The answer to a [`Wish`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// A new invitation.
    Invitation {
        /// Its text.
        invitation: String,
        /// Seconds since 1970.
        expires: u64,
    },
    /// The server's link.
    Link {
        /// Its text.
        link: String,
    },
    /// Some of the users.
    Users(seen::Page<seen::User>),
    /// Some of the wallets.
    Wallets(seen::Page<seen::Wallet>),
    /// Some of the devices.
    Devices(seen::Page<seen::Device>),
    /// How much there is of everything.
    Stats(seen::Stats),
    /// A piece of a wallet's log.
    Audit(seen::Log),
    /// Requests are taken, or not.
    Draining {
        /// They are not.
        draining: bool,
        /// How many are under way.
        under_way: usize,
    },
    /// Done.
    Done,
    /// Where the server stands.
    Status {
        /// Where devices reach it.
        url: String,
        /// It answers requests.
        ready: bool,
        /// Its version.
        version: String,
        /// The change of its KEK, if one was ever begun.
        #[serde(default)]
        kek: Option<KekStanding>,
        /// What is not as it should be, though requests are answered; a sentence each.
        #[serde(default)]
        troubles: Vec<String>,
        /// How the links that leave it are.
        #[serde(default)]
        links: Vec<seen::Link>,
    },
    /// How far the change of the KEK is.
    Kek(KekStanding),
    /// A backup was made.
    Backup(Manifest),
    /// Some of the fences.
    Fences {
        /// They.
        fences: Vec<Fence>,
        /// Ask for those after this wallet; none: that was all.
        next: Option<String>,
    },
    /// What a drill found.
    Drilled {
        /// Wallets looked at.
        wallets: u64,
        /// Those whose share is the one that signed last.
        proved: u64,
        /// Those with something wrong, and what.
        wrong: Vec<(String, String)>,
        /// Ask for those after this wallet; none: that was all.
        next: Option<String>,
    },
    /// A change that waited has the operator's yes.
    Approved {
        /// What it is, in a word.
        what: String,
        /// The device that asks, in hex; none for recovery.
        asker: Option<String>,
        /// When it asked, in seconds since 1970.
        asked: u64,
        /// When its time comes.
        due: u64,
    },
    /// Some of the shares that devices brought back.
    KeptShares {
        /// The wallet and the age file, both in hex.
        kept: Vec<(String, String)>,
        /// Ask for those after this wallet; none: that was all.
        next: Option<String>,
    },
    /// A decision was noted.
    Decided {
        /// Somebody had said yes already, and the fence is lifted.
        lifted: bool,
    },
    /// Refused, in a sentence.
    Refused(String),
}

/// The change of the KEK, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KekStanding {
    /// It is not over.
    pub(crate) moving: bool,
    /// About how much of it is done.
    pub(crate) percent: u8,
    /// Wallets that stand under the new one.
    pub(crate) wallets: u64,
    /// Wallets that open under neither.
    pub(crate) damaged: u64,
    /// What holds it up; it is tried again.
    pub(crate) trouble: Option<String>,
    /// Where the old one lies.
    pub(crate) old: Option<PathBuf>,
}

/// A fence, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fence {
    /// The wallet, in hex.
    pub(crate) wallet: String,
    /// Since when, in seconds since 1970.
    pub(crate) since: u64,
    /// Why, and what it waits for.
    pub(crate) why: String,
}

/// Grants wishes.
pub(crate) trait Grant: Send + Sync + 'static {
    /// Never fails: a refusal is a reply.
    fn grant(&self, wish: Wish) -> impl Future<Output = Reply> + Send;
}

const LINE: u64 = 4096;
const PATIENCE: Duration = Duration::from_secs(10);

/// Listens. What a dead server left at the path is removed: the data directory's lock says that no other lives.
pub(crate) fn bind(path: &Path) -> Result<UnixListener, Fault> {
    if path.as_os_str().len() > 100 {
        return Err(Fault::Admin(format!(
            "the admin socket's path {} is longer than the system takes; set admin_socket to a shorter one",
            path.display()
        )));
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Fault::writing(path)(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(Fault::writing(path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(Fault::writing(path))?;
    Ok(listener)
}

/// Serves until dropped.
pub(crate) async fn serve<G: Grant>(listener: UnixListener, grant: Arc<G>) {
    let door = Arc::new(Semaphore::new(16));
    loop {
        let (Ok((stream, _)), Ok(place)) = (listener.accept().await, Arc::clone(&door).acquire_owned().await) else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let grant = Arc::clone(&grant);
        tokio::spawn(async move {
            // Each side of the conversation has a bound of its own.
            let _ = converse(stream, grant.as_ref()).await;
            drop(place);
        });
    }
}

async fn converse<G: Grant>(mut stream: UnixStream, grant: &G) -> std::io::Result<()> {
    let own = rustix::process::geteuid().as_raw();
    let peer = stream.peer_cred()?.uid();
    let reply = if peer == own || peer == 0 {
        let mut line = Vec::new();
        let (read, _) = stream.split();
        timeout(PATIENCE, BufReader::new(read.take(LINE)).read_until(b'\n', &mut line)).await??;
        match serde_json::from_slice::<Wish>(&line) {
            Ok(wish) => timeout(wish.patience(), grant.grant(wish)).await?,
            Err(error) => Reply::Refused(format!("can't read the request: {error}")),
        }
    } else {
        tracing::warn!(uid = peer, "a stranger knocked at the admin socket");
        Reply::Refused("only the user that runs the server may do this".into())
    };
    let mut line = serde_json::to_vec(&reply)?;
    line.push(b'\n');
    timeout(PATIENCE, stream.write_all(&line)).await??;
    stream.shutdown().await
}
