//! What is found around the process, looked up once, so that judging it needs nothing but this.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use zeroize::Zeroizing;

use crate::{
    clock,
    config::{self, Config, Keeper, SignIn, plain},
    database, kek, memory, private_file,
    tls::judge::{self, Flaw},
};

/// A key of 32 bytes that was drawn has about thirty different ones, and never as few as this.
const FEWEST_BYTES: usize = 16;

/// Everything that the checks look at beside the configuration.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// The user that the process runs as.
    pub(crate) user: u32,
    /// A core dump is possible, or the memory is open to others of the same user.
    pub(crate) memory_open: bool,
    /// Why memory can't be locked.
    pub(crate) lock_obstacle: Option<String>,
    /// The KEK's file, by its real path.
    pub(crate) kek: Place,
    /// Its folder.
    pub(crate) kek_folder: Place,
    /// Why the KEK can't be read.
    pub(crate) kek_fault: Option<String>,
    /// It can't have been drawn at random.
    pub(crate) kek_guessable: bool,
    /// What keeps it.
    pub(crate) kek_keeper: Keeper,
    /// What is run with it in hand, and the folders of that.
    pub(crate) kek_programs: Vec<Place>,
    /// The data directory, by its real path.
    pub(crate) data_dir: Place,
    /// The anchor's folder.
    pub(crate) anchor_folder: Option<Place>,
    /// The folder of the certificate's private key.
    pub(crate) key_folder: Place,
    /// The folder of the socket for proxies.
    pub(crate) socket_folder: Option<Place>,
    /// How a device judges the certificate.
    pub(crate) certificate: Result<(), Flaw>,
    /// A password of a node or of the database is one that everybody tries first.
    pub(crate) node_password_guessable: bool,
    /// What there is to say against the providers' secrets.
    pub(crate) secrets: Vec<Secret>,
    /// What is too much of the database's role, a sentence each, or why it can't be asked.
    pub(crate) role: Result<Vec<String>, String>,
    /// Seconds that the time server is ahead, where one is named and answers.
    pub(crate) clock_offset: Option<f64>,
}

/// A file with a secret that a provider holds as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Secret {
    pub(crate) file: PathBuf,
    /// Why it is of no use, or no secret.
    pub(crate) fault: Option<String>,
    /// It was chosen, or stands in the examples that people copy.
    pub(crate) guessable: bool,
}

/// A file or folder, and who may do what with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// Owner and permissions; none where it is not there.
    pub(crate) rights: Option<(u32, u32)>,
}

impl Place {
    fn of(path: &Path) -> Self {
        let path = plain(path);
        let rights = fs::metadata(&path)
            .ok()
            .map(|found| (found.uid(), found.mode() & 0o7777));
        Self { path, rights }
    }

    /// The folder that a file is in; in its stead the first of those above it in which others may put another one there.
    fn folder_of(path: &Path, server: u32) -> Self {
        let path = plain(path);
        let folder = path.parent().unwrap_or(&path);
        let theirs = |place: &Self| place.open_for(0o2) || place.foreign_to(server);
        folder
            .ancestors()
            .map(Self::of)
            .find(theirs)
            .unwrap_or_else(|| Self::of(folder))
    }

    fn owner(&self) -> Option<u32> {
        self.rights.map(|(owner, _)| owner)
    }

    /// Whether group or others have any of these rights, as bits for others.
    pub(crate) fn open_for(&self, rights: u32) -> bool {
        let wanted = rights | rights << 3;
        // In a sticky folder nobody takes away or replaces what is another's.
        let sticky = |mode: u32| rights == 0o2 && mode & 0o1000 != 0;
        self.rights.is_some_and(|(_, mode)| mode & wanted != 0 && !sticky(mode))
    }

    /// Whether it belongs to somebody else than this user and root.
    pub(crate) fn foreign_to(&self, user: u32) -> bool {
        self.rights.is_some_and(|(owner, _)| owner != user && owner != 0)
    }
}

