//! The server's configuration file, as an operator or an accident leaves it.

use std::{fs, net::SocketAddr, path::Path, sync::LazyLock};

use tempfile::TempDir;
use twofold_server::config::Config;
use twofold_server::development;
use twofold_server::fault::Fault;

use crate::{Seed, Target};

pub(crate) const TARGET: Target = Target {
    name: "config",
    run,
    stages: &["no text", "refused", "unknown key", "missing key", "unsound", "sound"],
    seeds,
};

/// A folder with all that a configuration names, and a place for the file.
struct Place {
    folder: TempDir,
    good: Config,
}

static PLACE: LazyLock<Place> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a folder");
    let listen = SocketAddr::from(([127, 0, 0, 1], 8443));
    let good = development::prepare(&folder.path().join("server"), 1_790_000_000, listen, None);
    Place {
        folder,
        good: good.expect("a configuration"),
    }
});

fn run(input: &[u8]) -> &'static str {
    let file = PLACE.folder.path().join("twofold.toml");
    fs::write(&file, input).expect("a file");
    let config = match Config::load(&file) {
        Ok(config) => config,
        Err(fault) => return refused(&fault),
    };
    // What is written is what is read.
    let written = config.to_toml().expect("can be written");
    fs::write(&file, &written).expect("a file");
    let again = Config::load(&file).expect("what was written can be read");
    assert_eq!(again.to_toml().expect("can be written"), written);
    sound(config)
}

fn refused(fault: &Fault) -> &'static str {
    let said = fault.to_string();
    assert!(said.contains("twofold.toml"), "the file is not named: {said}");
    assert_eq!(fault.exit_code(), 3);
    if said.contains("UTF-8") {
        "no text"
    } else if said.contains("unknown key") {
        "unknown key"
    } else if said.contains("is missing") {
        "missing key"
    } else {
        "refused"
    }
}

/// Beyond its shape. The files are those of the good configuration: others are not the fuzzer's to open.
fn sound(config: Config) -> &'static str {
    let good = &PLACE.good;
    let config = Config {
        data_dir: good.data_dir.clone(),
        kek_file: good.kek_file.clone(),
        anchor_file: good.anchor_file.clone(),
        tls: good.tls.clone(),
        sign_in: Vec::new(),
        bitcoin: twofold_server::config::Bitcoin {
            password_file: config.bitcoin.password_file.as_ref().map(|_| good.kek_file.clone()),
            ..config.bitcoin
        },
        ..config
    };
    match config.check() {
        Ok(()) => {
            assert!((1..=100).contains(&config.policy.max_fee_percent));
            assert!(config.metrics.listen.is_none_or(|listen| listen.ip().is_loopback()));
            assert!(config.limits.connections > 0 && config.limits.request_seconds <= 300);
            assert!(!config.bitcoin.rpc_url.contains('@'));
            "sound"
        }
        Err(fault) => {
            assert_eq!(fault.exit_code(), 3, "{fault}");
            "unsound"
        }
    }
}

const GOOD: &str = r#"public_url = "https://wallet.example.org"
listen = "0.0.0.0:8443"
data_dir = "/var/lib/twofold"
kek_file = "/etc/twofold/kek"
[tls]
certificate = "/etc/twofold/chain.pem"
key = "/etc/twofold/key.pem"
trust = "pinned"
[bitcoin]
network = "signet"
rpc_url = "http://127.0.0.1:38332"
cookie_file = "/var/lib/bitcoin/signet/.cookie"
"#;

fn seeds() -> Vec<Seed> {
    let full = Config {
        public_url: "https://wallet.example.org".parse().expect("a URL"),
        data_dir: Path::new("/var/lib/twofold").to_owned(),
        kek_file: Path::new("/etc/twofold/kek").to_owned(),
        anchor_file: Some(Path::new("/var/lib/twofold-anchor/anchor").to_owned()),
        admin_socket: None,
        tls: twofold_server::config::Tls {
            certificate: Path::new("/etc/twofold/chain.pem").to_owned(),
            key: Path::new("/etc/twofold/key.pem").to_owned(),
            ..PLACE.good.tls.clone()
        },
        bitcoin: twofold_server::config::Bitcoin {
            cookie_file: Some(Path::new("/etc/cookie").to_owned()),
            ..PLACE.good.bitcoin.clone()
        },
        ..PLACE.good.clone()
    };
    let texts = [
        ("good", GOOD.to_owned()),
        ("full", full.to_toml().expect("can be written")),
        ("empty", String::new()),
        ("unknown", format!("{GOOD}[limits]\nconections = 5\n")),
        ("wrong-type", GOOD.replace("\"0.0.0.0:8443\"", "8443")),
        ("password", GOOD.replace("//127", "//a:b@127")),
        ("no-connections", format!("{GOOD}[limits]\nconnections = 0\n")),
        ("open-metrics", format!("{GOOD}[metrics]\nlisten = \"0.0.0.0:9\"\n")),
        ("loud", format!("{GOOD}[log]\nlevel = \"loud=\"\n")),
    ];
    let mut seeds: Vec<Seed> = vec![("no-text".into(), vec![0xff, 0xfe])];
    seeds.extend(
        texts
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text.into_bytes())),
    );
    seeds
}
