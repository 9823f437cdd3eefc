//! `init`.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use twofold_api::public_url::PublicUrl;
use twofold_cosigner::port::Clock as _;

use super::{Node, invite, say};
use crate::{
    certificate,
    clock::SystemClock,
    config::{
        Backup, Clock, Config, Database, Ingress, Keeping, Limits, Log, Metrics, Mode, People, Policy, Tls, Traces,
        Trust, Waits,
    },
    fault::Fault,
    kek, node, private_file, serve, tls,
};

/// What a new server is to be.
#[derive(Debug, Clone)]
pub struct Init {
    /// How strict it is to be with its surroundings.
    pub mode: Mode,
    /// Folder for the configuration, the KEK and the certificate.
    pub dir: PathBuf,
    /// Folder for the database.
    pub data_dir: PathBuf,
    /// The anchor's file; none: beside the data directory.
    pub anchor: Option<PathBuf>,
    /// Where devices reach it.
    pub public_url: PublicUrl,
    /// Address to listen on.
    pub listen: SocketAddr,
    /// A certificate that the web's roots vouch for, and its key; none: a private CA is made.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// The node.
    pub node: Node,
    /// How long the first invitation can be used, in seconds.
    pub expires_seconds: u64,
    /// Print one JSON object.
    pub json: bool,
}

/// What stands over `mode`, which is the first key.
const MODE: &str = "\
# production: refuses to start as long as something around it is unsafe, and names all of it at once.
# development: starts all the same; for trying, never for money.
";

/// Writes configuration, KEK and certificate, makes the server's identity and prints the first invitation. Nothing that
/// exists is overwritten.
pub fn init(wanted: Init) -> Result<(), Fault> {
    let file = std::path::absolute(wanted.dir.join("twofold.toml")).map_err(Fault::writing(&wanted.dir))?;
    if file.exists() {
        return Err(Fault::Config(format!(
            "{} is there already; this server was set up before",
            file.display()
        )));
    }
    let json = wanted.json;
    let expires_seconds = wanted.expires_seconds;
    let config = prepare(wanted)?;
    config.check()?;
    private_file::create(&file, format!("{MODE}{}", config.to_toml()?).as_bytes())?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::System(format!("can't start: {error}")))?;
    let invitation = runtime.block_on(serve::first_invitation(
        &config,
        node::connect(&config.bitcoin)?,
        expires_seconds,
    ))?;
    if json {
        let mut printed = invite::as_json(&invitation);
        printed["config"] = file.display().to_string().into();
        say(printed);
    } else {
        say(format_args!("Configuration: {}", file.display()));
        say(format_args!(
            "KEK:           {}  (back it up apart from the data; without it the data is lost)",
            config.kek_file.display()
        ));
        say(format_args!("Data:          {}", config.data_dir.display()));
        if let Some(file) = &config.anchor_file {
            say(format_args!(
                "Anchor:        {}  (keep it out of every backup of the data)",
                file.display()
            ));
        }
        if let Some(obstacle) = config.bitcoin.obstacle() {
            say(format_args!("Node:          {obstacle}"));
        }
        say(format_args!(
            "Start it:      twofold-server run --config {}",
            file.display()
        ));
        invite::print(&invitation);
    }
    Ok(())
}

fn prepare(wanted: Init) -> Result<Config, Fault> {
    let mut bitcoin = wanted.node.bitcoin().ok_or_else(|| {
        Fault::Config("say how to reach the node: --cookie-file FILE (or edit [bitcoin] in the configuration); or without one, an \
             Electrum server: --electrum-url ssl://HOST:PORT".into())
    })?;
    // The server will run in another folder than this. The node may not have written its cookie yet.
    if let Some(file) = bitcoin.cookie_file.take() {
        bitcoin.cookie_file = Some(std::path::absolute(&file).map_err(Fault::reading(&file))?);
    }
    private_file::directory(&wanted.dir)?;
    let dir = fs::canonicalize(&wanted.dir).map_err(Fault::reading(&wanted.dir))?;
    let data_dir = std::path::absolute(&wanted.data_dir).map_err(Fault::writing(&wanted.data_dir))?;
    let kek_file = dir.join("kek");
    let keeping = Keeping::of_environment()?;
    kek::Files::at(&kek_file, &keeping).ensure()?;
    let tls = if let Some((certificate, key)) = wanted.certificate {
        Tls {
            certificate: fs::canonicalize(&certificate).map_err(Fault::reading(&certificate))?,
            key: fs::canonicalize(&key).map_err(Fault::reading(&key))?,
            trust: Trust::Web,
        }
    } else {
        if !dir.join("chain.pem").exists() {
            certificate::make(&dir, vec![wanted.public_url.host().to_owned()], SystemClock.now())?;
        }
        Tls {
            certificate: dir.join("chain.pem"),
            key: dir.join("key.pem"),
            trust: Trust::Pinned,
        }
    };
    tls::Chain::load(&tls)?;
    let anchor_file = wanted.anchor.unwrap_or_else(|| beside(&data_dir));
    let anchor_file = std::path::absolute(&anchor_file).map_err(Fault::writing(&anchor_file))?;
    Ok(Config {
        mode: wanted.mode,
        public_url: wanted.public_url,
        listen: wanted.listen,
        data_dir,
        kek_file,
        anchor_file: Some(anchor_file),
        admin_socket: None,
        allowed_origins: Vec::new(),
        ingress: Ingress::default(),
        kek: keeping,
        tls,
        acme: None,
        bitcoin,
        // A server of PostgreSQL's is told so from the first.
        database: Database::of_environment()?,
        limits: Limits::default(),
        sign_in: Vec::new(),
        people: People::default(),
        backend: Vec::new(),
        policy: Policy::default(),
        waits: Waits::default(),
        backup: Backup::default(),
        log: Log::default(),
        metrics: Metrics::default(),
        traces: Traces::default(),
        clock: Clock::default(),
        trust_clock: false,
        new_anchor: false,
    })
}

/// The anchor of a server whose operator names no other place: `/var/lib/twofold-anchor/anchor` for `/var/lib/twofold`.
fn beside(data_dir: &Path) -> PathBuf {
    let mut name = data_dir.file_name().unwrap_or_default().to_owned();
    name.push("-anchor");
    data_dir.with_file_name(name).join("anchor")
}