impl Surroundings {
    /// Looks around, at `now` in seconds since 1970. Who is not on this machine is asked where there is patience for that.
    pub(crate) fn probe(config: &Config, now: u64, patience: Option<Duration>) -> Self {
        let look = kek::Files::of(config).look();
        let second = config.bitcoin.second.as_ref();
        let passwords = [
            config.bitcoin.password_file.as_deref(),
            second.and_then(|second| second.password_file.as_deref()),
            config.database.password_file.as_deref(),
        ];
        let mut passwords = passwords
            .into_iter()
            .flatten()
            .filter_map(|file| fs::read_to_string(file).map(Zeroizing::new).ok());
        let user = rustix::process::geteuid().as_raw();
        let data_dir = Place::of(&config.data_dir);
        let server = data_dir.owner().unwrap_or(user);
        let (clock_offset, role) = patience.map_or((None, Ok(Vec::new())), |patience| asked(config, patience));
        Self {
            user,
            memory_open: memory::is_open(),
            lock_obstacle: memory::obstacle_to_locking(),
            kek: Place::of(&config.kek_file),
            kek_folder: Place::folder_of(&config.kek_file, server),
            kek_guessable: look
                .as_ref()
                .is_ok_and(|look| look.plain.as_ref().is_some_and(|key| guessable(key.expose()))),
            kek_keeper: look.as_ref().map_or(config.kek.kind, |look| look.keeper),
            kek_fault: look.err().map(|fault| fault.to_string()),
            kek_programs: programs(config, server),
            data_dir,
            anchor_folder: config.anchor_file.as_deref().map(|file| Place::folder_of(file, server)),
            key_folder: Place::folder_of(&config.tls.key, server),
            socket_folder: config
                .ingress
                .socket
                .as_deref()
                .map(|file| Place::folder_of(file, server)),
            certificate: certificate(config, now),
            node_password_guessable: passwords.any(|password| well_known(password.trim())),
            secrets: secrets(config),
            role,
            clock_offset,
        }
    }

    /// The user that the server is to run as: whose the data is, or will be.
    pub(super) fn server(&self) -> u32 {
        self.data_dir.owner().unwrap_or(self.user)
    }
}

/// The clock's offset and the database's role, both at once.
fn asked(config: &Config, patience: Duration) -> (Option<f64>, Result<Vec<String>, String>) {
    thread::scope(|scope| {
        let role = scope.spawn(|| database::excess(config, patience));
        let offset = clock_offset(config, patience);
        (
            offset,
            role.join().unwrap_or_else(|_| Err("asking it broke off".into())),
        )
    })
}

fn secrets(config: &Config) -> Vec<Secret> {
    let files = config.sign_in.iter().flat_map(SignIn::secret_files);
    let found = files.map(|file| {
        let private = private_file::require_private(file);
        let text = fs::read_to_string(file).map(Zeroizing::new).unwrap_or_default();
        // A key in PEM is no shared secret.
        let shared = !text.starts_with("-----BEGIN");
        let usable = private.and_then(|()| if shared { config::secret(file).map(drop) } else { Ok(()) });
        Secret {
            file: file.to_owned(),
            fault: usable.err().map(|fault| fault.to_string()),
            guessable: shared && chosen(text.trim()),
        }
    });
    found.collect()
}

/// How a device judges the certificate; one that ACME replaces before anything is answered is not judged by its time.
fn certificate(config: &Config, now: u64) -> Result<(), Flaw> {
    match judge::judged(&config.tls, config.public_url.host(), now) {
        Err(Flaw::Time | Flaw::Other(_)) if config.acme.is_some() => Ok(()),
        judged => judged,
    }
}

fn programs(config: &Config, server: u32) -> Vec<Place> {
    let programs = config.kek.programs();
    let with_folders = programs
        .iter()
        .flat_map(|file| [Place::of(file), Place::folder_of(file, server)]);
    let mut places: Vec<_> = with_folders.collect();
    places.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    places.dedup();
    places
}

fn clock_offset(config: &Config, patience: Duration) -> Option<f64> {
    let server = config.clock.server.as_ref()?;
    match clock::offset(server, patience) {
        Ok(offset) => Some(offset),
        Err(why) => {
            // Whoever is between could say anything: silence keeps no server from starting.
            tracing::warn!(
                server,
                why,
                "the time server can't be asked; the machine's clock is believed"
            );
            None
        }
    }
}

/// Whether these bytes were chosen, not drawn: zeros, a pattern, a counting up.
fn guessable(key: &[u8; 32]) -> bool {
    let mut seen = [false; 256];
    for byte in key {
        seen[usize::from(*byte)] = true;
    }
    let few = seen.iter().filter(|seen| **seen).count() < FEWEST_BYTES;
    let steps = key.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    let even = steps.clone().min() == steps.max();
    few || even
}

/// Whether a long secret was chosen, not drawn: few different characters, or one of the examples that people copy.
fn chosen(secret: &str) -> bool {
    const EXAMPLES: [&str; 4] = ["super-secret", "your-256-bit-secret", "changeme", "change-me"];
    let mut characters: Vec<_> = secret.bytes().collect();
    characters.sort_unstable();
    characters.dedup();
    let low = secret.to_lowercase();
    characters.len() < 8 || EXAMPLES.iter().any(|example| low.contains(example))
}

/// Whether it stands in the examples that people copy, is too short to resist, or was typed with one finger.
fn well_known(password: &str) -> bool {
    const EXAMPLES: [&str; 8] = [
        "bitcoinrpc",
        "rpcpassword",
        "password1234",
        "passwordpassword",
        "yourpassword",
        "localpassword",
        "changemechangeme",
        "satoshinakamoto",
    ];
    let different: BTreeSet<char> = password.chars().collect();
    password.len() < 12 || different.len() < 5 || EXAMPLES.contains(&password.to_lowercase().as_str())
}

#[cfg(test)]
mod tests;
